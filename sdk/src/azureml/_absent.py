"""Modules of the original that a studio has not: importing one says so, where it is imported."""

from __future__ import annotations

import sys
from typing import Any

MODULES = (
    "automl", "contrib", "data.output_dataset_config", "dataprep", "explain", "interpret", "opendatasets", "pipeline",
    "rai", "responsibleai", "train.automl", "train.dnn", "train.estimator", "train.sklearn",
)  # fmt: skip


class Absent:
    """Asked when nobody else has a module."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        if name.removeprefix("azureml.") in MODULES and name.startswith("azureml."):
            from azureml.exceptions import NotOffered

            raise NotOffered(f"{name} is not offered by the studio. docs/azureml.md lists what is.")


def tell() -> None:
    if not any(getattr(finder, "__module__", "") == __name__ for finder in sys.meta_path):
        sys.meta_path.append(Absent)
