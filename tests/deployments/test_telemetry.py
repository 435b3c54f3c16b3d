"""What replicas count, what is kept of it, and how it is read."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from deployments import telemetry
from deployments.models import Traffic
from deployments.scoring.tally import BOUNDS_MS, Tally
from lib.clock import now_ms


def counted(*statuses: int) -> Tally:
    tally = Tally()
    for status in statuses:
        tally.begin()
        tally.end(status, 0)
    return tally


@pytest.fixture
def deployment(endpoint):
    return endpoint.deployments.get()


def test_a_replica_counts_by_class_and_time():
    tally = counted(200, 200, 404, 500)
    tally.begin()
    said = tally.snapshot()
    [minute] = said["minutes"][-1:]
    assert (minute["ok"], minute["refused"], minute["failed"], sum(minute["latency"])) == (2, 1, 1, 4)
    assert (said["requests"], said["in_flight"]) == (4, 1)
    assert said["memory_bytes"] > 0


def test_time_in_the_queue_is_part_of_a_requests_time():
    tally = Tally()
    tally.begin()
    assert tally.end(200, waited_ms=5000) > 5000
    latency = tally.snapshot()["minutes"][-1]["latency"]
    assert telemetry.percentile(latency, 0.5) == pytest.approx(5000, rel=0.35)


def test_telling_a_minute_twice_counts_it_once(deployment):
    said = counted(200, 200, 500).snapshot()
    for _time in range(2):
        telemetry.keep(deployment, "e1-r1.0 1", said, 0)
    telemetry.keep(deployment, "e1-r1.1 1", counted(200).snapshot(), 0)
    assert Traffic.objects.count() == 2
    total = telemetry.latest([deployment.endpoint_id], now_ms())[deployment.endpoint_id]
    assert (total.ok, total.failed, total.requests) == (3, 1, 4)


@pytest.mark.parametrize(
    "change", [{"ok": -1}, {"latency": []}, {"latency": None}, {"start_ms": 5}, {"failed": "many"}]
)
def test_what_no_replica_can_mean_is_not_kept(deployment, change):
    said = counted(200).snapshot()
    said["minutes"] = [{**said["minutes"][0], **change}, "nonsense"]
    telemetry.keep(deployment, "e1-r1.0 1", said, 0)
    assert not Traffic.objects.exists()


def sampled(kept: int, left_out: int) -> Tally:
    tally = counted(200)
    tally.count_samples(kept, left_out)
    return tally


def test_samples_kept_and_left_out_are_counted_shown_and_exported(bearer, browse, alice_user, workspace, deployment):
    telemetry.keep(deployment, "e1-r1.0 1", sampled(12, 3).snapshot(), 0)
    telemetry.keep(deployment, "e1-r1.1 1", sampled(1, 0).snapshot(), 0)
    name = deployment.endpoint.name
    spans = bearer(alice_user).get(f"/w/{workspace.name}/api/v1/endpoints/{name}/metrics").json()
    assert (sum(one["sampled"] for one in spans), sum(one["unsampled"] for one in spans)) == (13, 3)
    text = bearer(alice_user).get("/metrics").content.decode()
    assert 'outcome="kept"} 13' in text and 'outcome="left out"} 3' in text
    page = browse(alice_user).get(f"/w/{workspace.name}/endpoints/{name}/metrics/").content.decode()
    assert "13 kept" in page and "3 left out" in page


def test_a_replica_of_an_older_studio_counts_no_samples(deployment):
    said = counted(200).snapshot()
    for minute in said["minutes"]:
        del minute["sampled"], minute["unsampled"]
    telemetry.keep(deployment, "e1-r1.0 1", said, 0)
    assert Traffic.objects.get().ok == 1


def test_percentiles_lie_in_their_bucket():
    latency = [0] * (len(BOUNDS_MS) + 1)
    assert telemetry.percentile(latency, 0.5) is None
    latency[10], latency[20] = 90, 10
    assert BOUNDS_MS[9] < telemetry.percentile(latency, 0.5) <= BOUNDS_MS[10]
    assert BOUNDS_MS[19] < telemetry.percentile(latency, 0.95) <= BOUNDS_MS[20]


def row(deployment, start_ms, replica="a", **counts):
    latency = [0] * (len(BOUNDS_MS) + 1)
    latency[5] = counts.get("ok", 0) + counts.get("failed", 0)
    return Traffic.objects.create(deployment=deployment, start_ms=start_ms, replica=replica, latency=latency, **counts)


def test_old_minutes_become_hours_and_nothing_is_lost(deployment):
    now = now_ms()
    hour = (now - telemetry.MINUTES_KEPT_MS) // telemetry.HOUR_MS * telemetry.HOUR_MS - 2 * telemetry.HOUR_MS
    for minute in range(5):
        row(deployment, hour + minute * telemetry.MINUTE_MS, ok=10, failed=1, sampled=2, unsampled=1)
        row(deployment, hour + minute * telemetry.MINUTE_MS, replica="b", ok=5)
    row(deployment, now // telemetry.MINUTE_MS * telemetry.MINUTE_MS, ok=1)
    assert telemetry.roll_up(now) == 1
    assert telemetry.roll_up(now) == 0
    [rolled] = Traffic.objects.filter(span_ms=telemetry.HOUR_MS)
    assert (rolled.ok, rolled.failed, sum(rolled.latency)) == (75, 5, 80)
    assert (rolled.sampled, rolled.unsampled) == (10, 5)
    assert Traffic.objects.filter(span_ms=telemetry.MINUTE_MS).count() == 1


def test_a_series_has_its_gaps(deployment):
    now = now_ms()
    row(deployment, now // telemetry.MINUTE_MS * telemetry.MINUTE_MS - 5 * telemetry.MINUTE_MS, ok=3)
    spans = telemetry.series(deployment.endpoint, now - 10 * telemetry.MINUTE_MS, now)
    assert 10 <= len(spans) <= 11
    assert sum(one.requests for one in spans) == 3
    assert sum(one.requests == 0 for one in spans) == len(spans) - 1
    assert telemetry.together(spans).requests == 3


def test_counting_costs_little():
    tally, began = Tally(), time.thread_time()
    for _time in range(10_000):
        tally.begin()
        tally.end(200, 0)
    assert (time.thread_time() - began) / 10_000 < 50e-6


def test_prometheus_reads_what_its_token_may_see(bearer, alice_user, charlie_user, deployment):
    telemetry.keep(deployment, "e1-r1.0 1", counted(200, 500).snapshot(), 0)
    text = bearer(alice_user).get("/metrics").content.decode()
    name = deployment.endpoint.name
    assert f'endpoint="{name}"' in text
    assert 'status="2xx"} 1' in text and 'status="5xx"} 1' in text
    assert 'le="+Inf"} 2' in text
    assert name not in bearer(charlie_user).get("/metrics").content.decode()
    assert Client().get("/metrics", headers={"accept": "text/plain"}).status_code in (401, 403)


def test_programs_and_pages_read_it_too(bearer, alice_user, workspace, deployment):
    telemetry.keep(deployment, "e1-r1.0 1", counted(200, 404).snapshot(), 0)
    client, name = bearer(alice_user), deployment.endpoint.name
    spans = client.get(f"/w/{workspace.name}/api/v1/endpoints/{name}/metrics?minutes=60").json()
    assert (sum(one["requests"] for one in spans), sum(one["refused"] for one in spans)) == (2, 1)
    chart = client.get(f"/w/{workspace.name}/endpoints/{name}/metrics/latency/").json()
    assert [one["name"] for one in chart] == ["p50", "p95", "p99"]
    # What the charts of pages read, of runs and of endpoints: see static/js/metric-chart.js.
    assert set(chart[0]) == {"run_id", "name", "is_running", "steps", "times", "values", "total"}
    assert (chart[0]["total"], None in chart[0]["values"]) == (1, False)
    assert client.get(f"/w/{workspace.name}/endpoints/{name}/metrics/none/").status_code == 404
