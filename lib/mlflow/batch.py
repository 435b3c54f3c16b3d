"""The hot requests, log-batch and log-metric: read from plain JSON by own checks, which a test holds equal to the
messages' parser.

A thousand points are read by column where all are what nearly every client sends, and one by one where any is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from django.utils.translation import gettext as _

from lib.errors import InvalidValue
from lib.mlflow import wire

LEAST, MOST = -(2**63), 2**63 - 1
WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
T = TypeVar("T")


# A point is (key, value, timestamp, step).
RawPoint = tuple[str, float, int, int]
PLAIN = ("key", "value", "timestamp", "step")


class BatchMetric(NamedTuple):
    """A point with the logged model that it also belongs to, if any."""

    key: str
    value: float
    timestamp: int
    step: int
    model_id: str
    dataset_name: str
    dataset_digest: str


@dataclass(frozen=True)
class Batch:
    """`of_models` are those of the points that name a logged model."""

    run_id: str
    points: list[RawPoint]
    of_models: list[BatchMetric]
    params: list[tuple[str, str]]
    tags: list[tuple[str, str]]


def read(content: dict[str, Any]) -> Batch:
    """Give the batch. Raises InvalidValue that names the field."""
    if ("run_id" in content) and ("runId" in content):
        raise InvalidValue(_("Give run_id or runId, not both."), field="run_id")
    run_id = text(content, "run_id", "runId")
    points, metrics = plain_points(content.get("metrics")), []
    if points is None:
        metrics = items(content, "metrics", metric)
        points = [one[:4] for one in metrics]
    return Batch(
        run_id=run_id,
        points=points,
        of_models=[one for one in metrics if one.model_id],
        params=items(content, "params", pair),
        tags=items(content, "tags", pair),
    )


# A name as it is written in a message and as JSON may write it; giving both is a mistake.
DOUBLE = {
    "run_id": "runId",
    "run_uuid": "runUuid",
    "model_id": "modelId",
    "dataset_name": "datasetName",
    "dataset_digest": "datasetDigest",
}


def read_metric(content: dict[str, Any]) -> tuple[str, BatchMetric]:
    """Give the id of the run and the point. Raises InvalidValue that names the field."""
    for name, other in DOUBLE.items():
        if name in content and other in content:
            raise InvalidValue(_("Give %(name)s or %(other)s, not both.") % {"name": name, "other": other}, field=name)
    run_uuid = text(content, "run_uuid", "runUuid")
    return text(content, "run_id", "runId") or run_uuid, metric(content)


def plain_points(given: Any) -> list[RawPoint] | None:
    """Read points that have the four plain fields in their plain types and no others; None if any is otherwise."""
    try:
        if set(map(len, given)) != {len(PLAIN)}:
            return None
        keys, values, times, steps = ([one[name] for one in given] for name in PLAIN)
    except (TypeError, KeyError):
        return None
    is_plain = (
        set(map(type, keys)) == {str}
        and set(map(type, values)) == {float}
        and set(map(type, times)) == set(map(type, steps)) == {int}
        and all(map(math.isfinite, values))
        and min(times) >= 0
        and max(times) <= MOST
        and min(steps) >= LEAST
        and max(steps) <= MOST
    )
    return list(zip(keys, values, times, steps, strict=True)) if is_plain else None


def items(content: dict[str, Any], name: str, read_one: Callable[[dict[str, Any]], T]) -> list[T]:
    given = content.get(name)
    if given is None:
        return []
    if not isinstance(given, list):
        raise wire.wrong(name, given, "a list")
    found = []
    for number, one in enumerate(given):
        if not isinstance(one, dict):
            raise wire.wrong(f"{name}[{number}]", one, "an object")
        try:
            found.append(read_one(one))
        except InvalidValue as error:
            where = f"{name}[{number}].{error.field}"
            raise InvalidValue(error.message.replace(f"'{error.field}'", f"'{where}'"), field=where) from None
    return found


def metric(one: dict[str, Any]) -> BatchMetric:
    return BatchMetric(
        key=text(one, "key"),
        value=number(one, "value"),
        timestamp=at(one),
        step=whole(one, "step", 0),
        model_id=text(one, "model_id", "modelId"),
        dataset_name=text(one, "dataset_name", "datasetName"),
        dataset_digest=text(one, "dataset_digest", "datasetDigest"),
    )


def pair(one: dict[str, Any]) -> tuple[str, str]:
    return text(one, "key"), text(one, "value")


def text(content: dict[str, Any], *names: str) -> str:
    for name in names:
        value = content.get(name)
        if value is not None:
            if not isinstance(value, str):
                raise wire.wrong(names[0], value, "a string")
            return value
    return ""


def number(content: dict[str, Any], name: str) -> float:
    value = content.get(name)
    if value is None:
        raise wire.missing(name)
    if isinstance(value, str):
        if value in WORDS:
            return WORDS[value]
        try:
            value = float(value)
        except ValueError:
            raise wire.wrong(name, value, "a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wire.wrong(name, value, "a number")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise wire.wrong(name, value, "a 64-bit number, or “NaN”, “Infinity” or “-Infinity” as a string")
    return found


def whole(content: dict[str, Any], name: str, default: int | None = None) -> int:
    value = content.get(name, default)
    if value is None:
        if default is None:
            raise wire.missing(name)
        return default
    if type(value) is int and LEAST <= value <= MOST:
        return value
    found: Any = value
    if isinstance(value, float) and value.is_integer():
        found = int(value)
    elif isinstance(value, str) and len(value) < 21:
        try:
            found = int(value)
        except ValueError:
            raise wire.wrong(name, value, "a whole number") from None
    if isinstance(found, bool) or not isinstance(found, int) or not LEAST <= found <= MOST:
        raise wire.wrong(name, value, "a whole number of 64 bits")
    return found


def at(content: dict[str, Any]) -> int:
    found = whole(content, "timestamp")
    if found < 0:
        raise wire.wrong("timestamp", found, "a nonnegative long (64-bit integer)")
    return found
