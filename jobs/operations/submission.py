"""What people ask for: submit, cancel, run again."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from celery import current_app
from django.db import transaction
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from compute.environments import EnvironmentSpec
from compute.models import TARGET_GONE, ComputeTarget
from compute.operations import local_cluster, request_environment
from experiments.data.runs import Wanted, give_inputs, wanted_again
from experiments.models import Experiment, Run, RunStatus
from experiments.operations import create_experiment, create_run, log_batch
from jobs import projects, sample, snapshots
from jobs.models import JOB_WAITING, Job, JobState, Snapshot
from jobs.operations.snapshots import store_snapshot
from jobs.operations.states import enter
from lib.clock import now_ms
from lib.errors import Conflict, InvalidValue
from workspaces.access import Actor, operation
from workspaces.models import Workspace

logger = logging.getLogger(__name__)

ARGUMENTS_MAX = 500
ATTEMPTS_MAX = 10
TIME_LIMIT_MAX_S = 365 * 24 * 3600
VARIABLES_MAX = 200
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PARENT_TAG = "mlflow.parentRunId"


class Variables(dict[str, str]):
    """Environment variables; what prints them, the audit log for one, gets their names: values may be secrets."""

    def __str__(self) -> str:
        return ", ".join(sorted(self))


@operation("jobs.write")
def submit_job(
    actor: Actor,
    experiment: Experiment,
    *,
    snapshot: Snapshot,
    command: Sequence[str],
    environment: EnvironmentSpec,
    environment_name: str = "",
    compute: ComputeTarget | None = None,
    name: str = "",
    tags: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    limits: Mapping[str, float] | None = None,
    attempts_allowed: int = 1,
    time_limit_s: int | None = None,
    entry_point: str = "",
    parameters: Mapping[str, str] | None = None,
    parent: Run | None = None,
    inputs: Mapping[str, Wanted] | None = None,
) -> Job:
    """Queue a run of `command` in the snapshot's folder, on the studio's own cluster unless another is named.

    A word `python` at the command's start is the environment's own. `parent` makes it a child run. Raises InvalidValue
    for a command, a target, variables or limits that cannot be.
    """
    workspace, target = experiment.workspace, compute or local_cluster()
    check_command(command)
    check_variables(env or {})
    check_attempts(attempts_allowed)
    check_time_limit(time_limit_s)
    check_target(target, workspace)
    if snapshot.workspace_id != workspace.pk or (parent and parent.workspace_id != workspace.pk):
        raise InvalidValue(_("The code or the parent run is not this workspace's."))
    above = {PARENT_TAG: parent.pk} if parent else {}
    said = {**source_tags(command, snapshot), **above, **(tags or {})}
    run = create_run(actor, experiment, name=name, status=RunStatus.SCHEDULED, is_submitted=True, tags=said)
    job = Job.objects.create(
        run=run,
        workspace=workspace,
        snapshot=snapshot,
        environment=request_environment(actor, workspace, spec=environment),
        environment_name=environment_name[:130],
        target=target,
        command=list(command),
        submitted_by=actor.name,
        stages=[[JobState.QUEUED, now_ms(), ""]],
        env=dict(env or {}),
        limits=dict(limits or {}),
        attempts_allowed=attempts_allowed,
        time_limit_s=time_limit_s,
        entry_point=entry_point[:200],
        parameters=dict(parameters or {}),
    )
    give_inputs(actor, run, inputs=inputs or {})
    transaction.on_commit(lambda: hint(target.queue))
    return job


def source_tags(command: Sequence[str], snapshot: Snapshot) -> dict[str, str]:
    """Say in MLflow's words where the run comes from."""
    return {
        "mlflow.source.type": "JOB",
        "mlflow.source.name": " ".join(command)[:500],
        "mlflow.source.snapshot": snapshot.digest,
    }


@operation("jobs.write")
def submit_project(
    actor: Actor,
    experiment: Experiment,
    /,
    *,
    snapshot: Snapshot,
    entry_point: str = projects.MAIN,
    parameters: Mapping[str, str] | None = None,
    environment: EnvironmentSpec | None = None,
    tags: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    **fields: Any,
) -> Job:
    """Queue an entry point of the MLflow project in the snapshot, in the project's own environment unless another is
    given; its parameters become the run's. `fields` are those of `submit_job`.

    Raises InvalidValue for a bad MLproject, an unknown entry point, and parameters that are missing or mistyped.
    """

    def read(path: str) -> str | None:
        return snapshots.text(snapshot, path)

    project = projects.read_project(read)
    planned = projects.plan(project.entry_point(entry_point), dict(parameters or {}))
    source = {
        "mlflow.source.type": "PROJECT",
        "mlflow.source.name": project.name or entry_point,
        "mlflow.project.entryPoint": entry_point,
    }
    job: Job = submit_job(
        actor,
        experiment,
        snapshot=snapshot,
        command=planned.command,
        environment=environment or projects.environment(project, read),
        tags={**source, **(tags or {})},
        env=Variables(env or {}),
        entry_point=entry_point,
        parameters=planned.parameters,
        **fields,
    )
    if planned.parameters:
        log_batch(actor, job.run, params=list(planned.parameters.items()))
    return job


