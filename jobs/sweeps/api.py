"""Sweeps for programs: start, list, show with the children best first, cancel."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import operations
from jobs.models import Goal, Sampling, Sweep
from jobs.planning import PlannedIn, asked_plan
from jobs.sweeps import queries
from jobs.sweeps.policies import KINDS, make_policy
from jobs.sweeps.space import make_space, read_lines, shown_lines
from lib.errors import InvalidValue
from workspaces import access
from workspaces.drf import asked, parsed
from workspaces.models import Workspace

LISTED_MAX = 200


class MetricIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=250)
    goal = serializers.CharField(max_length=10, help_text="maximize or minimize, in any case.")


class SamplingIn(serializers.Serializer[Any]):
    """`parameters` by name: [kind, argument, …], as ["loguniform", -6, -1] or ["choice", 16, 32], or that as a text."""

    kind = serializers.ChoiceField(choices=Sampling.choices, default=Sampling.RANDOM)
    seed = serializers.IntegerField(required=False, allow_null=True, min_value=0)
    parameters = serializers.DictField(child=serializers.JSONField())


class PolicyIn(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[(kind, kind) for kind in KINDS], default="none")
    evaluation_interval = serializers.IntegerField(default=1)
    delay_evaluation = serializers.IntegerField(default=0)
    slack_factor = serializers.FloatField(required=False, allow_null=True)
    slack_amount = serializers.FloatField(required=False, allow_null=True)
    truncation_percentage = serializers.IntegerField(required=False, allow_null=True)


class SweepIn(PlannedIn):
    """A sweep: the job that is tried, what of it varies, which metric says how good a try is."""

    name = serializers.CharField(max_length=250, default="", allow_blank=True)
    sampling = SamplingIn()
    primary_metric = MetricIn()
    max_total_runs = serializers.IntegerField(required=False, allow_null=True)
    max_concurrent_runs = serializers.IntegerField(required=False, allow_null=True)
    max_duration_minutes = serializers.IntegerField(required=False, allow_null=True)
    policy = PolicyIn(required=False)


class ChildOut(serializers.Serializer[Any]):
    """A try. `best_metric` is the best value of the primary metric so far; `stopped` says why the policy ended it."""

    number = serializers.IntegerField()
    run_id = serializers.CharField(allow_null=True)
    state = serializers.CharField()
    parameters = serializers.DictField(child=serializers.CharField())
    best_metric = serializers.FloatField(allow_null=True)
    reports = serializers.IntegerField()
    stopped = serializers.CharField()


class SweepOut(serializers.ModelSerializer[Sweep]):
    """A sweep without its children; `runs_made` of at most `total` have been submitted, `runs_ended` of them ended."""

    name = serializers.CharField(source="run.name")
    experiment_id = serializers.CharField(source="run.experiment_id")
    experiment = serializers.CharField(source="run.experiment.name")
    target = serializers.CharField(source="plan.target.name")
    submitted_by = serializers.CharField(source="plan.submitted_by")
    parameters = serializers.SerializerMethodField()
    primary_metric = serializers.SerializerMethodField()
    runs_made = serializers.IntegerField(source="made")
    runs_ended = serializers.IntegerField(source="done")

    class Meta:
        model = Sweep
        fields = [
            "run_id", "name", "experiment_id", "experiment", "target", "state", "reason", "warning", "sampling", "seed",
            "parameters", "primary_metric", "total", "concurrent", "deadline_ms", "policy", "runs_made", "runs_ended",
            "submitted_by", "created_ms", "ended_ms",
        ]  # fmt: skip

    def get_parameters(self, sweep: Sweep) -> dict[str, str]:
        return dict(shown_lines(sweep.space))

    def get_primary_metric(self, sweep: Sweep) -> dict[str, str]:
        return {"name": sweep.metric, "goal": sweep.goal}


class SweepWithChildrenOut(SweepOut):
    """A sweep with its children, the best first, and the best one; null while none has a value."""

    children = ChildOut(many=True)
    best = ChildOut(allow_null=True)

    class Meta(SweepOut.Meta):
        fields = [*SweepOut.Meta.fields, "children", "best"]

    def to_representation(self, instance: Sweep) -> dict[str, Any]:
        found = queries.children(instance)
        rows = [child_out(child) for child in found]
        best = rows[0] if rows and found[0].is_best else None
        return {**SweepOut(instance).data, "children": rows, "best": best}


def child_out(child: queries.Child) -> dict[str, Any]:
    row = child.row
    return {
        "number": row.number, "run_id": row.run_id, "state": str(child.state), "parameters": dict(child.parameters),
        "best_metric": row.best, "reports": len(row.curve), "stopped": row.stopped,
    }  # fmt: skip


def found(request: Request, run_id: str) -> Sweep:
    actor, workspace = asked(request)
    return access.fetch(actor, queries.sweeps(actor, workspace), pk=run_id)


@extend_schema(methods=["GET"], responses=SweepOut(many=True))
@extend_schema(methods=["POST"], request=SweepIn, responses={201: SweepWithChildrenOut})
@api_view(["GET", "POST"])
def sweeps(request: Request) -> Response:
    """List sweeps, the newest 200, or start one."""
    actor, workspace = asked(request)
    if request.method == "POST":
        sweep = start(actor, workspace, parsed(SweepIn, request))
        return Response(SweepWithChildrenOut(found(request, sweep.pk)).data, status=201)
    return Response(SweepOut(queries.sweeps(actor, workspace)[:LISTED_MAX], many=True).data)


@transaction.atomic
def start(actor: access.Actor, workspace: Workspace, values: dict[str, Any]) -> Sweep:
    sampling, metric, policy = values.pop("sampling"), values.pop("primary_metric"), values.pop("policy", None)
    experiment, plan = asked_plan(actor, workspace, values)
    return operations.start_sweep(
        actor,
        experiment,
        plan=plan,
        space=make_space([expression(name, said) for name, said in sampling["parameters"].items()]),
        sampling=sampling["kind"],
        seed=sampling.get("seed"),
        metric=metric["name"],
        goal=Goal(metric["goal"].lower()) if metric["goal"].lower() in Goal.values else metric["goal"],
        policy=make_policy(policy or {}),
        **values,
    )


def expression(name: str, said: Any) -> tuple[str, list[Any]]:
    if isinstance(said, str):
        return read_lines(f"{name}={said}")[0]
    if not isinstance(said, list):
        raise InvalidValue(f"{name}: give a list, as [“choice”, 1, 2].", field="parameters")
    # HyperDrive writes an expression as [kind, [argument, …]].
    is_nested = len(said) == 2 and isinstance(said[1], list) and said[0] != "choice"
    return name, [said[0], *said[1]] if is_nested else said


@extend_schema(responses=SweepWithChildrenOut)
@api_view(["GET"])
def sweep(request: Request, run_id: str) -> Response:
    """Show a sweep with its children, the best by the primary metric first."""
    return Response(SweepWithChildrenOut(found(request, run_id)).data)


@extend_schema(request=None, responses={202: SweepWithChildrenOut})
@api_view(["POST"])
def cancel(request: Request, run_id: str) -> Response:
    """Ask for the end of a sweep and its children."""
    actor, _workspace = asked(request)
    operations.cancel_sweep(actor, found(request, run_id))
    return Response(SweepWithChildrenOut(found(request, run_id)).data, status=202)


sweeps = access.needs(GET="jobs.read", POST="jobs.write")(sweeps)
sweep = access.needs("jobs.read")(sweep)
cancel = access.needs("jobs.write")(cancel)
