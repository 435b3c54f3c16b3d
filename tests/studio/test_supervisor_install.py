"""The installation: nothing twice, nothing half, one sentence when it cannot."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from studio.supervisor import install


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An environment folder and a requirements file; installing only counts."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("uv==0.13.9 # installs\nDjango==5.2.19\n")
    calls: list[str] = []

    def pretend(venv: Path, python: Path, files: list[Path]) -> None:
        calls.append(",".join(file.name for file in files))
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch(mode=0o755)

    monkeypatch.setattr(install, "install", pretend)
    return tmp_path / ".venv", requirements, calls


def test_it_is_installed_once(place):
    venv, requirements, calls = place
    assert install.ensure(venv, [requirements]) == venv / "bin/python"
    install.ensure(venv, [requirements])
    assert calls == ["requirements.txt"]


def test_changed_requirements_are_installed(place):
    venv, requirements, calls = place
    install.ensure(venv, [requirements])
    requirements.write_text("Django==5.2.20\n")
    install.ensure(venv, [requirements])
    assert len(calls) == 2


def test_an_interrupted_installation_is_done_again(place, monkeypatch):
    venv, requirements, calls = place
    whole = install.install

    def interrupted(*arguments):
        whole(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(install, "install", interrupted)
    with pytest.raises(KeyboardInterrupt):
        install.ensure(venv, [requirements])
    monkeypatch.setattr(install, "install", whole)
    install.ensure(venv, [requirements])
    assert len(calls) == 2


def test_what_tests_need_does_not_undo_what_runs(place):
    venv, requirements, calls = place
    more = requirements.with_name("requirements-dev.txt")
    more.write_text("pytest\n")
    install.ensure(venv, [requirements, more])
    install.ensure(venv, [requirements])
    install.ensure(venv, [requirements, more])
    assert len(calls) == 1


def test_the_pin_of_uv_is_used(place):
    _, requirements, _ = place
    assert install.pinned("uv", requirements) == "uv==0.13.9"
    assert install.pinned("pip", requirements) == "pip"


def test_a_missing_venv_module_is_one_sentence(tmp_path, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "ensurepip is not available.\nmore lines\n")
    monkeypatch.setattr(install.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(install.InstallError, match=r"install its venv module \(on Debian: python3\.\d+-venv\)"):
        install.make(tmp_path / ".venv")


def test_a_too_old_python_is_one_sentence(tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$2" in *print*) echo 3.9;; *) exit 1;; esac\n')
    old.chmod(0o755)
    for name in ("dirname",):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    env = {"PATH": str(tmp_path), "PYTHON": str(old)}
    script = (install.ROOT / "script/setup").read_text().replace("/usr/bin/python3", "no-such-python")
    copy = tmp_path / "setup"
    copy.write_text(script)
    done = subprocess.run(["/bin/sh", str(copy)], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 1
    assert done.stderr == "studio needs Python 3.11, 3.12 or 3.13, and the python3 of this machine is 3.9.\n"


@pytest.fixture
def pip(tmp_path, monkeypatch):
    """pip's settings in a file of the user's, none in the environment."""
    for name in [*os.environ]:
        if name.startswith(("PIP_", "UV_")) or name == "SSL_CERT_FILE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    file = tmp_path / "config/pip/pip.conf"
    file.parent.mkdir(parents=True)
    return file


def test_uv_is_told_what_pip_knows(pip, monkeypatch):
    pip.write_text(
        "[global]\nindex-url = https://a.example/simple\ncert = /ca.pem\n[install]\nfind_links =\n  /b\n  /c\n"
    )
    env = install.environment()
    assert (env["UV_DEFAULT_INDEX"], env["SSL_CERT_FILE"]) == ("https://a.example/simple", "/ca.pem")
    assert env["UV_FIND_LINKS"] == "/b,/c"
    monkeypatch.setenv("PIP_INDEX_URL", "https://b.example/simple")
    assert install.environment()["UV_DEFAULT_INDEX"] == "https://b.example/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://c.example/simple")
    assert install.environment()["UV_DEFAULT_INDEX"] == "https://c.example/simple"


def test_settings_that_nobody_can_read_are_none(pip):
    pip.write_text("index-url without a section\n")
    assert "UV_DEFAULT_INDEX" not in install.environment()
