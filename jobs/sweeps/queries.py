"""Reads of sweeps: lists, children by their result, the best one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet

from jobs.models import Goal, Job, JobState, Sweep, SweepChild
from workspaces.access import Actor
from workspaces.models import Workspace


@dataclass(frozen=True)
class Progress:
    """How far a sweep is: children that ended, are under way, and will be at most."""

    ended: int
    live: int
    total: int
    stopped: int

    @property
    def percent(self) -> int:
        return 100 * self.ended // max(1, self.total)


@dataclass(frozen=True)
class Child:
    """A try as it is shown; `state` is its job's."""

    row: SweepChild
    state: str
    is_best: bool

    @property
    def parameters(self) -> Mapping[str, str]:
        return {str(name): str(value) for name, value in self.row.parameters}


def sweeps(actor: Actor, workspace: Workspace) -> QuerySet[Sweep]:
    """List the workspace's sweeps, newest first, each with `made` and `done`, its children begun and ended."""
    rows: QuerySet[Sweep] = Sweep.objects.visible_to(actor).filter(workspace=workspace)
    rows = rows.annotate(made=Count("children"), done=Count("children", filter=Q(children__has_ended=True)))
    return rows.select_related("run__experiment", "plan__target", "workspace").order_by("-created_ms", "-pk")


def best_first(sweep: Sweep) -> QuerySet[SweepChild]:
    """Give a sweep's children by the best value of the primary metric; those without one come last, in order."""
    value = F("best").desc(nulls_last=True) if sweep.goal == Goal.MAXIMIZE else F("best").asc(nulls_last=True)
    return sweep.children.select_related("run").annotate(job_state=F("run__job__state")).order_by(value, "number")


def children(sweep: Sweep) -> list[Child]:
    """Give all children, the best first. One whose run was deleted for good has no state but its end."""
    rows = list(best_first(sweep))
    return [
        Child(row, getattr(row, "job_state", None) or JobState.CANCELED, place == 0 and row.best is not None)
        for place, row in enumerate(rows)
    ]


def progress(sweep: Sweep) -> Progress:
    counts = sweep.children.aggregate(
        made=Count("pk"), ended=Count("pk", filter=Q(has_ended=True)), stopped=Count("pk", filter=~Q(stopped=""))
    )
    return Progress(counts["ended"], counts["made"] - counts["ended"], sweep.total, counts["stopped"])


def failures(sweep: Sweep) -> list[tuple[str, int]]:
    """Give why children failed, the most frequent first."""
    failed = Job.objects.filter(pk__in=sweep.children.values("run"), state=JobState.FAILED).exclude(error="")
    counted = failed.values("error").annotate(count=Count("pk")).order_by("-count")
    return [(str(row["error"]), int(row["count"])) for row in counted[:3]]
