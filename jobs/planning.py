"""The shape in which programs give a job that sweeps and schedules submit later."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from compute.queries import find_target
from compute.shapes import asked_name, asked_spec
from experiments.data.runs import Wanted
from experiments.models import Experiment
from jobs import queries
from jobs.api import JobIn, code_of, experiment_named
from jobs.operations import Planned, planned_as
from jobs.operations.submission import Variables
from lib.errors import InvalidValue
from workspaces import access
from workspaces.models import Workspace


class PlanIn(JobIn):
    """A job as `POST jobs` takes it, without experiment, name and parent."""

    experiment = None  # type: ignore[assignment]
    name = None  # type: ignore[assignment]
    parent_run_id = None  # type: ignore[assignment]


class PlannedIn(serializers.Serializer[Any]):
    """The job: spelled out, or the same as that of a run. Without an experiment, that run's."""

    experiment = serializers.CharField(max_length=500, required=False)
    job = PlanIn(required=False)
    from_run = serializers.CharField(max_length=32, required=False)


def asked_plan(actor: access.Actor, workspace: Workspace, values: dict[str, Any]) -> tuple[Experiment, Planned]:
    """Take experiment and job out of what was asked. Raises InvalidValue where a job is missing or given twice."""
    name, job, from_run = (values.pop(key, None) for key in ("experiment", "job", "from_run"))
    if (job is None) == (from_run is None):
        raise InvalidValue("Give either a job or from_run, the id of a run that has one.", field="job")
    if from_run is not None:
        like = access.fetch(actor, queries.jobs(actor, workspace), pk=from_run)
        return experiment_named(actor, workspace, name) if name else like.run.experiment, planned_as(like)
    if not name:
        raise InvalidValue("Name the experiment.", field="experiment")
    plan = planned_of(actor, workspace, job)
    return experiment_named(actor, workspace, name), plan


def planned_of(actor: access.Actor, workspace: Workspace, values: dict[str, Any]) -> Planned:
    values = dict(values)
    target, asked = values["target"], values.get("environment")
    command, entry_point = values.get("command"), values.get("entry_point")
    if (command is None) == (entry_point is None):
        raise InvalidValue("Give either a command or an entry_point.", field="command")
    return Planned(
        snapshot=code_of(actor, workspace, values),
        command=command or (),
        entry_point=entry_point or "",
        parameters=values.get("parameters") or {},
        environment=asked_spec(actor, workspace, asked) if asked else None,
        environment_name=asked_name(actor, workspace, asked) if asked else "",
        compute=find_target(actor, workspace, target) if target else None,
        env=Variables(values["env"]),
        limits=values["limits"],
        tags=values["tags"],
        inputs={name: Wanted(**one) for name, one in values["inputs"].items()},
        attempts_allowed=values["attempts_allowed"],
        time_limit_s=values["time_limit_s"],
    )
