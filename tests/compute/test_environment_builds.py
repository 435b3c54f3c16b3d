"""The builder with a stand-in for uv: a script that makes a folder, so that no network is needed."""

from __future__ import annotations

import stat
import threading
import tomllib
from pathlib import Path

import pytest

from compute.environments import Builder, BuildFailed, client, find, interpreters, parse_requirements

UV = """#!/bin/sh
echo "$*" >> {calls}
case "$1 $2" in
  venv*) for last; do :; done; mkdir -p "$last/bin"; ln -s /bin/true "$last/bin/python"; sleep 0.2 ;;
  "pip install") {install} ;;
  "pip freeze") echo "numpy==2.4.6" ;;
esac
"""


@pytest.fixture
def builder(tmp_path):
    def make(install: str = "echo installed") -> Builder:
        uv = tmp_path / "uv"
        uv.write_text(UV.format(calls=tmp_path / "calls", install=install))
        uv.chmod(0o755)
        return Builder(root=tmp_path / "environments", uv=str(uv), cache=tmp_path / "cache")

    return make


def calls(tmp_path: Path, word: str) -> int:
    return sum(line.startswith(word) for line in (tmp_path / "calls").read_text().splitlines())


def test_ten_who_ask_at_once_get_one_build(builder, tmp_path):
    spec, builds = parse_requirements("numpy"), []
    threads = [threading.Thread(target=lambda: builds.append(builder().build(spec))) for _n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({built.python for built in builds}) == 1
    assert calls(tmp_path, "venv") == 1


def test_a_built_one_is_found_with_its_lock_and_log(builder, monkeypatch, tmp_path):
    monkeypatch.setattr("compute.environments.client.wheel", lambda below, uv: tmp_path / "client.whl")
    spec = parse_requirements("numpy\nazureml-core")
    built = builder().build(spec)
    assert find(built.folder.parent, spec.digest) == built
    assert built.lock == "numpy==2.4.6\n"
    assert "azureml-core" in built.notes[0]
    log = (built.folder / "build.log").read_text()
    assert "installed" in log
    assert "ready in" in log


def test_a_failed_build_leaves_its_log_alone(builder, tmp_path):
    spec = parse_requirements("nosuchpackage")
    with pytest.raises(BuildFailed, match="nosuchpackage was not found"):
        builder("echo nosuchpackage was not found; exit 1").build(spec)
    folder = tmp_path / "environments" / spec.digest
    assert [entry.name for entry in folder.iterdir()] == ["build.log"]
    assert "FAILED" in (folder / "build.log").read_text()
    assert find(tmp_path / "environments", spec.digest) is None


def test_without_a_network_the_cache_serves(builder):
    online = 'case "$*" in *--offline*) ;; *) echo "error sending request"; exit 2 ;; esac'
    assert builder(online).build(parse_requirements("numpy")).lock


def test_what_a_crash_left_is_cleared_before_the_next_attempt(builder, tmp_path):
    spec = parse_requirements("numpy")
    left = tmp_path / "environments" / spec.digest / ".tmp-venv"
    left.mkdir(parents=True)
    assert builder().build(spec).python.exists()
    assert not left.exists()


def make_python(folder: Path, minor: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"python{minor}"
    path.write_text("")
    path.chmod(0o755)
    return path


def test_the_nearest_python_is_taken_and_said(tmp_path):
    for minor in ("3.9", "3.11"):
        make_python(tmp_path, minor)
    found = [one for one in interpreters.installed(search=[tmp_path]) if one.path.parent == tmp_path]
    assert interpreters.choose("3.11", found)[1] == ""
    chosen, note = interpreters.choose("3.10", found)
    assert (chosen.minor, "3.10 is not on this machine" in note) == ("3.11", True)


def test_a_python_too_old_for_the_client_gives_way(tmp_path):
    for minor in ("3.6", "3.11"):
        make_python(tmp_path, minor)
    found = [one for one in interpreters.installed(search=[tmp_path]) if one.path.parent == tmp_path]
    assert interpreters.choose("3.6", found)[0].minor == "3.6"
    chosen, note = interpreters.choose("3.6", found, least=client.LEAST_PYTHON)
    assert (chosen.minor, "3.6 is too old for the studio's client" in note) == ("3.11", True)
    with pytest.raises(ValueError, match="no Python"):
        interpreters.choose("3.6", found[:0], least=client.LEAST_PYTHON)


def test_the_least_python_is_the_clients_own():
    project = tomllib.loads((client.SOURCES / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={client.LEAST_PYTHON}"


def test_an_interpreter_in_a_closed_folder_is_not_reachable(tmp_path):
    open_one, closed = make_python(tmp_path / "open", "3.11"), make_python(tmp_path / "closed", "3.11")
    for parent in tmp_path.parents:
        if not parent.stat().st_mode & stat.S_IXOTH and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | stat.S_IXOTH)
    tmp_path.chmod(0o755)
    (tmp_path / "closed").chmod(0o700)
    assert interpreters.is_reachable(open_one)
    assert not interpreters.is_reachable(closed)
