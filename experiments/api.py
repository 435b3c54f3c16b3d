"""Experiments, runs and points of metrics for programs."""

from __future__ import annotations

import math
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from experiments import metrics, operations, queries
from experiments.models import Experiment
from experiments.queries import charts
from lib.errors import InvalidValue
from lib.search.bounds import limited
from lib.search.ordering import read
from workspaces import access

MOST_RUNS, MOST_POINTS, POINTS = 100, 10_000, 1_000
MOST_A_PAGE = 500


class ExperimentIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=500)
    tags = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)


class ExperimentOut(serializers.ModelSerializer[Experiment]):
    id = serializers.CharField(source="pk")
    run_count = serializers.IntegerField(default=0)

    class Meta:
        model = Experiment
        fields = ["id", "name", "is_default", "created_by", "created_ms", "updated_ms", "deleted_ms", "run_count"]


class RunOut(serializers.Serializer[Any]):
    id = serializers.CharField(source="run.pk")
    name = serializers.CharField(source="run.name")
    experiment_id = serializers.CharField(source="run.experiment_id")
    status = serializers.CharField(source="run.status")
    user_name = serializers.CharField(source="run.user_name")
    is_submitted = serializers.BooleanField(source="run.is_submitted")
    start_ms = serializers.IntegerField(source="run.start_ms")
    end_ms = serializers.IntegerField(source="run.end_ms", allow_null=True)
    params = serializers.DictField(child=serializers.CharField())
    tags = serializers.DictField(child=serializers.CharField())
    metrics = serializers.SerializerMethodField()

    def get_metrics(self, details: queries.RunDetails) -> dict[str, float | str | None]:
        return {key: plain(one.value) for key, one in details.metrics.items()}


class RunsOut(serializers.Serializer[Any]):
    runs = RunOut(many=True)
    total = serializers.IntegerField()


class SeriesOut(serializers.Serializer[Any]):
    run_id = serializers.CharField()
    name = serializers.CharField()
    is_running = serializers.BooleanField()
    steps = serializers.ListField(child=serializers.IntegerField())
    times = serializers.ListField(child=serializers.IntegerField())
    values = serializers.ListField(child=serializers.FloatField(allow_null=True))
    total = serializers.IntegerField()


class KeysOut(serializers.Serializer[Any]):
    keys = serializers.ListField(child=serializers.CharField())


def plain(value: float) -> float | str | None:
    """JSON knows neither NaN nor the infinities: NaN is a gap, an infinity its name."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def asked(request: Request) -> Any:
    """Give the request in which the middlewares put the actor and the workspace."""
    return request._request


def number(request: Request, name: str, default: int | None, *, least: int, most: int) -> int | None:
    text = request.query_params.get(name, "")
    if not text:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18 and least <= int(text) <= most):
        raise InvalidValue(
            _("%(name)s is a whole number from %(least)s to %(most)s.") % {"name": name, "least": least, "most": most},
            field=name,
        )
    return int(text)


@extend_schema(methods=["GET"], responses=ExperimentOut(many=True))
@extend_schema(methods=["POST"], request=ExperimentIn, responses={201: ExperimentOut})
@api_view(["GET", "POST"])
def experiments(request: Request) -> Response:
    """List the workspace's experiments, or create one."""
    actor, workspace = asked(request).actor, asked(request).workspace
    if request.method == "GET":
        return Response(ExperimentOut(queries.experiments(actor, workspace)[:1000], many=True).data)
    given = ExperimentIn(data=request.data)
    given.is_valid(raise_exception=True)
    made = operations.create_experiment(actor, workspace, **given.validated_data)
    return Response(ExperimentOut(made).data, status=201)


@extend_schema(
    parameters=[
        OpenApiParameter("experiment", str, many=True),
        OpenApiParameter("filter", str),
        OpenApiParameter("order_by", str, many=True),
        OpenApiParameter("limit", int),
        OpenApiParameter("offset", int),
    ],
    responses=RunsOut,
)
@api_view(["GET"])
def runs(request: Request) -> Response:
    """Find runs by a filter (MLflow's grammar and more), in the given experiments or in all, with what they logged."""
    actor, workspace = asked(request).actor, asked(request).workspace
    limit = number(request, "limit", 100, least=1, most=MOST_A_PAGE) or 100
    offset = number(request, "offset", 0, least=0, most=10_000_000) or 0
    given = request.query_params.getlist("experiment")
    found = queries.search_runs(
        actor,
        workspace,
        queries.experiment_ids(workspace, given) if given else None,
        text=request.query_params.get("filter", ""),
        order_by=request.query_params.getlist("order_by"),
    )
    with limited():
        page, total = read(found, offset, offset + limit), found.count()
    return Response(RunsOut({"runs": queries.run_details(page), "total": total}).data)


@extend_schema(responses=RunOut)
@api_view(["GET"])
def run(request: Request, run_id: str) -> Response:
    """Show a run with what it logged."""
    found = queries.run(asked(request).actor, asked(request).workspace, run_id)
    return Response(RunOut(queries.run_details([found])[0]).data)


@extend_schema(responses=KeysOut)
@api_view(["GET"])
def metric_keys(request: Request, run_id: str) -> Response:
    """List the metrics of a run."""
    found = queries.run(asked(request).actor, asked(request).workspace, run_id)
    return Response({"keys": metrics.keys([found.pk])})


@extend_schema(
    parameters=[
        OpenApiParameter("run", str, many=True, required=True),
        OpenApiParameter("key", str, required=True),
        OpenApiParameter("points", int),
        OpenApiParameter("start_step", int),
        OpenApiParameter("end_step", int),
    ],
    responses=SeriesOut(many=True),
)
@api_view(["GET"])
def points(request: Request) -> Response:
    """Give one metric of several runs, thinned to `points` a run; `total` says how many there are in the range."""
    actor, workspace = asked(request).actor, asked(request).workspace
    ids, key = list(dict.fromkeys(request.query_params.getlist("run"))), request.query_params.get("key", "")
    if not ids or not key or len(ids) > MOST_RUNS:
        raise InvalidValue(_("Name a metric by key=, and 1 to %s runs by run=.") % MOST_RUNS)
    wanted: dict[str, Any] = {
        "points": number(request, "points", POINTS, least=4, most=MOST_POINTS) or POINTS,
        "start_step": number(request, "start_step", None, least=-(10**18), most=10**18),
        "end_step": number(request, "end_step", None, least=-(10**18), most=10**18),
    }
    runs = charts.runs_by_id(actor, workspace, ids)
    return Response([drawn(one) for one in charts.series(runs, key, **wanted)])


def drawn(series: charts.Series) -> dict[str, Any]:
    """Write one line of a chart; a value that is no number of JSON's is its name, NaN is null."""
    return {
        "run_id": series.run.pk,
        "name": series.run.name,
        "is_running": not series.run.has_ended,
        "steps": series.points.steps.tolist(),
        "times": series.points.times.tolist(),
        "values": [plain(value) for value in series.points.values.tolist()],
        "total": series.total,
    }


experiments = access.needs(GET="experiments.read", POST="experiments.write")(experiments)
runs = access.needs("experiments.read")(runs)
run = access.needs("experiments.read")(run)
metric_keys = access.needs("experiments.read")(metric_keys)
points = access.needs("experiments.read")(points)
