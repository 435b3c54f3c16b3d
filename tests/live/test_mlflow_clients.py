"""MLflow's own clients, the last of the 2 line and the current one, against a whole studio."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).parent / "clients" / "mlflow_flows.py"
VERSIONS = {"2.22": "mlflow==2.22.5", "3.17": "mlflow==3.17.2"}


@pytest.fixture(scope="session", params=VERSIONS)
def interpreter(request) -> Path:
    """Make an environment with one version of the client, once; it is kept between test runs."""
    folder = ROOT / ".cache" / f"mlflow-{request.param}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        install = ["pip", "install", "--quiet", "--python", str(python), VERSIONS[request.param], "scikit-learn"]
        for arguments in (["venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], install):
            made = subprocess.run([sys.executable, "-m", "uv", *arguments], capture_output=True, text=True)
            if made.returncode:
                pytest.skip(f"{VERSIONS[request.param]} cannot be installed here: {made.stderr[-300:]}")
        (folder / "ready").touch()
    return python


def run(python: Path, flow: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    base = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [str(python), str(PROGRAM), flow]
    return subprocess.run(command, cwd=folder, env={**base, **env}, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("flow", ["tracking", "models", "files", "parts"])
def test_the_client_does_what_its_users_do(studio, interpreter, flow, tmp_path):
    env = {"MLFLOW_TRACKING_URI": studio.env["MLFLOW_TRACKING_URI"], "MLFLOW_TRACKING_TOKEN": studio.token}
    done = run(interpreter, flow, tmp_path, **env)
    assert f"passed {flow}" in done.stdout, done.stdout[-3000:] + done.stderr[-5000:]


def test_a_wrong_token_is_refused_at_once(studio, interpreter, tmp_path):
    env = {"MLFLOW_TRACKING_URI": studio.env["MLFLOW_TRACKING_URI"], "MLFLOW_TRACKING_TOKEN": "studio_user_wrong"}
    done = run(interpreter, "tracking", tmp_path, **env)
    assert done.returncode != 0
    assert "credential" in done.stderr
