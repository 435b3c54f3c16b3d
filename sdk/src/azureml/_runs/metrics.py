"""What a run logs: numbers, words, lists, rows, tables, pictures and documents."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from studio_sdk import files

from azureml._runs import values
from azureml._runs.whole import PartOfRun
from azureml._times import now_ms
from azureml.exceptions import UserErrorException, translated


class RunMetrics(PartOfRun):
    """The part of a run that logs."""

    def _log(self, points: Iterable[tuple[str, float, int]] = (), tags: dict[str, str] | None = None) -> None:
        with translated():
            self._tracking.log(self._id, points, tags, now_ms())
        if tags:
            self._row = {}

    @property
    def _known(self) -> values.Series:
        """What was logged before by others, read once: the next value comes after it."""
        if self._series is None:
            data = self._load()["data"]
            lengths = {one["key"]: int(one.get("step", 0)) + 1 for one in data.get("metrics", [])}
            self._series = values.Series(lengths, values.words_of(self._tags))
        return self._series

    def _log_values(self, name: str, logged: Iterable[Any], step: int | None = None) -> None:
        made = values.Points()
        self._add(lambda: self._known.add(made, name, logged, step))
        self._log(made.points, made.tags)

    def _add(self, add: Any) -> None:
        try:
            add()
        except (TypeError, ValueError) as error:
            raise UserErrorException(str(error)) from None

    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        """Log a number or a word; one name again and again makes a series."""
        self._log_values(name, [value], step)

    def log_list(self, name: str, value: Iterable[Any], description: str = "") -> None:
        self._log_values(name, list_of(value))

    def log_row(self, name: str, description: str | None = None, **columns: Any) -> None:
        """Log one row of a table: a value for each named column."""
        self._log_columns(name, {column: [value] for column, value in columns.items()})

    def log_table(self, name: str, value: dict[str, Any], description: str = "") -> None:
        """Log a table: column → its values, or its one value."""
        if not isinstance(value, dict):
            raise UserErrorException("log_table takes a dict of columns.")
        self._log_columns(name, {column: list_of(cells) for column, cells in value.items()})

    def _log_columns(self, name: str, columns: dict[str, Any]) -> None:
        made = values.Points()
        self._add(lambda: self._known.add_columns(made, name, columns))
        self._log(made.points, made.tags)

    def log_image(self, name: str, path: Any = None, plot: Any = None, description: str = "") -> None:
        """Log a picture: the path of a file, a matplotlib figure, or its pyplot module."""
        import io

        if (path is None) == (plot is None):
            raise UserErrorException("log_image takes a path or a plot, one of them.")
        if plot is not None:
            body = io.BytesIO()
            (plot.gcf() if hasattr(plot, "gcf") else plot).savefig(body, format="png")
            target, source = f"{name}.png", body.getvalue()
        else:
            target, source = f"{name}{Path(path).suffix or '.png'}", Path(path).read_bytes()
        self._log_document(name, target, source)

    def _log_document(self, name: str, path: str, body: bytes) -> None:
        import io

        with translated():
            self._files.upload(files.checked(path), io.BytesIO(body))
        self._log(tags={values.DOCUMENT + values.metric_name(name): path})

    def _log_json(self, name: str, value: Any, kind: str) -> None:
        import json

        content = json.loads(value) if isinstance(value, str) else value
        body = content if isinstance(content, dict) and "schema_type" in content else {
            "schema_type": kind, "schema_version": "1.0.0", "data": content
        }  # fmt: skip
        self._log_document(name, f"metrics/{values.metric_name(name)}.json", json.dumps(body).encode())

    def log_confusion_matrix(self, name: str, value: Any, description: str = "") -> None:
        self._log_json(name, value, "confusion_matrix")

    def log_accuracy_table(self, name: str, value: Any, description: str = "") -> None:
        self._log_json(name, value, "accuracy_table")

    def log_residuals(self, name: str, value: Any, description: str = "") -> None:
        self._log_json(name, value, "residuals")

    def log_predictions(self, name: str, value: Any, description: str = "") -> None:
        self._log_json(name, value, "predictions")

    def get_metrics(
        self, name: str | None = None, recursive: bool = False, run_type: str | None = None, populate: bool = False
    ) -> dict[str, Any]:
        """Give what was logged: name → value, list of a series, or columns; `recursive` gives run id → that."""
        if recursive:
            return {one.id: one.get_metrics(name) for one in (self, *self.get_children(recursive=True))}
        data = self._load()["data"]
        with translated():
            numbers = {one["key"]: self._tracking.history(self._id, one["key"]) for one in data.get("metrics", [])}
            found = values.read(numbers, self._tags, self._documents(populate))
        return found if name is None else {key: value for key, value in found.items() if key == name}

    def _documents(self, populate: bool) -> dict[str, Any]:
        import json

        paths = {
            key[len(values.DOCUMENT) :]: path for key, path in self._tags.items() if key.startswith(values.DOCUMENT)
        }
        return {
            key: json.loads(self._files.text(path)) if populate and path.endswith(".json") else path
            for key, path in paths.items()
        }


def list_of(value: Any) -> list[Any]:
    """Take a list, an array, a generator or one value as a list."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        return [value]
    return list(value)
