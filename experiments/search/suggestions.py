"""What one could type next: kinds and attributes, keys and values seen in the newest runs of some experiments."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import QuerySet

from experiments.models import Run, RunDataset, RunStatus
from experiments.search import caret
from experiments.search.runs import KEYED
from lib.search.dialects import DATASET_KEYS, RUNS
from lib.search.parser import operators
from lib.search.tree import Field, Kind
from workspaces.access import Actor
from workspaces.models import Workspace

MOST = 20
# Enough to have seen what is in use, and few enough to look at on every key press.
NEWEST_RUNS = 1000
LONGEST_VALUE = 200
JOINS = ["AND", "OR"]
OPENINGS = ["min(metrics.", "max(metrics.", "last(metrics.", "NOT"]
# A key that needs no backticks.
PLAIN = re.compile(r"[\w./:$#@-]+")
RUN_COLUMNS = {"run_name": "name", "user_id": "user_name", "experiment_name": "experiment__name"}

Word = Literal["join", "opening", "operator", "attribute", "metric", "param", "tag", "dataset", "value"]


@dataclass(frozen=True)
class Suggestion:
    """Put `text` in the place of what was typed from `start` (counted from 0) on; `kind` says what it is."""

    text: str
    kind: Word
    start: int


def suggest(actor: Actor, workspace: Workspace, experiment_ids: Sequence[int], prefix: str) -> list[Suggestion]:
    """Say how the text before the caret could go on, in at most twenty ways.

    Without experiments, all of the workspace's are meant. Raises InvalidValue for a text that no filter can be.
    """
    at = caret.find(prefix)
    runs = NewestRuns(actor, workspace, experiment_ids)
    return [Suggestion(text, kind, at.start) for text, kind in ways(runs, at)][:MOST]


class NewestRuns:
    """The runs to look at, asked for apart: with their limit in a subquery, the planner would walk all keys."""

    def __init__(self, actor: Actor, workspace: Workspace, experiment_ids: Sequence[int]) -> None:
        rows = Run.objects.visible_to(actor).filter(workspace=workspace, deleted_ms=None)
        self.rows = rows.filter(experiment__in=list(experiment_ids)) if experiment_ids else rows

    @property
    def ids(self) -> list[str]:
        return list(self.rows.order_by("-start_ms").values_list("pk", flat=True)[:NEWEST_RUNS])


def ways(runs: NewestRuns, at: caret.Caret) -> list[tuple[str, Word]]:
    match at.wanted:
        case caret.Key(kind):
            return [(bare(key), kind) for key in keys(runs, kind, at.begun)]
        case caret.Value(field):
            return [(quoted(value), "value") for value in values(runs, field, at.begun)]
        case caret.Sign(field):
            return [(sign, "operator") for sign in beginning(operators(field, RUNS), at.begun)]
        case caret.Word(is_joined=True):
            return [(word, "join") for word in beginning(JOINS, at.begun)]
        case caret.Word():
            return openings(at.begun)
        case caret.Nothing():
            return []


def openings(begun: str) -> list[tuple[str, Word]]:
    kinds = [f"{name}." for name in RUNS.kind_names]
    first: list[tuple[str, Word]] = [(word, "opening") for word in beginning([*kinds, *OPENINGS], begun)]
    return [*first, *((name, "attribute") for name in beginning(list(RUNS.attributes), begun))]


def keys(runs: NewestRuns, kind: Kind, begun: str) -> list[str]:
    if kind in KEYED:
        return seen(KEYED[kind].objects.filter(run__in=runs.ids), "key", begun)
    return beginning(list(RUNS.attributes) if kind == "attribute" else list(DATASET_KEYS), begun)


def values(runs: NewestRuns, field: Field, begun: str) -> list[str]:
    """List values that were seen; numbers and times are for the user to say."""
    if field.kind in ("param", "tag"):
        found = seen(KEYED[field.kind].objects.filter(run__in=runs.ids, key=field.key), "value", begun)
    elif field.kind == "dataset":
        path = "tags__mlflow.data.context" if field.key == "context" else f"dataset__{field.key}"
        found = seen(RunDataset.objects.filter(run__in=runs.ids), path, begun)
    elif field.key == "status":
        found = beginning(list(RunStatus.values), begun)
    elif field.key in RUN_COLUMNS:
        found = seen(Run.objects.filter(pk__in=runs.ids), RUN_COLUMNS[field.key], begun)
    else:
        found = []
    return [value for value in found if len(value) <= LONGEST_VALUE]


def seen(rows: QuerySet[Any], column: str, begun: str) -> list[str]:
    """List what a column holds that begins so, in whichever case; what begins exactly so comes first."""
    if begun:
        rows = rows.filter(**{f"{column}__istartswith": begun})
    found = rows.exclude(**{f"{column}__isnull": True}).order_by(column).values_list(column, flat=True).distinct()
    return sorted(found[: MOST * 2], key=exactly_first(begun))


def beginning(words: Sequence[str], begun: str) -> list[str]:
    return [word for word in words if word.lower().startswith(begun.lower())]


def exactly_first(begun: str) -> Callable[[str], tuple[bool, str]]:
    return lambda text: (not text.startswith(begun), text)


def bare(key: str) -> str:
    return key if PLAIN.fullmatch(key) else f"`{key}`"


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
