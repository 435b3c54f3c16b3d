"""Runs by id and by filter, and all that belongs to them, in a handful of queries however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from experiments import metrics, search
from experiments.artifacts import places
from experiments.models import (
    LoggedModel,
    Run,
    RunDataset,
    RunModel,
    RunParam,
    RunTag,
)
from experiments.queries.views import View
from experiments.search.default import ALIAS, default_id, default_named
from lib.errors import InvalidValue, NotFound
from lib.postgres.lookup import Lookup
from lib.search import Dialect, dialects, parse_filter, parse_order
from workspaces.access import Actor, fetch, require
from workspaces.models import Workspace

LONGEST_ID = 36
# The busiest of all lookups: whatever a run logs begins with it.
BY_ID = Lookup(Run, "pk", "workspace_id")


@dataclass(frozen=True)
class RunDetails:
    """A run with all that was logged, points by their latest; `inputs` are model ids, `outputs` are (id, step)."""

    run: Run
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, metrics.Latest] = field(default_factory=dict)
    datasets: list[RunDataset] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[tuple[str, int]] = field(default_factory=list)


def run(actor: Actor, workspace: Workspace, run_id: str) -> Run:
    """Give a run of the workspace, in the bin or not. Raises NotFound."""
    if not run_id:
        raise InvalidValue("Missing value for required parameter 'run_id'.", field="run_id")
    require(actor, Run.read_permission, workspace)
    # The wall is asked above, for the one workspace that can be meant: a join less.
    found = BY_ID(run_id[:LONGEST_ID], workspace.pk)
    if found is None:
        raise NotFound(_("Run “%(name)s” does not exist.") % {"name": run_id[:200]})
    found.workspace = workspace
    return found


def owner_of_artifact(actor: Actor, workspace: Workspace, path: str) -> tuple[Run | LoggedModel, str]:
    """Give the run or logged model to which a proxied artifact path belongs, and the path below its artifacts."""
    located = places.locate(path)
    if located.run_id is not None:
        rows = Run.objects.filter(located.under, workspace=workspace).select_related("workspace")
        return fetch(actor, rows, pk=located.run_id), located.path
    models = LoggedModel.objects.filter(located.under, workspace=workspace).select_related("workspace")
    return fetch(actor, models, pk=located.model_id), located.path


def search_runs(
    actor: Actor,
    workspace: Workspace,
    experiment_ids: Iterable[int] | None,
    *,
    text: str = "",
    order_by: Sequence[str] = (),
    view: View = View.ACTIVE,
    dialect: Dialect = dialects.RUNS,
) -> QuerySet[Run]:
    """Find runs of experiments (of all, for None) by a filter, newest first unless ordered otherwise.

    `dialect` is the studio's own or MLflow's. Raises InvalidValue for a filter or order that cannot be read; evaluate
    within `lib.search.bounds.limited`.
    """
    rows = Run.objects.visible_to(actor).filter(view.condition, workspace=workspace)
    if experiment_ids is not None:
        rows = rows.filter(experiment__in=list(experiment_ids))
    node = default_named(workspace, parse_filter(text, dialect))
    return search.order(search.apply(rows, node), parse_order(order_by, dialect))


def experiment_ids(workspace: Workspace, given: Sequence[str]) -> list[int]:
    """Read the ids of a request, of which 0 is the workspace's default experiment.

    They may be of none or of another workspace's: what is searched by them has a wall of its own.
    """
    plain = [int(one) for one in given if one.isascii() and one.isdigit() and len(one) <= 18]
    if len(plain) < len(given):
        raise InvalidValue(_("An experiment id is a whole number."), field="experiment_ids")
    if ALIAS not in plain:
        return plain
    default = default_id(workspace)
    return [*(one for one in plain if one != ALIAS), *([] if default is None else [default])]


def run_details(runs: Sequence[Run]) -> list[RunDetails]:
    """Collect what belongs to the runs, in their order."""
    ids = [run.pk for run in runs]
    params, tags = by_run(RunParam, ids), by_run(RunTag, ids)
    latest = metrics.latest(ids)
    datasets, links = datasets_of(ids), models_of(ids)
    return [
        RunDetails(
            run=run,
            params=params[run.pk],
            tags=tags[run.pk],
            metrics={one.key: one for one in latest.get(run.pk, [])},
            datasets=datasets[run.pk],
            inputs=[model_id for model_id, _step in links[run.pk, RunModel.Direction.INPUT]],
            outputs=links[run.pk, RunModel.Direction.OUTPUT],
        )
        for run in runs
    ]


def datasets_of(ids: Sequence[str]) -> dict[str, list[RunDataset]]:
    """Give what the runs read, in the order in which they said so."""
    found: dict[str, list[RunDataset]] = defaultdict(list)
    if not ids:  # to write a query for none would be a fifth of a search's cost
        return found
    for use in RunDataset.objects.filter(run__in=ids).select_related("dataset").order_by("pk"):
        found[use.run_id].append(use)
    return found


def models_of(ids: Sequence[str]) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """Give the logged models that the runs read and made, with their steps, by run and direction."""
    found: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    if not ids:
        return found
    rows = RunModel.objects.filter(run__in=ids).order_by("pk")
    for run_id, model_id, direction, step in rows.values_list("run_id", "model_id", "direction", "step"):
        found[run_id, direction].append((model_id, step))
    return found


def by_run(model: type[RunParam] | type[RunTag], ids: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    rows = model._default_manager.filter(run__in=ids).order_by("key")
    for run_id, key, value in rows.values_list("run_id", "key", "value"):
        found[run_id][key] = value
    return found
