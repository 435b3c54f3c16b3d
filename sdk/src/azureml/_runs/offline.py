"""A stand-in for a run where there is none: the script runs by itself, and sees what it would have logged."""

from __future__ import annotations

import uuid
from typing import Any

SAID = {
    "log": "metric", "log_list": "list", "log_row": "row", "log_table": "table", "log_image": "image",
    "log_confusion_matrix": "confusion matrix", "log_accuracy_table": "accuracy table", "log_residuals": "residuals",
    "log_predictions": "predictions", "tag": "tag", "set_tags": "tags", "add_properties": "properties",
    "upload_file": "file", "upload_files": "files", "upload_folder": "folder",
}  # fmt: skip
SILENT = {"complete", "fail", "cancel", "start", "flush", "remove_tags", "take_snapshot"}


class OfflineRun:
    """Takes what a run takes, prints it, and never fails."""

    def __init__(self) -> None:
        self.id = f"OfflineRun_{uuid.uuid4()}"
        self.tags: dict[str, str] = {}
        self.properties: dict[str, str] = {}
        self.input_datasets: dict[str, Any] = {}
        self.experiment = None
        self.parent = None

    def __getattr__(self, name: str) -> Any:
        if name in SAID:
            return lambda *given, **named: print(f"Attempted to log {SAID[name]} {shown(given, named)}")
        if name in SILENT:
            return lambda *_given, **_named: None
        raise AttributeError(f"A run outside a job has no “{name}”: submit the script to have one.")

    def get_status(self) -> str:
        return "Running"

    @property
    def status(self) -> str:
        return self.get_status()

    def get_metrics(self, *_given: Any, **_named: Any) -> dict[str, Any]:
        return {}

    def get_children(self, *_given: Any, **_named: Any) -> list[Any]:
        return []

    def get_file_names(self) -> list[str]:
        return []

    def child_run(self, *_given: Any, **_named: Any) -> OfflineRun:
        return OfflineRun()

    def __enter__(self) -> OfflineRun:
        return self

    def __exit__(self, *_error: Any) -> None:
        return None


def shown(given: tuple[Any, ...], named: dict[str, Any]) -> str:
    words = [str(one) for one in given] + [f"{key}={value}" for key, value in named.items()]
    return ": ".join(words)[:500]
