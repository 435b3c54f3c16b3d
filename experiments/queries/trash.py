"""What lies in the trash, how many bytes of files each thing keeps, and when it goes for good."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Count, Q, QuerySet, Value
from django.db.models.functions import Cast

from experiments.artifacts import places
from experiments.models import Experiment, LoggedModel, Purge, PurgeKind, Run
from experiments.purging import Holder, Rule, Tally, neighbours, rule
from experiments.purging import files as purged_files
from experiments.purging import rows as purged_rows
from experiments.purging import selection as purged_selection
from experiments.purging.neighbours import Holds
from experiments.purging.retention import DAY_MS
from lib.clock import now_ms
from workspaces.access import Actor
from workspaces.models import Workspace

KINDS = (PurgeKind.EXPERIMENT, PurgeKind.RUN, PurgeKind.LOGGED_MODEL)

# A row of the list before it is looked up: kind, id, when it was deleted.
Found = tuple[str, str, int]


@dataclass(frozen=True)
class Trashed:
    """An experiment (its files are those of all its runs), a run or a logged model; `due_ms` is None for never.

    `holders` need it: it stays until they go. Those of an experiment's runs are not looked for.
    """

    kind: str
    thing: Experiment | Run | LoggedModel
    weight: Tally
    due_ms: int | None
    holders: Sequence[Holder] = ()

    @property
    def item(self) -> str:
        """Name it as forms do."""
        return f"{self.kind}:{self.thing.pk}"

    @property
    def days_left(self) -> int | None:
        """Count the days that it still lies here, begun ones as whole; None for as long as nobody empties the trash."""
        return None if self.due_ms is None else max(0, -((now_ms() - self.due_ms) // DAY_MS))


def experiments(actor: Actor, workspace: Workspace, name: str = "") -> QuerySet[Experiment]:
    rows = Experiment.objects.visible_to(actor).filter(workspace=workspace, deleted_ms__isnull=False)
    found: QuerySet[Experiment] = rows.filter(name__icontains=name) if name else rows
    return found


def runs(actor: Actor, workspace: Workspace, name: str = "") -> QuerySet[Run]:
    """List the runs that were deleted by themselves, not with their experiment."""
    rows = Run.objects.visible_to(actor).filter(workspace=workspace, deleted_ms__isnull=False)
    return by_name(rows.filter(experiment__deleted_ms=None), name)


def logged_models(actor: Actor, workspace: Workspace, name: str = "") -> QuerySet[LoggedModel]:
    """List the logged models that were deleted by themselves, not with their run or experiment."""
    rows = LoggedModel.objects.visible_to(actor).filter(workspace=workspace, deleted_ms__isnull=False)
    rows = rows.filter(Q(source_run=None) | Q(source_run__deleted_ms=None), experiment__deleted_ms=None)
    return by_name(rows, name)


def by_name(rows: QuerySet[Any], name: str) -> QuerySet[Any]:
    return rows.filter(Q(name__icontains=name) | Q(experiment__name__icontains=name)) if name else rows


def counts(actor: Actor, workspace: Workspace, name: str = "") -> dict[str, int]:
    """Count each kind."""
    return {kind: rows.count() for kind, rows in by_kind(actor, workspace, name).items()}


def by_kind(actor: Actor, workspace: Workspace, name: str) -> Mapping[str, QuerySet[Any]]:
    found = (experiments, runs, logged_models)
    return {str(kind): list_(actor, workspace, name) for kind, list_ in zip(KINDS, found, strict=True)}


def trash(actor: Actor, workspace: Workspace, *, kind: str = "", name: str = "") -> QuerySet[Any, Found]:
    """List what is there as (kind, id, deleted_ms), last deleted first; `items` looks a page of it up."""
    found = [plain(one, rows) for one, rows in by_kind(actor, workspace, name).items() if kind in ("", one)]
    none: QuerySet[Any, Found] = plain(PurgeKind.RUN, Run.objects.none())
    return none.union(*found, all=True).order_by("-deleted_ms", "ident")


def plain(kind: str, rows: QuerySet[Any]) -> QuerySet[Any, Found]:
    named = rows.order_by().annotate(kind=Value(str(kind), CharField()), ident=Cast("pk", CharField(max_length=40)))
    listed: QuerySet[Any, Found] = named.values_list("kind", "ident", "deleted_ms")
    return listed


def items(workspace: Workspace, found: Sequence[Found]) -> list[Trashed]:
    """Look up and weigh what a page of the list shows, in its order."""
    ids: dict[str, list[str]] = {str(kind): [] for kind in KINDS}
    for kind, ident, _deleted_ms in found:
        ids[kind].append(ident)
    rows: dict[str, Mapping[Any, Any]] = {
        "experiment": Experiment.objects.annotate(run_count=Count("runs")).in_bulk(
            [int(pk) for pk in ids["experiment"]]
        ),
        "run": Run.objects.select_related("experiment").prefetch_related("logged_models").in_bulk(ids["run"]),
        "logged_model": LoggedModel.objects.select_related("experiment").in_bulk(ids["logged_model"]),
    }
    emptied, holds = rule(workspace), holders(rows["run"].values(), ids["logged_model"])
    things = ((kind, rows[kind].get(int(pk) if kind == "experiment" else pk)) for kind, pk, _deleted_ms in found)
    return [weighed(kind, thing, emptied, holds) for kind, thing in things if thing is not None]


def holders(runs: Iterable[Run], model_ids: Sequence[str]) -> Holds:
    """Say who needs which run or logged model."""
    known = list(runs)
    models = [model for run in known for model in run.logged_models.all()]
    return {**purged_rows.run_holds(known, models), **neighbours.holds_models(model_ids)}


def weighed(kind: str, thing: Experiment | Run | LoggedModel, emptied: Rule, holds: Holds) -> Trashed:
    due_ms = emptied.due_ms(thing.deleted_ms or 0)
    return Trashed(kind, thing, weight(thing), due_ms, holds.get(str(thing.pk), ()))


def weight(thing: Experiment | Run | LoggedModel) -> Tally:
    if isinstance(thing, Experiment):
        runs, models = purged_selection.lent(thing.pk)
        keys = [*map(purged_files.of_run, runs), *map(purged_files.of_model, models)]
        stays = sum(map(purged_files.weigh, keys), Tally())
        return purged_files.weigh(places.of_experiment(thing.pk).key) - stays
    if isinstance(thing, LoggedModel):
        return purged_files.weigh(purged_files.of_model(thing))
    own = purged_files.weigh(purged_files.of_run(thing))
    return sum((purged_files.weigh(purged_files.of_model(one)) for one in thing.logged_models.all()), own)


def purges(actor: Actor, workspace: Workspace) -> QuerySet[Purge]:
    """List what was deleted for good, and what is being deleted, newest first."""
    found: QuerySet[Purge] = Purge.objects.visible_to(actor).filter(workspace=workspace).order_by("-pk")
    return found