def check_command(command: Sequence[str]) -> None:
    if not command or len(command) > ARGUMENTS_MAX or not all(isinstance(word, str) for word in command):
        raise InvalidValue(_("A command is a list of 1–%s words.") % ARGUMENTS_MAX, field="command")
    if any("\x00" in word or len(word) > 32_000 for word in command) or not command[0]:
        raise InvalidValue(_("A word of the command is empty, too long, or holds a zero byte."), field="command")


def check_variables(env: Mapping[str, str]) -> None:
    if len(env) > VARIABLES_MAX or not all(VARIABLE.fullmatch(name) and "\x00" not in env[name] for name in env):
        raise InvalidValue(
            _("Environment variables have names of letters, digits and “_”; at most %s.") % VARIABLES_MAX, field="env"
        )


def check_attempts(attempts_allowed: int) -> None:
    if not 1 <= attempts_allowed <= ATTEMPTS_MAX:
        raise InvalidValue(_("A job is tried 1–%s times.") % ATTEMPTS_MAX, field="attempts_allowed")


def check_time_limit(time_limit_s: int | None) -> None:
    if time_limit_s is not None and not 1 <= time_limit_s <= TIME_LIMIT_MAX_S:
        raise InvalidValue(_("A job's time limit is 1 second to 365 days."), field="time_limit_s")


def check_target(target: ComputeTarget, workspace: Workspace) -> None:
    if target.workspace_id not in (None, workspace.pk):
        raise InvalidValue(_("The compute target is not this workspace's."), field="target")
    if target.state in TARGET_GONE or target.kind != ComputeTarget.Kind.CLUSTER:
        raise InvalidValue(_("“%s” is not a cluster that takes jobs.") % target.name, field="target")
    if target.max_nodes == 0:
        raise InvalidValue(_("“%s” may have no nodes: raise its maximum first.") % target.name, field="target")


def hint(queue: str) -> None:
    """Tell the cluster's nodes to look now. They look every second anyway, so a broker that is away is no error."""
    try:
        current_app.send_task("compute.node.look", queue=queue, expires=10, ignore_result=True)
    except (OperationalError, OSError) as error:
        logger.warning("no hint to nodes queue=%s: %s", queue, error)


@operation("jobs.write")
def cancel_job(actor: Actor, job: Job) -> Job:
    """Ask for a job's end: at once when it waits, else its runner ends the whole process group. An ended one stays."""
    job = Job.objects.select_for_update(of=["self"]).select_related("run").get(pk=job.pk)
    if job.has_ended:
        return job
    if job.cancel_asked_ms is None:
        job.cancel_asked_ms = now_ms()
        job.save(update_fields=["cancel_asked_ms"])
    if job.state in JOB_WAITING:
        enter(job, JobState.CANCELED)
    return job


@operation("jobs.write")
def rerun_job(actor: Actor, job: Job) -> Job:
    """Queue the same once more, as a run of its own. Raises Conflict while the first is under way."""
    if not job.has_ended:
        raise Conflict(_("The job has not ended; cancel it first."))
    if job.environment is None:
        raise InvalidValue(_("The job has no environment."))
    again: Job = submit_job(
        actor,
        job.run.experiment,
        snapshot=job.snapshot,
        command=job.command,
        environment=EnvironmentSpec.from_json(job.environment.spec),
        environment_name=job.environment_name,
        compute=job.target,
        tags={"studio.rerunOf": job.pk},
        env=Variables(job.env),
        limits=job.limits,
        attempts_allowed=job.attempts_allowed,
        time_limit_s=job.time_limit_s,
        entry_point=job.entry_point,
        parameters=job.parameters,
        inputs=wanted_again(job.run),
    )
    if job.parameters:
        log_batch(actor, again.run, params=list(job.parameters.items()))
    return again


@operation("jobs.write")
def run_sample(actor: Actor, workspace: Workspace) -> Job:
    """Submit the sample: a regression on the diabetes data that scikit-learn ships, in an experiment of its own."""
    experiment = Experiment.objects.filter(workspace=workspace, name=sample.EXPERIMENT).first()
    if experiment is None:
        experiment = create_experiment(actor, workspace, name=sample.EXPERIMENT)
    if experiment.deleted_ms is not None:
        experiment = Experiment.objects.get(workspace=workspace, is_default=True)
    return submit_job(
        actor,
        experiment,
        snapshot=store_snapshot(actor, workspace, files=sample.files()),
        command=["python", "-u", "train.py"],
        environment=sample.environment(),
    )
