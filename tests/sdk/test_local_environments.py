"""An environment of a project's own on the caller's computer, and local runs that cannot start."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from azureml._jobs import local_environment
from azureml.core import Environment, Experiment, ScriptRunConfig
from azureml.exceptions import RunEnvironmentException

DIGEST = "4a2b3bbb48652e38"
LOCK = "numpy==1.23.5\nscikit-learn==1.1.3\n"


@pytest.fixture
def calls(monkeypatch, tmp_path) -> list[list[str]]:
    """What would be run; the new environment's packages lie in `site`."""
    made: list[list[str]] = []
    (tmp_path / "site").mkdir()

    def call(command: list[str]) -> str:
        made.append(command)
        return f"{tmp_path / 'site'}\n" if "-c" in command else ""

    monkeypatch.setattr(local_environment, "call", call)
    monkeypatch.setattr(local_environment, "uv", lambda: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache/studio/environments" / DIGEST).mkdir(parents=True)
    return made


def built(client: str = "") -> SimpleNamespace:
    """An environment that the studio has resolved."""
    notes = ["scikit-learn 0.19.1 has no wheel for this Python; 1.1.3, the next that has one, was used."]
    row = {"digest": DIGEST, "lock": LOCK, "spec": {"client": client}, "notes": notes}
    details = SimpleNamespace(_row=row)
    details.wait_for_completion = lambda show_output: details
    return SimpleNamespace(name="project", build=lambda _workspace: details)


def test_it_is_made_of_what_the_studio_resolved_and_once(calls, tmp_path, capsys):
    python = local_environment.made(None, built())
    folder = tmp_path / "cache/studio/environments" / DIGEST
    assert python == local_environment.LocalPython(str(folder / "bin/python"), has_client=False)
    assert (folder / "lock.txt").read_text() == LOCK
    assert calls[0] == [sys.executable, "-m", "venv", "--clear", str(folder)]
    assert calls[1][1:4] == ["-m", "pip", "install"] and calls[1][-1] == str(folder / "lock.txt")
    assert "1.1.3, the next that has one" in capsys.readouterr().out
    local_environment.made(None, built())
    assert len(calls) == 2


def test_uv_installs_where_there_is_one(calls, monkeypatch):
    monkeypatch.setattr(local_environment, "uv", lambda: "/opt/uv")
    local_environment.made(None, built())
    assert "--without-pip" in calls[0]
    assert calls[1][:3] == ["/opt/uv", "pip", "install"]


def test_the_client_goes_with_an_environment_that_asks_for_it(calls, monkeypatch, tmp_path):
    monkeypatch.setattr(local_environment, "CLIENT", "iniconfig")  # a small package in the client's place
    assert local_environment.made(None, built(client="7c31d5b3290ba58b")).has_client
    copied = {one.relative_to(tmp_path / "site").as_posix() for one in (tmp_path / "site").rglob("*.py")}
    assert "iniconfig/__init__.py" in copied
    assert not [one for one in (tmp_path / "site").rglob("*") if one.suffix == ".pyc"]
    assert list((tmp_path / "site").glob("iniconfig-*.dist-info/METADATA"))


def test_a_client_that_is_no_package_cannot_be_put_anywhere(calls, monkeypatch):
    monkeypatch.setattr(local_environment, "CLIENT", "no-such-package-here")
    with pytest.raises(RunEnvironmentException, match="not installed as a package"):
        local_environment.made(None, built(client="7c31d5b3290ba58b"))


def test_the_installers_last_words_are_the_error():
    with pytest.raises(RunEnvironmentException, match="no such version"):
        local_environment.call([sys.executable, "-c", "import sys; sys.exit('no such version')"])
    assert local_environment.call([sys.executable, "-c", "print('said')"]) == "said\n"


@pytest.mark.django_db
def test_a_script_that_cannot_be_started_ends_its_run(ws, folder, monkeypatch):
    (folder / "code").mkdir()
    (folder / "code" / "train.py").write_text("print('never')\n")
    environment = Environment("own")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = "/nowhere/python"
    config = ScriptRunConfig(str(folder / "code"), script="train.py", environment=environment)
    experiment = Experiment(ws, "local")
    with pytest.raises(FileNotFoundError):
        experiment.submit(config)
    failed = next(iter(experiment.get_runs()))
    assert failed.get_status() == "Failed"
    assert "could not be started" in failed.get_details()["error"]["error"]["message"]


@pytest.mark.django_db
@pytest.mark.parametrize(("has_client", "start"), [(True, "azureml://"), (False, "http://localhost/w/main")])
def test_mlflow_without_the_client_gets_a_plain_address(ws, has_client, start):
    from azureml._jobs.local import LocalProcess

    run = SimpleNamespace(_workspace=ws, experiment=SimpleNamespace(id="1", name="local"), id="0" * 32)
    process = LocalProcess(run, ScriptRunConfig(str(Path(__file__).parent), script="conftest.py"))
    process.python = local_environment.LocalPython(sys.executable, has_client)
    assert process.environment()["MLFLOW_TRACKING_URI"].startswith(start)
