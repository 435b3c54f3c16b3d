"""The sample: a project like a user's own, and what submitting it takes."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from compute.environments import EnvironmentSpec, parse_requirements

EXPERIMENT = "Diabetes sample"
# Package → the distribution whose installed version is pinned: the client is the slim one of the studio's own mlflow.
PACKAGES = {
    "mlflow-skinny": "mlflow",
    "scikit-learn": "scikit-learn",
    "pandas": "pandas",
    "numpy": "numpy",
    "scipy": "scipy",
    "skops": "skops",
}


def requirements() -> str:
    """Give requirements.txt, pinned to what the studio itself has, so that both read the same models."""
    return "".join(f"{name}=={version(installed)}\n" for name, installed in PACKAGES.items())


def environment() -> EnvironmentSpec:
    return parse_requirements(requirements(), name="sample")


def files() -> dict[str, bytes]:
    """Give the project's files as they are submitted."""
    train = Path(__file__).parent / "train.py"
    return {"train.py": train.read_bytes(), "requirements.txt": requirements().encode()}
