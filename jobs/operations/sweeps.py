"""What people ask of sweeps: start one, cancel it."""

from __future__ import annotations

import secrets

from django.utils.translation import gettext as _

from experiments.models import Experiment, RunStatus
from experiments.operations import create_run
from jobs.models import Goal, Sampling, Sweep, SweepState
from jobs.operations.plans import Planned, keep_plan
from jobs.sweeps.policies import Policy
from jobs.sweeps.space import Space
from lib.clock import now_ms
from lib.errors import InvalidValue
from workspaces.access import Actor, operation

TOTAL_MAX = 1000
CONCURRENT_MAX = 100
MINUTES_MAX = 43_200
MINUTE_MS = 60_000


@operation("jobs.write")
def start_sweep(
    actor: Actor,
    experiment: Experiment,
    *,
    plan: Planned,
    space: Space,
    sampling: str = Sampling.RANDOM,
    seed: int | None = None,
    metric: str,
    goal: str = Goal.MINIMIZE,
    max_total_runs: int | None = None,
    max_concurrent_runs: int | None = None,
    max_duration_minutes: int | None = None,
    policy: Policy | None = None,
    name: str = "",
) -> Sweep:
    """Begin a run whose children are `plan` with parameters of `space`; time submits them as places get free.

    A grid ends with its last point, other samplings with `max_total_runs`. Raises InvalidValue for what cannot be.
    """
    total = settled_total(space, sampling, max_total_runs)
    concurrent = total if max_concurrent_runs is None else max_concurrent_runs
    check_metric(metric, goal)
    check_bounds(concurrent, max_duration_minutes)
    seed = settled_seed(seed)
    first = space.point(0) if sampling == Sampling.GRID else space.draw(seed, 0)
    kept = keep_plan(actor, experiment, plan, more={name.lstrip("-"): value for name, value in first})
    run = create_run(
        actor,
        experiment,
        name=name,
        status=RunStatus.RUNNING,
        is_submitted=True,
        tags={
            "mlflow.source.type": "JOB",
            "mlflow.source.name": kept.words[:500],
            "studio.sweep": sampling,
            "studio.sweepMetric": metric,
            **plan.tags,
        },
    )
    now = now_ms()
    return Sweep.objects.create(
        run=run,
        workspace=experiment.workspace,
        plan=kept,
        sampling=sampling,
        seed=seed,
        space=space.as_json(),
        metric=metric,
        goal=goal,
        total=total,
        concurrent=min(concurrent, CONCURRENT_MAX),
        deadline_ms=now + max_duration_minutes * MINUTE_MS if max_duration_minutes else None,
        policy=(policy or Policy()).as_json(),
        warning=_("Bayesian sampling is done as random sampling here.") if sampling == Sampling.BAYESIAN else "",
        created_ms=now,
    )


def check_metric(metric: str, goal: str) -> None:
    if goal not in Goal.values or not metric or len(metric) > 250:
        raise InvalidValue(_("Name the primary metric, and whether to maximize or minimize it."), field="metric")


def check_bounds(concurrent: int, minutes: int | None) -> None:
    if not 1 <= concurrent <= TOTAL_MAX:
        raise InvalidValue(_("At a time 1–%d children run.") % CONCURRENT_MAX, field="max_concurrent_runs")
    if minutes is not None and not 1 <= minutes <= MINUTES_MAX:
        raise InvalidValue(_("A sweep takes 1–%d minutes.") % MINUTES_MAX, field="max_duration_minutes")


def settled_seed(asked: int | None) -> int:
    seed = secrets.randbelow(2**31) if asked is None else asked
    if not 0 <= seed < 2**63:
        raise InvalidValue(_("A seed is a whole number from 0 on."), field="seed")
    return seed


def settled_total(space: Space, sampling: str, asked: int | None) -> int:
    if sampling not in Sampling.values:
        raise InvalidValue(_("A sampling is one of %s.") % ", ".join(Sampling.values), field="sampling")
    if sampling == Sampling.GRID and any(one.kind != "choice" for one in space.parameters):
        raise InvalidValue(_("A grid is made of choices alone."), field="parameters")
    if sampling == Sampling.GRID and space.size is None:
        raise InvalidValue(_("The grid has too many points."), field="parameters")
    if asked is None and space.size is None:
        raise InvalidValue(_("Say how many children there are in all."), field="max_total_runs")
    total = min(one for one in (asked, space.size) if one is not None)
    if not 1 <= total <= TOTAL_MAX:
        raise InvalidValue(_("A sweep has 1–%d children.") % TOTAL_MAX, field="max_total_runs")
    return total


@operation("jobs.write")
def cancel_sweep(actor: Actor, sweep: Sweep) -> Sweep:
    """Ask for the end of a sweep and all its children. One that ends already stays as it is."""
    Sweep.objects.filter(pk=sweep.pk, state=SweepState.RUNNING).update(
        state=SweepState.CANCELING, ends_as=SweepState.CANCELED, reason=_("Cancelled by %s.") % actor.name
    )
    sweep.refresh_from_db()
    return sweep
