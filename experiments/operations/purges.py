"""Deleting for good is asked for here; `experiments.purging` does it, behind the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experiments import artifacts, metrics
from experiments.artifacts import checked
from experiments.models import LoggedModel, Purge, PurgeKind, PurgeState, Run, TrashRule
from experiments.operations.logging import require_active
from experiments.purging import neighbours, parts, selection
from lib.clock import now_ms
from lib.errors import InvalidValue, NotFound
from workspaces.access import Actor, operation
from workspaces.models import Workspace

MOST = 1000
MOST_DAYS = 3650
IN_TRASH = (PurgeKind.RUN, PurgeKind.EXPERIMENT, PurgeKind.LOGGED_MODEL, PurgeKind.TRASH)

CHOSEN: Mapping[str, Callable[[Purge], QuerySet[Any]]] = {
    PurgeKind.RUN: selection.runs,
    PurgeKind.EXPERIMENT: selection.experiments,
    PurgeKind.LOGGED_MODEL: selection.logged_models,
}


@operation("experiments.purge")
def purge(actor: Actor, workspace: Workspace, *, kind: str, names: Sequence[str] = ()) -> Purge:
    """Delete for good what lies in the trash: all of it, or runs, experiments or logged models by id.

    What is restored before its turn comes is spared; what a model version serves from, or a job still writes, stays.
    Raises InvalidValue for an unknown kind, no names or too many, NotFound for one that is not in the trash.
    """
    wanted = planned(workspace, kind=kind, names=names)
    wanted.asked_by = actor.name
    return begun(wanted)


def planned(workspace: Workspace, *, kind: str, names: Sequence[str] = ()) -> Purge:
    """Give the purge that would be begun, not stored yet. Raises as `purge` does."""
    if kind not in IN_TRASH:
        raise InvalidValue(_("Only runs, experiments and logged models lie in the trash."), field="kind")
    wanted = Purge(workspace=workspace, kind=kind, names=list(dict.fromkeys(names)))
    if kind == PurgeKind.TRASH:
        wanted.names, wanted.label = [], _("The whole trash")
        return wanted
    if not 0 < len(wanted.names) <= MOST:
        raise InvalidValue(_("Name 1 to %s things.") % MOST, field="names")
    wanted.label = label(wanted)
    return wanted


def label(wanted: Purge) -> str:
    """Name what goes, as people will read it when it is gone. Raises NotFound for what is not in the trash."""
    if wanted.kind == PurgeKind.EXPERIMENT and not all(is_number(name) for name in wanted.names):
        raise NotFound(_("There is no such thing in the trash."))
    found = dict(CHOSEN[wanted.kind](wanted).values_list("pk", "name"))
    if missing := [name for name in wanted.names if name not in {str(pk) for pk in found}]:
        raise NotFound(_("“%s” is not in the trash.") % missing[0][:100])
    if len(found) == 1:
        return str(next(iter(found.values())))[:300]
    words = {
        PurgeKind.RUN: ngettext("%s run", "%s runs", len(found)),
        PurgeKind.EXPERIMENT: ngettext("%s experiment", "%s experiments", len(found)),
        PurgeKind.LOGGED_MODEL: ngettext("%s logged model", "%s logged models", len(found)),
    }
    return words[PurgeKind(wanted.kind)] % len(found)


def is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) <= 18


def begun(wanted: Purge) -> Purge:
    """Store a purge and send a worker its number; were the message lost, the clock would come for it."""
    from experiments.tasks import go_on  # tasks import operations

    wanted.save()
    transaction.on_commit(lambda: go_on.delay(wanted.pk))
    return wanted


@operation("experiments.write")
def delete_metric(actor: Actor, run: Run, *, metric: str) -> Purge:
    """Delete one metric of a run with all its points, at once; the purge says how many there were.

    Raises NotFound for a metric that the run does not have, InvalidValue for a run in the trash.
    """
    require_active(run)
    if metric not in metrics.keys([run.pk]):
        raise NotFound(_("The run %(run)s has no metric “%(metric)s”.") % {"run": run.name, "metric": metric[:250]})
    now = now_ms()
    made = Purge.objects.create(
        workspace=run.workspace,
        kind=PurgeKind.METRIC,
        names=[run.pk],
        path=metric,
        label=f"{metric} · {run.name}"[:300],
        asked_by=actor.name,
        started_ms=now,
    )
    made.expected = parts.weigh_metric(made).as_json()
    parts.delete_metric(made)
    made.state, made.ended_ms = PurgeState.DONE, now_ms()
    made.save(update_fields=["expected", "state", "ended_ms"])
    return made


@operation("experiments.write")
def purge_artifact(actor: Actor, owner: Run | LoggedModel, *, path: str) -> Purge:
    """Delete a file, or a folder with all it holds, of a run or logged model; large folders go behind the request.

    A path of a run may lead into a model that it logged, as on its page. Raises InvalidValue for an empty or unsafe
    path and a run in the trash, NotFound for an absent file, Conflict when a model version serves from it.
    """
    path, shown = checked(path), owner.name
    if not path:
        raise InvalidValue(_("Name a file or folder."), field="path")
    if isinstance(owner, Run):
        require_active(owner)
        _place, model = artifacts.resolve(owner, path)
        if model is not None:
            owner, path = model, path.partition("/")[2]
    if not path:
        raise InvalidValue(_("This is a logged model: delete the model, not its folder."), field="path")
    artifacts.store().stat(parts.place_of(owner, path).key)
    neighbours.require_free(owner, path)
    named = f"{path} · {shown}"[:300]
    return begun(
        Purge(
            workspace=owner.workspace,
            kind=PurgeKind.ARTIFACT,
            names=[owner.pk],
            path=path,
            label=named,
            asked_by=actor.name,
        )
    )


@operation("workspace.write")
def set_trash_rule(actor: Actor, workspace: Workspace, *, days: int) -> TrashRule:
    """Let the trash empty by itself what has lain in it for so many days; 0 keeps it until it is emptied by hand.

    A change takes effect a day later. Raises InvalidValue for a number out of range.
    """
    if not 0 <= days <= MOST_DAYS:
        raise InvalidValue(_("Give 1 to %s days, or 0 for never.") % MOST_DAYS, field="days")
    values = {"days": days, "updated_by": actor.name, "updated_ms": now_ms()}
    made, _is_new = TrashRule.objects.update_or_create(workspace=workspace, defaults=values)
    return made
