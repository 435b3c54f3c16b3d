"""The points of metrics on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from experiments import metrics
from experiments.metrics import Points
from experiments.mlflow_api.runs import find
from experiments.models import Run
from lib.errors import InvalidValue
from lib.mlflow import paging, wire
from lib.mlflow.messages import Message, service
from lib.mlflow.rpc import rpc
from workspaces import access
from workspaces.access import Actor
from workspaces.models import Workspace
from workspaces.request import Request

MOST_A_PAGE = 25_000
MOST_RUNS = 100
MOST_SAMPLED, SAMPLED = 2_500, 320
SLICE = 20_000


def written(key: str, points: Points, more: str = "") -> str:
    """Write points as the items of a JSON list: by one template, since an object a point costs ten times as much."""
    name = json.dumps(key).replace("%", "%%")
    item = f'{{"key":{name},"value":%s,"timestamp":%s,"step":%s{more}}}'
    values: list[float | str] = points.values.tolist()
    if not np.isfinite(points.values).all():
        values = [json.dumps(wire.number(value)) for value in points.values.tolist()]
    return ",".join([item % row for row in zip(values, points.times.tolist(), points.steps.tolist(), strict=True)])


def history(key: str, points: Points, more: str = "") -> HttpResponseBase:
    """Answer with points, a slice at a time, so that a million of them never stand in memory as text."""
    if len(points) <= SLICE:
        return HttpResponse(f'{{"metrics":[{written(key, points)}]{more}}}', content_type="application/json")
    return StreamingHttpResponse(slices(key, points, more), content_type="application/json")


def slices(key: str, points: Points, more: str) -> Iterator[str]:
    yield '{"metrics":['
    for start in range(0, len(points), SLICE):
        yield ("," if start else "") + written(key, points.take(slice(start, start + SLICE)))
    yield f"]{more}}}"


@rpc(service.GetMetricHistory, needs="experiments.read")
def get_metric_history(actor: Actor, workspace: Workspace, message: Message) -> HttpResponseBase:
    """Give the whole series, or a page of it when max_results is given."""
    wire.require(message, "metric_key")
    run = find(actor, workspace, message)
    points = metrics.history(run.pk, message.metric_key)
    if not message.HasField("max_results"):
        return history(message.metric_key, points)
    if message.max_results < 1:
        raise wire.wrong("max_results", message.max_results, f"1 to {MOST_A_PAGE}")
    start, limit = paging.page_offset(message.page_token), min(message.max_results, MOST_A_PAGE)
    found = points.take(slice(start, start + limit))
    is_last = len(points) <= start + limit
    more = "" if is_last else f',"next_page_token":{json.dumps(paging.page_token(start + limit))}'
    return history(message.metric_key, found, more)


@access.needs("experiments.read")
@require_GET
def get_history_bulk(request: Request) -> HttpResponse:
    """Give one metric of several runs in one list, as MLflow's pages ask for it: run after run, by id."""
    ids, key = request.GET.getlist("run_id"), request.GET.get("metric_key")
    if not ids or len(ids) > MOST_RUNS:
        raise InvalidValue(f"GetMetricHistoryBulk request must specify 1 to {MOST_RUNS} run_ids.", field="run_id")
    if key is None:
        raise InvalidValue("GetMetricHistoryBulk request must specify a metric_key.", field="metric_key")
    given = request.GET.get("max_results") or str(MOST_A_PAGE)
    if not (given.isascii() and given.isdigit() and 0 < int(given[:18]) == int(given)):
        raise wire.wrong("max_results", given, f"1 to {MOST_A_PAGE}")
    left = min(int(given), MOST_A_PAGE)
    found: list[str] = []
    for run_id in sorted(visible(request.actor, request.workspace, ids)):
        points = metrics.history(run_id, key).take(slice(left))
        left -= len(points)
        found += [written(key, points, f',"run_id":"{run_id}"')] if len(points) else []
    return several(found)


def several(found: Sequence[str]) -> HttpResponse:
    return HttpResponse(f'{{"metrics":[{",".join(found)}]}}', content_type="application/json")


def visible(actor: Actor, workspace: Workspace, ids: Sequence[str]) -> set[str]:
    rows = Run.objects.visible_to(actor).filter(workspace=workspace, pk__in=ids)
    return set(rows.values_list("pk", flat=True))


@rpc(service.GetMetricHistoryBulkInterval, needs="experiments.read")
def get_metric_history_bulk_interval(actor: Actor, workspace: Workspace, message: Message) -> HttpResponse:
    """Give one metric of several runs, thinned, with every minimum and maximum kept."""
    wire.require(message, "metric_key", "run_ids")
    if len(message.run_ids) > MOST_RUNS:
        raise InvalidValue(f"GetMetricHistoryBulkInterval request cannot contain more than {MOST_RUNS} run_ids.")
    limit = message.max_results if message.HasField("max_results") else SAMPLED
    if not 1 <= limit <= MOST_SAMPLED:
        raise wire.wrong("max_results", limit, f"1 to {MOST_SAMPLED}")
    start, end = step_range(message)
    ids = list(dict.fromkeys(message.run_ids))
    known = visible(actor, workspace, ids)
    found = []
    for run_id in (one for one in ids if one in known):
        sample = metrics.sampled(run_id, message.metric_key, points=limit, start_step=start, end_step=end)
        if sample.total:
            found.append(written(message.metric_key, sample.points, f',"run_id":"{run_id}"'))
    return several(found)


def step_range(message: Message) -> tuple[int | None, int | None]:
    if message.HasField("start_step") != message.HasField("end_step"):
        raise InvalidValue("If either start step or end step are specified, both must be specified.")
    if not message.HasField("start_step"):
        return None, None
    if message.start_step > message.end_step:
        raise InvalidValue(
            f"end_step must be greater than start_step. Found start_step={message.start_step} and "
            f"end_step={message.end_step}."
        )
    return message.start_step, message.end_step
