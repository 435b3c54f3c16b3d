"""Scripts as users of Azure ML SDK v1 wrote them: each in another folder and environment, with a studio's wheel.

They stand in `azureml_flows/` and go on from one another: the model of F4 is deployed by F5 and F6, that of F7 by F8.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOWS = Path(__file__).parent / "azureml_flows"
BESIDE = ("mlflow==2.22.5", "scikit-learn<1.7")


def uv(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "uv", *arguments], capture_output=True, text=True)
    return done.stderr[-500:] if done.returncode else ""


@pytest.fixture(scope="module")
def interpreter() -> Path:
    """Make an environment with MLflow and scikit-learn, once; it is kept between test runs."""
    folder = ROOT / ".cache" / "azureml"
    python, ready = folder / "bin" / "python", folder / f"ready with {' '.join(BESIDE)}"
    if not ready.exists():
        said = uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        said = said or uv("pip", "install", "--quiet", "--python", str(python), *BESIDE)
        if said:
            pytest.skip(f"{BESIDE[0]} cannot be installed here: {said}")
        ready.touch()
    return python


@pytest.fixture(scope="module")
def machine(studio, interpreter, tmp_path_factory) -> Path:
    """A user's folder on another machine: config.json in it, and the client installed as the studio's page says."""
    url, folder = studio.url, tmp_path_factory.mktemp("user")
    with urllib.request.urlopen(f"{url}/sdk/", timeout=60) as page:
        line = re.search(r'pip install "?(?:&quot;)?([^"&\s]+\.whl)', page.read().decode())
    assert line, "the page does not say how the client is installed"
    assert not uv("pip", "install", "--quiet", "--reinstall-package", "azureml-mlflow", "--python", str(interpreter),
                  line[1])  # fmt: skip
    asked = urllib.request.Request(
        f"{url}/w/main/config.json", headers={"Authorization": f"Bearer {studio.token}", "Accept": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        content = answer.read().decode()
    assert "token" not in content
    assert json.loads(content)["workspace_name"] == "main"
    (folder / "config.json").write_text(content)
    (folder / "scripts" / "deep").mkdir(parents=True)
    shutil.copytree(FLOWS, folder / "flows")  # a local run writes beside its script
    return folder


# docs/azureml.md says what keeps the others from passing.
PASSING = ["f1", "f2", "f4"]


@pytest.mark.parametrize("flow", PASSING)
def test_a_script_of_old_runs(studio, machine, interpreter, flow):
    env = {"PATH": "/usr/bin:/bin", "HOME": str(machine / "home"), "LANG": "C.UTF-8", "STUDIO_TOKEN": studio.token}
    done = subprocess.run(
        [str(interpreter), str(machine / "flows" / f"{flow}.py")],
        cwd=machine / "scripts" / "deep", env=env, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert f"{flow.upper()} done" in done.stdout, done.stdout[-4000:] + done.stderr[-4000:]
