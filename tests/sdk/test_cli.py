"""The command `studio`, against the app in this process."""

import json

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(ws):
    from azureml.core import Experiment

    made = Experiment(ws, "diabetes").start_logging(display_name="first")
    made.log("loss", 0.5)
    return made


def test_rows_are_a_table_json_or_tabs(studio):
    code, table, _err = studio("workspace", "list")
    assert (code, table.split()[:2]) == (0, ["NAME", "GROUP"])
    assert json.loads(studio("workspace", "list", "-o", "json")[1])[0]["name"] == "main"
    assert studio("workspace", "list", "-o", "tsv")[1].startswith("main\trg\t")


def test_an_error_is_one_line_and_a_code(studio):
    code, out, err = studio("run", "show", "0" * 32)
    assert (code, out) == (1, "")
    assert err.startswith("studio: ")
    assert err.count("\n") == 1
    with pytest.raises(SystemExit) as left:
        studio("run", "fly")
    assert left.value.code == 2


def test_a_workspace_is_chosen_and_its_config_written(studio, folder):
    assert studio("workspace", "use", "main")[0] == 0
    assert studio("workspace", "config")[0] == 0
    assert json.loads((folder / ".azureml/config.json").read_text())["workspace_name"] == "main"


def test_runs_are_listed_by_the_experiments_name_and_shown(studio, run):
    assert json.loads(studio("run", "list", "-e", "diabetes", "-o", "json")[1])[0]["id"] == run.id
    assert run.id in studio("run", "show", run.id)[1]
    assert studio("run", "metrics", run.id, "loss", "-o", "tsv")[1] == "0\t0.5\n"


def test_a_metric_is_logged_from_a_shell(studio, run):
    assert studio("run", "log", run.id, "--metric", "accuracy=0.75", "--tag", "team=red")[0] == 0
    assert run.get_metrics()["accuracy"] == 0.75
    assert run.get_tags()["team"] == "red"


def test_files_of_a_run_are_listed_and_downloaded(studio, run, folder):
    (folder / "a.txt").write_text("a")
    run.upload_file("out/a.txt", str(folder / "a.txt"))
    assert "out/a.txt" in studio("run", "files", run.id)[1]
    assert studio("run", "download", run.id, "--to", str(folder / "down"))[0] == 0
    assert (folder / "down/out/a.txt").read_text() == "a"


def test_words_that_cannot_be_are_one_line(studio, run, folder):
    for words in (
        ("endpoint", "traffic", "iris", "3=most"),
        ("run", "download", run.id, "nowhere", "--to", str(folder)),
        ("environment", "register", "mine", str(folder / "absent.yaml")),
    ):
        code, _out, err = studio(*words)
        assert (code, err.count("\n")) == (1, 1), err
        assert "None" not in err


def test_a_cluster_is_made_rescaled_and_deleted(studio):
    assert studio("compute", "create", "cpu-cluster", "--size", "Standard_D2_v2", "--max", "2")[0] == 0
    assert studio("compute", "update", "cpu-cluster", "--max", "3")[0] == 0
    assert json.loads(studio("compute", "show", "cpu-cluster", "-o", "json")[1])["max_nodes"] == 3
    assert studio("compute", "delete", "cpu-cluster", "-y")[0] == 0


def test_a_folder_is_submitted_followed_and_canceled(studio, folder):
    (folder / "code").mkdir()
    (folder / "code/train.py").write_text("print(1)\n")
    code, out, err = studio(
        "job", "submit", str(folder / "code"), "-e", "diabetes", "--environment", "AzureML-Minimal", "-o", "json",
        "--", "python", "train.py",
    )  # fmt: skip
    assert code == 0, err
    run_id = json.loads(out)["run_id"]
    assert run_id in studio("job", "list")[1]
    assert studio("job", "cancel", run_id)[0] == 0
    assert "Canceled" in studio("job", "show", run_id)[1]


def test_a_model_is_registered_listed_downloaded_and_deleted(studio, folder):
    (folder / "model.pkl").write_bytes(b"x")
    assert studio("model", "register", "diabetes", str(folder / "model.pkl"))[0] == 0
    assert "diabetes" in studio("model", "list")[1]
    assert studio("model", "download", "diabetes:1", "--to", str(folder / "down"))[0] == 0
    assert (folder / "down/model.pkl").read_bytes() == b"x"
    code, _out, err = studio("model", "download", "diabetes:1", "--to", str(folder / "down"))
    assert (code, "is there already; --overwrite" in err) == (1, True)
    assert studio("model", "download", "diabetes:1", "--to", str(folder / "down"), "--overwrite")[0] == 0
    assert studio("model", "delete", "diabetes:1", "-y")[0] == 0


def test_an_endpoint_is_made_shown_and_its_keys_changed(studio, ws, folder):
    from azureml.core import Model

    (folder / "model.joblib").write_bytes(b"x")
    Model.register(ws, str(folder / "model.joblib"), "diabetes", model_framework="ScikitLearn")
    code, _out, err = studio("endpoint", "create", "diabetes", "-m", "diabetes:1")
    assert code == 0, err
    assert "diabetes" in studio("endpoint", "list")[1]
    first = json.loads(studio("endpoint", "keys", "diabetes", "-o", "json")[1])
    again = json.loads(studio("endpoint", "regenerate-key", "diabetes", "primary", "-o", "json")[1])
    assert first["secondary"] == again["secondary"]
    assert first["primary"] != again["primary"]
    assert studio("endpoint", "update", "diabetes", "-m", "diabetes:1", "--cpu", "1")[0] == 0
    assert studio("endpoint", "delete", "diabetes", "-y")[0] == 0


def test_environments_are_listed_registered_and_shown(studio, folder):
    (folder / "conda.yaml").write_text("dependencies: [python=3.11, {pip: [numpy]}]\n")
    assert "AzureML-Tutorial" in studio("environment", "list")[1]
    code, _out, err = studio("environment", "register", "mine", str(folder / "conda.yaml"))
    assert code == 0, err
    assert "mine" in studio("environment", "show", "mine")[1]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_every_noun(studio, shell):
    _code, out, _err = studio("completion", shell)
    for noun in ("workspace", "experiment", "run", "job", "compute", "environment", "model", "endpoint"):
        assert f"    {noun}) words=" in out
