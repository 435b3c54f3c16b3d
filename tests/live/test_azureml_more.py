"""Datasets and HyperDrive of old scripts on a whole studio; the client is that of this tree, set up by its command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLOWS = Path(__file__).parent / "azureml_flows"


def test_a_dataset_is_read_here_by_a_job_and_by_tries(studio, tmp_path):
    """F10, in a folder that `studio workspace config` made known."""
    env = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT / "sdk" / "src"),
        "STUDIO_TOKEN": studio.token, "STUDIO_URL": studio.url, "MLFLOW_DISABLE_TELEMETRY": "true",
    }  # fmt: skip

    def python(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600
        )

    configured = python("-m", "studio_sdk.cli", "workspace", "config", "-w", "main")
    assert configured.returncode == 0, configured.stderr
    del env["STUDIO_URL"]
    done = python(str(FLOWS / "f10.py"))
    assert "F10 done" in done.stdout, done.stdout[-4000:] + done.stderr[-4000:]
