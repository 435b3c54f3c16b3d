"""What a job would be, kept for later: by sweeps, which submit it often, and schedules, which submit it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from django.utils.translation import gettext as _

from compute.environments import EnvironmentSpec
from compute.models import ComputeTarget
from compute.operations import local_cluster
from experiments.data.queries import named as named_data
from experiments.data.runs import Wanted, check_inputs, wanted_again
from experiments.models import Experiment, Run
from experiments.operations import log_batch
from jobs import projects, snapshots
from jobs.models import Job, JobPlan, Snapshot
from jobs.operations.submission import (
    Variables,
    check_attempts,
    check_command,
    check_target,
    check_time_limit,
    check_variables,
    submit_job,
    submit_project,
)
from lib.errors import Denied, InvalidValue
from workspaces.access import Actor
from workspaces.authentication import actor_of_user
from workspaces.models import User


@dataclass(frozen=True)
class Planned:
    """A job to be: a `command` with its `environment`, or an `entry_point` of the snapshot's MLproject."""

    snapshot: Snapshot
    command: Sequence[str] = ()
    entry_point: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    environment: EnvironmentSpec | None = None
    environment_name: str = ""
    compute: ComputeTarget | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Wanted] = field(default_factory=dict)
    attempts_allowed: int = 1
    time_limit_s: int | None = None

    def __str__(self) -> str:
        # Without variables: the audit log prints it, and their values may be secrets.
        return self.entry_point or " ".join(self.command)


def planned_as(job: Job) -> Planned:
    """Plan the same as a job had. Raises Conflict that names a dataset which is gone."""
    if job.environment is None:
        raise InvalidValue(_("The job has no environment."))
    return Planned(
        snapshot=job.snapshot,
        command=() if job.entry_point else job.command,
        entry_point=job.entry_point,
        parameters=job.parameters if job.entry_point else {},
        environment=EnvironmentSpec.from_json(job.environment.spec),
        environment_name=job.environment_name,
        compute=job.target,
        env=job.env,
        limits=job.limits,
        inputs=wanted_again(job.run),
        attempts_allowed=job.attempts_allowed,
        time_limit_s=job.time_limit_s,
    )


def keep_plan(actor: Actor, experiment: Experiment, planned: Planned, more: Mapping[str, str] | None = None) -> JobPlan:
    """Check a plan and keep it. `more` are parameters that the entry point gets later, for the check alone.

    Raises InvalidValue for what `submit_job` or `submit_project` would refuse.
    """
    target = planned.compute or local_cluster()
    check_target(target, experiment.workspace)
    check_variables(planned.env)
    check_inputs(planned.inputs)
    for one in planned.inputs.values():
        named_data(actor, experiment.workspace, one.dataset)
    if planned.snapshot.workspace_id != experiment.workspace_id:
        raise InvalidValue(_("The code or the parent run is not this workspace's."))
    check_attempts(planned.attempts_allowed)
    check_time_limit(planned.time_limit_s)
    if planned.entry_point:
        point = projects.read_project(lambda path: snapshots.text(planned.snapshot, path))
        projects.plan(point.entry_point(planned.entry_point), {**planned.parameters, **(more or {})})
    else:
        check_command(planned.command)
        if planned.environment is None:
            raise InvalidValue(_("A command needs an environment."), field="environment")
    return JobPlan.objects.create(
        workspace=experiment.workspace,
        experiment=experiment,
        snapshot=planned.snapshot,
        target=target,
        environment=planned.environment.as_json() if planned.environment else None,
        environment_name=planned.environment_name[:130],
        command=list(planned.command),
        entry_point=planned.entry_point,
        parameters=dict(planned.parameters),
        env=dict(planned.env),
        limits=dict(planned.limits),
        tags=dict(planned.tags),
        inputs={name: asdict(one) for name, one in planned.inputs.items()},
        attempts_allowed=planned.attempts_allowed,
        time_limit_s=planned.time_limit_s,
        submitted_by=actor.name,
        as_user_id=actor.user_id,
    )


def actor_of_plan(plan: JobPlan) -> Actor:
    """Give whom a plan's jobs are submitted for. Raises Denied when that person is no longer there."""
    if plan.as_user_id is None:
        return Actor.system()
    user = User.objects.filter(pk=plan.as_user_id, is_active=True).first()
    if user is None:
        raise Denied(_("%s, for whom this is submitted, is no longer here.") % plan.submitted_by)
    return actor_of_user(user)


def submit_planned(
    plan: JobPlan,
    *,
    name: str = "",
    command: Sequence[str] | None = None,
    parameters: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    parent: Run | None = None,
) -> Job:
    """Submit a plan's job for the person whose plan it is, with another command or more parameters.

    Raises what `submit_job` and `submit_project` raise; Denied and NotFound where the person may no longer do that.
    """
    if plan.experiment is None:
        raise InvalidValue(_("Its experiment was deleted."), field="experiment")
    actor = actor_of_plan(plan)
    fields = {
        "snapshot": plan.snapshot,
        "environment": EnvironmentSpec.from_json(plan.environment) if plan.environment else None,
        "environment_name": plan.environment_name,
        "compute": plan.target,
        "name": name,
        "tags": {**plan.tags, **(tags or {})},
        "env": Variables(plan.env),
        "limits": plan.limits,
        "attempts_allowed": plan.attempts_allowed,
        "time_limit_s": plan.time_limit_s,
        "inputs": {name: Wanted(**one) for name, one in plan.inputs.items()},
        "parent": parent,
    }
    if plan.entry_point:
        given = {**plan.parameters, **(parameters or {})}
        return submit_project(actor, plan.experiment, entry_point=plan.entry_point, parameters=given, **fields)
    return submit_job(actor, plan.experiment, command=command or plan.command, **fields)


def log_tried(run: Run, drawn: Sequence[tuple[str, str]]) -> None:
    """Write a try's parameters to its run, those that it did not log itself: scripts write 16 as “16.0”, too."""
    names = [(name.lstrip("-"), value) for name, value in drawn]
    known = set(run.params.filter(key__in=[name for name, _value in names]).values_list("key", flat=True))
    missing = [(name, value) for name, value in names if name not in known]
    if missing and run.deleted_ms is None:
        log_batch(Actor.system(), run, params=missing)


def forget_plans() -> None:
    """Remove plans that no sweep and no schedule has any more."""
    JobPlan.objects.filter(sweeps=None, schedules=None).delete()
