"""What a purge frees, freed and left, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from experiments.models import Purge
from experiments.purging.ledger import Kept
from experiments.purging.neighbours import Holder
from experiments.purging.tally import Tally
from lib import format as fmt

LABELS: Mapping[str, str | Promise] = {
    "experiments": gettext_lazy("Experiments"),
    "runs": gettext_lazy("Runs"),
    "logged_models": gettext_lazy("Logged models"),
    "models": gettext_lazy("Models"),
    "versions": gettext_lazy("Model versions"),
    "metrics": gettext_lazy("Metrics"),
    "points": gettext_lazy("Points of metrics"),
    "files": gettext_lazy("Files"),
}


@dataclass(frozen=True)
class Line:
    """One kind in the table of what goes."""

    label: str | Promise
    expected: int
    freed: int = 0


@dataclass(frozen=True)
class Needed:
    """Something that stays, with a sentence that says why; `versions` are (model, number) to link to."""

    name: str
    why: str
    versions: list[tuple[str, str]]


@dataclass(frozen=True)
class Shown:
    """A purge as its page shows it."""

    purge: Purge
    freed: Tally
    lines: list[Line]
    percent: int | None
    kept: list[Needed]

    @property
    def sentence(self) -> str:
        return sentence(self.freed)


def sentence(tally: Tally) -> str:
    """Say what went: 1.2 GB in 3,411 files · 20 runs · 1,100,000 points of metrics."""
    files = ngettext("%(size)s in %(n)s file", "%(size)s in %(n)s files", tally.files)
    begin = files % {"size": fmt.size(tally.size_bytes), "n": fmt.count(tally.files)}
    counted = (
        (tally.experiments, ngettext("%s experiment", "%s experiments", tally.experiments)),
        (tally.runs, ngettext("%s run", "%s runs", tally.runs)),
        (tally.logged_models, ngettext("%s logged model", "%s logged models", tally.logged_models)),
        (tally.models, ngettext("%s model", "%s models", tally.models)),
        (tally.versions, ngettext("%s model version", "%s model versions", tally.versions)),
        (tally.points, ngettext("%s point of metrics", "%s points of metrics", tally.points)),
    )
    return " · ".join([begin, *(words % fmt.count(n) for n, words in counted if n)])


def lines(expected: Tally, freed: Tally | None = None) -> list[Line]:
    done_, counted = freed or Tally(), [(name, getattr(expected, name)) for name in LABELS]
    return [Line(LABELS[name], n, getattr(done_, name)) for name, n in counted if n or getattr(done_, name)]


def shown(purge: Purge) -> Shown:
    expected, freed = Tally.of(purge.expected), Tally.of(purge.freed)
    whole = expected.things + expected.files
    percent = min(100, 100 * (freed.things + freed.files) // whole) if whole and not purge.is_done else None
    return Shown(purge, freed, lines(expected, freed), percent, needed(read(purge.kept)))


def read(kept: Iterable[Mapping[str, Any]]) -> list[Kept]:
    return [Kept(one["kind"], one["id"], one["name"], [Holder(**holder) for holder in one["holders"]]) for one in kept]


def needed(kept: Iterable[Kept]) -> list[Needed]:
    return [Needed(one.name, why(one), versions(one)) for one in kept]


def versions(one: Kept) -> list[tuple[str, str]]:
    found = [holder.name.rpartition(":") for holder in one.holders if holder.kind == "version"]
    return [(name, number) for name, _colon, number in found]


def why(one: Kept) -> str:
    if one.kind == "files":
        return _("its files stay: another version has them")
    match one.holders[0].kind if one.holders else "":
        case "version":
            return _("a model version is made of its files")
        case "job":
            return _("its job still runs")
        case "endpoint":
            return _("the endpoint %s serves it") % one.holders[0].name
        case "runs":
            return _("it still holds what stays")
    return _("it is needed")
