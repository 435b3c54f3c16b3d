"""Experiments as a tree: a `/` in a name makes a folder, which is nothing but the names in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from django.db.models import Count, Max
from django.db.models.functions import Coalesce, Greatest

from experiments.models import NOTE_TAG, Experiment, ExperimentTag, Run
from experiments.queries.views import View
from workspaces.access import Actor
from workspaces.models import Workspace

Sort = Literal["name", "active", "runs", "created", "owner"]
SORTS: tuple[Sort, ...] = ("name", "active", "runs", "created", "owner")
DESCENDING_FIRST = ("active", "runs", "created")
LONGEST_SUMMARY = 160


@dataclass(frozen=True)
class Line:
    """One line of the list: an experiment, or (without one) a folder with all that is in it, however deep.

    `active_ms` is when a run began or ended last, or the experiment was changed.
    """

    name: str
    path: str
    experiment: Experiment | None
    runs: int
    active_ms: int
    experiments: int = 1
    summary: str = ""
    depth: int = 0
    is_open: bool = False


@dataclass
class Folder:
    """A folder while the tree is read."""

    folders: dict[str, Folder] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)


def parts_of(name: str) -> list[str]:
    """Take a name apart: `/a//b/` and `a/b` are the same place."""
    return [part for part in name.split("/") if part]


def lines(actor: Actor, workspace: Workspace, view: View, words: str = "") -> list[Line]:
    """List the experiments of a workspace, with what their runs say, in no order."""
    rows = Experiment.objects.visible_to(actor).filter(view.condition, workspace=workspace)
    rows = rows.filter(name__icontains=words) if words else rows
    found = list(rows)
    facts = facts_of(workspace)
    notes = dict(ExperimentTag.objects.filter(experiment__in=rows, key=NOTE_TAG).values_list("experiment_id", "value"))
    return [line(one, facts.get(one.pk, (0, 0)), notes.get(one.pk, "")) for one in found]


def line(one: Experiment, facts: tuple[int, int], note: str) -> Line:
    runs, last_ms = facts
    name = (parts_of(one.name) or [one.name])[-1]
    return Line(name, one.name, one, runs, max(last_ms, one.updated_ms), summary=summary(note))


def summary(note: str) -> str:
    """Give a note's first line of words."""
    first = next((text for text in (raw.strip(" #*>-") for raw in note.splitlines()) if text), "")
    return first if len(first) <= LONGEST_SUMMARY else first[: LONGEST_SUMMARY - 1] + "…"


def facts_of(workspace: Workspace) -> Mapping[int, tuple[int, int]]:
    """Give each experiment's number of runs outside the bin, and when one of them began or ended last."""
    rows = Run.objects.filter(workspace=workspace, deleted_ms=None).values("experiment_id").order_by()
    counted = rows.annotate(runs=Count("pk"), last=Max(Greatest("start_ms", Coalesce("end_ms", "start_ms"))))
    return {row["experiment_id"]: (row["runs"], row["last"]) for row in counted}


def tree(found: Sequence[Line], folder: str, opened: Collection[str], sort: Sort, *, descends: bool) -> list[Line]:
    """Lay out what is in a folder, with what is opened below: folders first, both in the asked order."""
    root, here = Folder(), parts_of(folder)
    for one in found:
        parts = parts_of(one.path)
        if parts[: len(here)] == here and len(parts) > len(here):
            place(root, one, parts[len(here) :])
        elif not parts and not here:
            root.lines.append(one)
    return laid_out(root, "/".join(here), opened, key_of(sort), descends, 0)


def place(root: Folder, one: Line, parts: Sequence[str]) -> None:
    for part in parts[:-1]:
        root = root.folders.setdefault(part, Folder())
    root.lines.append(one)


def laid_out(
    root: Folder, path: str, opened: Collection[str], key: Callable[[Line], Any], descends: bool, depth: int
) -> list[Line]:
    folders = {name: folder_line(name, f"{path}/{name}".lstrip("/"), one) for name, one in root.folders.items()}
    found: list[Line] = []
    for line in sorted(folders.values(), key=key, reverse=descends):
        is_open = line.path in opened
        found.append(replace(line, depth=depth, is_open=is_open))
        if is_open:
            found += laid_out(root.folders[line.name], line.path, opened, key, descends, depth + 1)
    return found + [replace(one, depth=depth) for one in sorted(root.lines, key=key, reverse=descends)]


def folder_line(name: str, path: str, folder: Folder) -> Line:
    inside = list(everything(folder))
    runs, active_ms = sum(one.runs for one in inside), max(one.active_ms for one in inside)
    return Line(name, path, None, runs, active_ms, len(inside))


def everything(folder: Folder) -> list[Line]:
    return [*folder.lines, *(one for inner in folder.folders.values() for one in everything(inner))]


def key_of(sort: Sort) -> Callable[[Line], Any]:
    """Give what lines are sorted by; names decide between equals."""
    values: Mapping[Sort, Callable[[Line], Any]] = {
        "name": lambda line: (),
        "active": lambda line: line.active_ms,
        "runs": lambda line: line.runs,
        "created": lambda line: line.experiment.created_ms if line.experiment else 0,
        "owner": lambda line: line.experiment.created_by.lower() if line.experiment else "",
    }
    return lambda line: (values[sort](line), line.name.lower(), line.path)


def ordered(found: Sequence[Line], sort: Sort, *, descends: bool) -> list[Line]:
    """Order lines that stand in no tree: what a search finds, by their whole names."""
    return sorted((replace(one, name=one.path) for one in found), key=key_of(sort), reverse=descends)
