"""Scripts as users of Azure ML SDK v1 wrote them: each in another folder and environment, with a studio's wheel.

They stand in `azureml_flows/` and go on from one another: the cluster of F3 serves F4, F7 and F9, the model of F4 is
deployed by F5 and F6, that of F7 by F8.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from uv import find_uv_bin

from compute.environments.build import PASSED_ON, UV_PASSED_ON

ROOT = Path(__file__).resolve().parents[2]
FLOWS = Path(__file__).parent / "azureml_flows"
BESIDE = {"2.22": ("mlflow==2.22.5", "scikit-learn<1.7"), "3.17": ("mlflow==3.17.2", "scikit-learn<1.9")}
# The others take minutes, for their jobs' environments are built anew.
OF_BOTH = ("f1",)
EVERY_FLOW = "STUDIO_EVERY_FLOW"


@dataclass(frozen=True)
class Machine:
    """A user's computer: a folder with config.json, and a Python with the client that the studio's page offers."""

    folder: Path
    python: Path
    token: str

    def run(self, flow: str) -> subprocess.CompletedProcess[str]:
        """Run a script, from a folder below that of config.json and away from the script's own."""
        env = {
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "STUDIO_TOKEN": self.token,
            "UV_CACHE_DIR": str(ROOT / ".cache" / "uv"),
            **{name: value for name, value in os.environ.items() if name in (*PASSED_ON, *UV_PASSED_ON)},
        }
        return subprocess.run(
            [str(self.python), str(self.folder / "flows" / f"{flow}.py")],
            cwd=self.folder / "scripts" / "deep", env=env, capture_output=True, text=True, timeout=900,
        )  # fmt: skip


def uv(*arguments: str) -> str:
    done = subprocess.run([find_uv_bin(), *arguments], capture_output=True, text=True)
    return done.stderr[-500:] if done.returncode else ""


def interpreter(version: str) -> Path:
    """Make an environment with MLflow and scikit-learn; it is kept between test runs."""
    beside = BESIDE[version]
    folder = ROOT / ".cache" / f"azureml-{version}"
    python, ready = folder / "bin" / "python", folder / f"ready with {' '.join(beside)}"
    if not ready.exists():
        said = uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        said = said or uv("pip", "install", "--quiet", "--python", str(python), *beside)
        if said:
            pytest.skip(f"{beside[0]} cannot be installed here: {said}")
        ready.touch()
    return python


def install_client(studio, python: Path) -> None:
    with urllib.request.urlopen(f"{studio.url}/sdk/", timeout=60) as page:
        line = re.search(r'pip install "?(?:&quot;)?([^"&\s]+\.whl)', page.read().decode())
    assert line, "the page does not say how the client is installed"
    anew = ("--reinstall-package", "azureml-mlflow")
    assert not uv("pip", "install", "--quiet", *anew, "--python", str(python), line[1])


def download_config(studio, to: Path) -> None:
    headers = {"Authorization": f"Bearer {studio.token}", "Accept": "application/json"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{studio.url}/w/main/config.json", headers=headers), timeout=60
    ) as answer:
        content = answer.read().decode()
    assert "token" not in content
    assert json.loads(content)["workspace_name"] == "main"
    to.write_text(content)


@pytest.fixture(scope="module")
def machine(studio, tmp_path_factory) -> Callable[[str], Machine]:
    """Give the computer of one who has this MLflow, set up once."""

    @functools.cache
    def made(version: str) -> Machine:
        python = interpreter(version)
        install_client(studio, python)
        folder = tmp_path_factory.mktemp("user")
        download_config(studio, folder / "config.json")
        for name in ("scripts/deep", "bin", "home"):
            (folder / name).mkdir(parents=True)
        (folder / "bin" / "uv").symlink_to(find_uv_bin())
        shutil.copytree(FLOWS, folder / "flows")  # a local run writes beside its script
        return Machine(folder, python, studio.token)

    return made


@pytest.mark.parametrize("flow", [path.stem for path in sorted(FLOWS.glob("f?.py"))])
@pytest.mark.parametrize("version", BESIDE)
def test_a_script_of_old_runs(machine, version, flow):
    if version == "3.17" and flow not in OF_BOTH and not os.environ.get(EVERY_FLOW):
        pytest.skip(f"{flow.upper()} with MLflow {version} runs where {EVERY_FLOW}=1 is set")
    done = machine(version).run(flow)
    assert f"{flow.upper()} done" in done.stdout, done.stdout[-4000:] + done.stderr[-4000:]
