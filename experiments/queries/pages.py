"""What pages show of runs: a table, one run, several beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from experiments.metrics import Latest
from experiments.models import Experiment, LoggedModel, Run
from experiments.queries.runs import RunDetails, run_details, search_runs
from experiments.queries.views import View
from lib.search.bounds import limited
from workspaces.access import Actor
from workspaces.models import Workspace

PAGE = 50
SYSTEM_TAGS = "mlflow."


@dataclass(frozen=True)
class RunRow:
    """A row of the runs table; `metrics` and `params` are in the order of the table's keys, None where absent."""

    details: RunDetails
    metrics: list[Latest | None]
    params: list[str | None]

    @property
    def run(self) -> Run:
        return self.details.run


@dataclass(frozen=True)
class RunsTable:
    """One page of runs, and the keys that any run on it has. `page` counts from 1."""

    rows: list[RunRow]
    metric_keys: list[str]
    param_keys: list[str]
    total: int
    page: int
    page_size: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.page_size))

    @property
    def has_next(self) -> bool:
        return self.page < self.pages

    @property
    def has_previous(self) -> bool:
        return self.page > 1


def runs_table(
    actor: Actor,
    experiment: Experiment,
    *,
    text: str = "",
    order_by: Sequence[str] = (),
    view: View = View.ACTIVE,
    page: int = 1,
    page_size: int = PAGE,
) -> RunsTable:
    """Give one page of an experiment's runs. Raises InvalidValue for a filter or order that cannot be read."""
    found = search_runs(actor, experiment.workspace, [experiment.pk], text=text, order_by=order_by, view=view)
    with limited():
        total = found.count()
        page = min(max(page, 1), max(1, -(-total // page_size)))
        rows_of_page = list(found[(page - 1) * page_size : page * page_size])
    details = run_details(rows_of_page)
    metric_keys = sorted({key for one in details for key in one.metrics})
    param_keys = sorted({key for one in details for key in one.params})
    rows = [
        RunRow(one, [one.metrics.get(key) for key in metric_keys], [one.params.get(key) for key in param_keys])
        for one in details
    ]
    return RunsTable(rows, metric_keys, param_keys, total, page, page_size)


def recent_runs(actor: Actor, workspace: Workspace, *, only_running: bool = False) -> QuerySet[Run]:
    """List the workspace's newest runs outside the bin; slice it."""
    rows = Run.objects.visible_to(actor).filter(workspace=workspace, deleted_ms=None).select_related("experiment")
    if only_running:
        rows = rows.filter(status__in=("RUNNING", "SCHEDULED"))
    return rows.order_by("-start_ms", "pk")


@dataclass(frozen=True)
class RunOverview:
    """All that a run's page says. `tags` are the user's own, `system_tags` those that begin with “mlflow.”."""

    details: RunDetails
    tags: dict[str, str]
    system_tags: dict[str, str]
    models: list[LoggedModel]
    parent: Run | None
    children: list[Run]

    @property
    def run(self) -> Run:
        return self.details.run


def run_overview(actor: Actor, run: Run) -> RunOverview:
    """Collect what a run's page shows, in a few queries."""
    [details] = run_details([run])
    same = Run.objects.visible_to(actor).filter(workspace_id=run.workspace_id)
    children = same.filter(tags__key="mlflow.parentRunId", tags__value=run.pk, deleted_ms=None).order_by(
        "start_ms", "pk"
    )
    return RunOverview(
        details=details,
        tags={key: value for key, value in details.tags.items() if not key.startswith(SYSTEM_TAGS)},
        system_tags={key: value for key, value in details.tags.items() if key.startswith(SYSTEM_TAGS)},
        models=list(LoggedModel.objects.filter(source_run=run, deleted_ms=None).order_by("created_ms", "pk")),
        parent=same.filter(pk=details.tags.get("mlflow.parentRunId", "")[:32]).first(),
        children=list(children[:100]),
    )
