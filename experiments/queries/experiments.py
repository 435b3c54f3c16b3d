"""Experiments by id, by name, by filter."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, F, Max, Q, QuerySet
from django.utils.translation import gettext as _

from experiments.models import Experiment, ExperimentTag
from experiments.queries.views import View
from experiments.search.default import default_named
from lib.clock import now_ms
from lib.errors import InvalidValue, NotFound
from lib.postgres.lookup import Lookup
from lib.search import Dialect, Field, OrderTerm, dialects, parse_filter, parse_order
from lib.search.ordering import Ordering
from lib.search.sql import Related, Table, condition
from workspaces.access import Actor, require
from workspaces.models import Workspace

TABLE = Table(
    attributes={
        "name": F("name"),
        "experiment_id": F("id"),
        "creation_time": F("created_ms"),
        "last_update_time": F("updated_ms"),
    },
    related={"tag": Related(ExperimentTag, "experiment", "tags")},
    default_order=(OrderTerm(Field("attribute", "experiment_id")),),
)
NEWEST = OrderTerm(Field("attribute", "creation_time"), is_descending=True)
LONGEST_ID = 18
BY_ID = Lookup(Experiment, "pk", "workspace_id")
DEFAULT = Lookup(Experiment, "workspace_id", is_default=True)


def experiment(actor: Actor, workspace: Workspace, experiment_id: str) -> Experiment:
    """Give an experiment of the workspace, in the bin or not; "0" is the workspace's default one.

    Raises InvalidValue for what is no id, NotFound for an absent one.
    """
    if not experiment_id:
        raise InvalidValue("Missing value for required parameter 'experiment_id'.", field="experiment_id")
    # The wall is asked here, for the one workspace that can be meant: a join less in a busy lookup.
    require(actor, Experiment.read_permission, workspace)
    found = None
    if experiment_id == "0":
        found = DEFAULT(workspace.pk)
    elif experiment_id.isascii() and experiment_id.isdigit() and len(experiment_id) <= LONGEST_ID:
        found = BY_ID(int(experiment_id), workspace.pk)
    if found is None:
        raise NotFound(_("No Experiment with id=%s exists") % experiment_id[:100])
    found.workspace = workspace
    return found


def experiments(actor: Actor, workspace: Workspace, view: View = View.ACTIVE) -> QuerySet[Experiment]:
    """List for the page: newest run first, with `run_count` and `last_run_ms` of the runs outside the bin."""
    alive = Q(runs__deleted_ms=None)
    return (  # type: ignore[no-any-return]
        Experiment.objects.visible_to(actor)
        .filter(view.condition, workspace=workspace)
        .annotate(run_count=Count("runs", filter=alive), last_run_ms=Max("runs__start_ms", filter=alive))
        .order_by("-last_run_ms", "-created_ms", "pk")
    )


def search_experiments(
    actor: Actor,
    workspace: Workspace,
    *,
    text: str = "",
    order_by: Sequence[str] = (),
    view: View = View.ACTIVE,
    dialect: Dialect = dialects.EXPERIMENTS,
) -> QuerySet[Experiment]:
    """Find by a filter, newest first unless ordered otherwise. Raises InvalidValue for one that cannot be read."""
    rows = Experiment.objects.visible_to(actor).filter(view.condition, workspace=workspace)
    node = default_named(workspace, parse_filter(text, dialect))
    rows = rows.filter(condition(TABLE, node, now_ms=now_ms()))
    terms = parse_order(order_by, dialect) or [NEWEST]
    return Ordering(TABLE, terms).apply(rows).prefetch_related("tags")
