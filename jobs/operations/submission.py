"""What people ask for: submit, cancel."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping, Sequence

from celery import current_app
from django.db import transaction
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from compute.environments import EnvironmentSpec
from compute.models import ComputeTarget
from compute.operations import local_cluster, request_environment
from experiments.artifacts import store
from experiments.models import Experiment, RunStatus
from experiments.operations import create_experiment, create_run
from jobs import sample, snapshots
from jobs.models import Job, JobState, Snapshot
from jobs.operations.states import enter
from lib.clock import now_ms
from lib.errors import InvalidValue
from workspaces.access import Actor, operation
from workspaces.models import Workspace

logger = logging.getLogger(__name__)

ARGUMENTS_MAX = 500
ATTEMPTS_MAX = 10


@operation("jobs.write")
def store_snapshot(actor: Actor, workspace: Workspace, *, files: Mapping[str, bytes]) -> Snapshot:
    """Keep a folder of code under the hash of its content, once however often it is submitted.

    Raises InvalidValue for too many files or bytes, and for a path that leads out of the folder.
    """
    packed = snapshots.pack(files)
    snapshot, is_new = Snapshot.objects.get_or_create(
        workspace=workspace,
        digest=packed.digest,
        defaults={"files": len(files), "size_bytes": packed.size_bytes},
    )
    if is_new:
        store().put(snapshots.key(workspace.pk, packed.digest), io.BytesIO(packed.archive), len(packed.archive))
    return snapshot


@operation("jobs.write")
def submit_job(
    actor: Actor,
    experiment: Experiment,
    *,
    snapshot: Snapshot,
    command: Sequence[str],
    environment: EnvironmentSpec,
    target: ComputeTarget | None = None,
    name: str = "",
    tags: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    limits: Mapping[str, float] | None = None,
    attempts_allowed: int = 1,
    time_limit_s: int | None = None,
) -> Job:
    """Queue a run of `command` in the snapshot's folder, on the studio's own cluster unless another is named.

    A word `python` at the command's start is the environment's own. Raises InvalidValue for a command, a target or
    limits that cannot be.
    """
    workspace = experiment.workspace
    check_command(command)
    if not 1 <= attempts_allowed <= ATTEMPTS_MAX:
        raise InvalidValue(_("A job is tried 1–%s times.") % ATTEMPTS_MAX, field="attempts_allowed")
    target = target or local_cluster()
    if target.workspace_id not in (None, workspace.pk) or snapshot.workspace_id != workspace.pk:
        raise InvalidValue(_("The compute target or the snapshot is not this workspace's."))
    run = create_run(
        actor,
        experiment,
        name=name,
        status=RunStatus.SCHEDULED,
        is_submitted=True,
        tags={
            "mlflow.source.type": "JOB",
            "mlflow.source.name": " ".join(command)[:500],
            "mlflow.source.snapshot": snapshot.digest,
            **(tags or {}),
        },
    )
    job = Job.objects.create(
        run=run,
        workspace=workspace,
        snapshot=snapshot,
        environment=request_environment(actor, workspace, spec=environment),
        target=target,
        command=list(command),
        submitted_by=actor.name,
        stages=[[JobState.QUEUED, now_ms(), ""]],
        env=dict(env or {}),
        limits=dict(limits or {}),
        attempts_allowed=attempts_allowed,
        time_limit_s=time_limit_s,
    )
    transaction.on_commit(lambda: hint(target.queue))
    return job


def check_command(command: Sequence[str]) -> None:
    if not command or len(command) > ARGUMENTS_MAX or not all(isinstance(word, str) for word in command):
        raise InvalidValue(_("A command is a list of 1–%s words.") % ARGUMENTS_MAX, field="command")
    if any("\x00" in word or len(word) > 32_000 for word in command) or not command[0]:
        raise InvalidValue(_("A word of the command is empty, too long, or holds a zero byte."), field="command")


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
    if job.state == JobState.QUEUED:
        enter(job, JobState.CANCELED)
    return job


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
