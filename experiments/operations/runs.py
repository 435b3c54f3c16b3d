"""Runs start, end, are renamed, and go to the bin and back."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection, transaction
from django.utils.translation import gettext as _

from experiments import events, signals
from experiments.models import RUN_ENDED, Experiment, Run, RunStatus, RunTag
from experiments.operations.experiments import require_active as require_active_experiment
from experiments.operations.logging import NAME_TAG, require_active, write_tags
from lib.clock import now_ms
from lib.errors import InvalidValue, NotFound
from lib.ids import new_id
from lib.mlflow import limits
from lib.postgres.insertion import Insertion
from workspaces.access import Actor, operation

LONGEST_NAME = 250
ADD = Insertion(Run)
# Written here and not by the ORM, which takes longer to write it than the database to do it: every run ends.
CHANGE = """
    UPDATE experiments_run
       SET name   = coalesce(%(name)s, name),
           status = coalesce(%(status)s, status),
           end_ms = coalesce(%(end_ms)s, end_ms)
     WHERE id = %(run)s
"""


@operation("experiments.write", audit=False)
def create_run(
    actor: Actor,
    experiment: Experiment,
    *,
    name: str = "",
    tags: Mapping[str, str] | None = None,
    start_ms: int | None = None,
    user_name: str = "",
    run_id: str | None = None,
    status: str = RunStatus.RUNNING,
    is_submitted: bool = False,
) -> Run:
    """Start a run; without a name it gets a random one, without a user the actor's.

    `is_submitted` and `run_id` are for jobs, which own the run's end. Raises InvalidValue for an experiment in the
    bin, a bad tag, or a name that differs from the tag mlflow.runName.
    """
    require_active_experiment(experiment)
    tags = dict(tags or {})
    name = settled_name(name, tags.get(NAME_TAG, "")) or limits.random_name()
    run = ADD(
        Run(
            pk=run_id or new_id(),
            workspace=experiment.workspace,
            experiment=experiment,
            name=name,
            status=status,
            user_name=(user_name or actor.name)[:256],
            is_submitted=is_submitted,
            start_ms=limits.check_timestamp(start_ms, "start_time") if start_ms is not None else now_ms(),
        )
    )
    write_tags(run, {**tags, NAME_TAG: name})
    events.run_created(run)
    return run


def settled_name(name: str, tag: str) -> str:
    """Give the one name that the argument and the tag agree on. Raises InvalidValue when they differ."""
    if name and tag and name != tag:
        raise InvalidValue(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
            f"(run_name='{name}', mlflow.runName='{tag}')."
        )
    return checked_name(name or tag)


def checked_name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        raise InvalidValue(_("A run's name has at most %s characters.") % LONGEST_NAME, field="run_name")
    return name


@operation("experiments.write")
def update_run(
    actor: Actor, run: Run, *, status: str | None = None, end_ms: int | None = None, name: str | None = None
) -> Run:
    """Change what is given. The end of a submitted run is its job's to tell: from anybody else it is left out.

    Raises InvalidValue for a run in the bin.
    """
    require_active(run)
    changed = []
    if name:
        run.name = checked_name(name)
        write_tags(run, {NAME_TAG: name})
        changed.append("name")
    if not run.is_submitted:
        changed += end(run, status, end_ms)
    if changed:
        given = {name: getattr(run, name) if name in changed else None for name in ("name", "status", "end_ms")}
        with connection.cursor() as cursor:
            cursor.execute(CHANGE, {"run": run.pk, **given})
    return run


def end(run: Run, status: str | None, end_ms: int | None) -> list[str]:
    """Set state and end on the object; give the names of the fields that changed."""
    changed = []
    ends_now = status in RUN_ENDED and not run.has_ended
    if status is not None:
        if ends_now:
            transaction.on_commit(lambda: signals.run_finished.send(sender=Run, run=run))
        run.status = status
        changed.append("status")
    if end_ms is not None:
        run.end_ms = limits.check_timestamp(end_ms, "end_time")
        changed.append("end_ms")
    if ends_now:
        events.run_ended(run)
    return changed


@operation("experiments.write")
def finish_submitted_run(actor: Actor, run: Run, *, status: str, end_ms: int | None = None) -> Run:
    """Set a submitted run's state as its job has it; the jobs room calls this, in the bin or not.

    An end without a time is now; a state that is no end takes an end away (a second attempt).
    """
    is_end = status in RUN_ENDED
    end(run, status, (end_ms if end_ms is not None else now_ms()) if is_end else None)
    if not is_end:
        run.end_ms = None
    run.save(update_fields=["status", "end_ms"])
    return run


@operation("experiments.write")
def delete_run(actor: Actor, run: Run) -> None:
    """Put a run into the bin. Raises InvalidValue when it is there already."""
    require_active(run)
    Run.objects.filter(pk=run.pk).update(deleted_ms=now_ms())


@operation("experiments.write")
def restore_run(actor: Actor, run: Run) -> None:
    """Take a run out of the bin. Raises InvalidValue when it is not there or its experiment is."""
    if run.deleted_ms is None:
        raise InvalidValue(f"The run {run.pk} must be in the 'deleted' state. Current state is active.")
    require_active_experiment(run.experiment)
    Run.objects.filter(pk=run.pk).update(deleted_ms=None)


@operation("experiments.write")
def delete_tag(actor: Actor, run: Run, *, key: str) -> None:
    """Raises NotFound for a tag that is not there."""
    require_active(run)
    if not RunTag.objects.filter(run=run, key=key).delete()[0]:
        raise NotFound(f"No tag with name: {key} in run with id {run.pk}")
