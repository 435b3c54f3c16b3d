"""Environments that every workspace has, by the names that users of the original know. They are built on first use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PREFIX = "azureml-"

# The second is the studio's own, under the name that scripts ask for.
CLIENT = ("mlflow-skinny>=3.1,<3.19", "azureml-mlflow")
# MLflow 3 names a model's file otherwise than scripts of that time expect.
OLD_CLIENT = ("mlflow-skinny>=2.22,<3", "azureml-mlflow")


@dataclass(frozen=True)
class Curated:
    """An environment of ours; `definition` is as registered ones have it."""

    name: str
    description: str
    packages: tuple[str, ...]
    version: int = 1

    @property
    def definition(self) -> dict[str, Any]:
        return {"packages": list(self.packages), "python": "", "description": self.description}


CURATED = {
    one.name: one
    for one in (
        Curated(
            "AzureML-Tutorial",
            "What the tutorials of the original ask for: scikit-learn, pandas and matplotlib of a time when NumPy "
            "still had its old names.",
            (
                *OLD_CLIENT,
                "numpy<1.24",
                "pandas<2",
                "scikit-learn<1.3",
                "scipy<1.11",
                "matplotlib<3.9",
                "joblib",
                "inference-schema[numpy-support]",
            ),
        ),
        Curated("AzureML-Minimal", "Python and the client that logs, nothing else.", CLIENT),
        Curated(
            "azureml-sklearn-1.5",
            "scikit-learn 1.5.",
            (
                *CLIENT,
                "scikit-learn==1.5.*",
                "numpy<2.3",
                "pandas<2.4",
                "scipy<1.16",
                "matplotlib",
                "joblib",
                "skops",
            ),
        ),
        Curated(
            "sklearn-current",
            "The newest scikit-learn that the studio was tried with.",
            (*CLIENT, "scikit-learn==1.9.*", "numpy<3", "pandas", "scipy", "matplotlib", "joblib", "skops"),
        ),
    )
}
