"""Metrics as SDK v1 has them: numbers, words, lists, rows, tables and pictures, over what MLflow's protocol stores.

A number is a metric. What is no number is a tag: `azureml.words.<name>` holds a list of words as JSON,
`azureml.columns.<name>` the columns of a row or table, `azureml.document.<name>` the path of an artifact.
"""

from __future__ import annotations

import json
import numbers
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

WORDS, COLUMNS, DOCUMENT = "azureml.words.", "azureml.columns.", "azureml.document."
NOT_IN_A_NAME = re.compile(r"[^\w\-. /:]")
LONGEST_TAG = 8000


def metric_name(name: str) -> str:
    """Write a name with the letters that MLflow allows in one."""
    return NOT_IN_A_NAME.sub("_", str(name))[:250] or "_"


def is_number(value: Any) -> bool:
    return isinstance(value, (numbers.Real, bool)) or (hasattr(value, "__float__") and getattr(value, "ndim", 0) == 0)


@dataclass
class Points:
    """What goes to the studio at once: `points` are (key, value, step), `tags` name → text."""

    points: list[tuple[str, float, int]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Series:
    """How long each series of a run is already, so that the next value comes after the last."""

    lengths: dict[str, int] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)

    def next_step(self, key: str) -> int:
        step = self.lengths.get(key, 0)
        self.lengths[key] = step + 1
        return step

    def add(self, to: Points, name: str, values: Iterable[Any], step: int | None = None) -> None:
        """Add the values of one series. Raises ValueError for words that are longer than a tag may be."""
        key = metric_name(name)
        words = self.words.get(key, [])
        for value in values:
            if is_number(value) and not words:
                at = self.next_step(key) if step is None else int(step)
                self.lengths[key] = max(self.lengths.get(key, 0), at + 1)
                to.points.append((key, float(value), at))
            else:
                words.append(str(value))
        if words:
            self.words[key] = words
            text = json.dumps(words)
            if len(text) > LONGEST_TAG:
                raise ValueError(f"“{name}”: the words logged under one name may have {LONGEST_TAG} letters in all.")
            to.tags[WORDS + key] = text

    def add_columns(self, to: Points, name: str, columns: dict[str, Iterable[Any]]) -> None:
        for column, values in columns.items():
            self.add(to, f"{metric_name(name)}/{column}", values)
        to.tags[COLUMNS + metric_name(name)] = json.dumps([metric_name(f"{name}/{column}") for column in columns])


def read(numbers_by_key: dict[str, list[float]], tags: dict[str, str], documents: dict[str, Any]) -> dict[str, Any]:
    """Put the stored things together again as `get_metrics` gives them."""
    stored: dict[str, list[Any]] = {**numbers_by_key, **words_of(tags)}
    series = {key: alone(values) for key, values in stored.items()}
    for name, text in tags.items():
        if name.startswith(COLUMNS):
            key = name[len(COLUMNS) :]
            columns = [column for column in json.loads(text) if column in series]
            series[key] = {column[len(key) + 1 :]: series.pop(column) for column in columns}
    return {**series, **documents}


def alone(values: list[Any]) -> Any:
    """A series of one is given as its value."""
    return values[0] if len(values) == 1 else values


def words_of(tags: dict[str, str]) -> dict[str, list[str]]:
    return {name[len(WORDS) :]: json.loads(text) for name, text in tags.items() if name.startswith(WORDS)}
