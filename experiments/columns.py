"""The columns that a table of runs can show, by the names under which they stand in addresses and filters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lib.search.tree import Field, Of

ATTRIBUTES: dict[str, str | Promise] = {
    "experiment_name": gettext_lazy("Experiment"),
    "status": gettext_lazy("Status"),
    "start_time": gettext_lazy("Started"),
    "duration": gettext_lazy("Duration"),
    "user_id": gettext_lazy("User"),
    "end_time": gettext_lazy("Ended"),
    "run_id": gettext_lazy("Run id"),
}
UNSORTED = frozenset({"duration"})
GROUPING = ("status", "user_id", "experiment_name")
MOST = 40
NARROWEST, WIDEST = 48, 960
NAME = re.compile(r"(?:(?P<of>min|max)\()?(?P<kind>attributes|metrics|params|tags)\.(?P<key>.{1,250}?)(?(of)\))", re.S)
KINDS = {"attributes": "attribute", "metrics": "metric", "params": "param", "tags": "tag"}


@dataclass(frozen=True)
class Column:
    """`of` says which value of a metric's series is shown."""

    kind: Literal["attribute", "metric", "param", "tag"]
    key: str
    of: Of = "last"

    @property
    def name(self) -> str:
        """Stand for the column in an address: `params.lr`, `min(metrics.loss)`."""
        path = f"{self.kind}s.{self.key}"
        return path if self.of == "last" else f"{self.of}({path})"

    @property
    def label(self) -> str:
        if self.kind == "attribute":
            return str(ATTRIBUTES[self.key])
        return self.key if self.of == "last" else f"{_('lowest') if self.of == 'min' else _('highest')} {self.key}"

    @property
    def hint(self) -> str:
        kinds = {"metric": _("Metric"), "param": _("Parameter"), "tag": _("Tag"), "attribute": _("Run")}
        return f"{kinds[self.kind]}: {self.label}"

    @property
    def order(self) -> str:
        """Name the column as a key of an order; empty where it cannot be one."""
        if self.kind == "attribute":
            return "" if self.key in UNSORTED else f"attributes.{self.key}"
        path = f"{self.kind}s.`{self.key}`"
        return "" if "`" in self.key else path if self.of == "last" else f"{self.of}({path})"

    @property
    def field(self) -> Field:
        return Field(self.kind, self.key, self.of)

    @property
    def is_number(self) -> bool:
        return self.kind == "metric" or self.key in ("duration", "start_time", "end_time")


def read(name: str) -> Column | None:
    """Read a column's name; None for what is not one."""
    found = NAME.fullmatch(name)
    if found is None:
        return None
    kind, key, of = KINDS[found["kind"]], found["key"], found["of"] or "last"
    if (kind == "attribute" and key not in ATTRIBUTES) or (of != "last" and kind != "metric"):
        return None
    return Column(kind, key, of)  # type: ignore[arg-type]


def read_all(names: Iterable[str]) -> list[Column]:
    """Read the names that are columns, each once, in their order."""
    return [column for column in dict.fromkeys(map(read, names)) if column][:MOST]


def read_group(name: str) -> Column | None:
    """Read what runs are grouped by: a param, a tag, or one of a few attributes."""
    column = read(name)
    if column is None or column.kind == "metric" or "`" in column.key:
        return None
    return None if column.kind == "attribute" and column.key not in GROUPING else column


def usual(metrics: Sequence[str], params: Sequence[str], *, shows_experiment: bool) -> list[Column]:
    """Give the columns of a table for which none was chosen."""
    attributes = ["experiment_name"] if shows_experiment else []
    attributes += ["status", "start_time", "duration", "user_id"]
    return [
        *(Column("attribute", key) for key in attributes),
        *(Column("metric", key) for key in metrics),
        *(Column("param", key) for key in params),
    ]


def read_widths(given: Iterable[str]) -> dict[str, int]:
    """Read the widths that columns were given: `metrics.loss:120`, in CSS pixels; the name's is `name:…`."""
    found = {}
    for one in list(given)[: MOST + 1]:
        name, _colon, width = one.rpartition(":")
        if width.isascii() and width.isdigit() and (name == "name" or read(name)):
            found[name] = min(max(int(width[:5]), NARROWEST), WIDEST)
    return found
