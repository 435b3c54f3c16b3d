"""Each step toward what is wanted, and what happens when the world does not go along."""

from __future__ import annotations

from hashlib import sha256

import pytest

from compute.models import BuildState, EnvironmentBuild
from deployments import collection, keys, operations, reconciler
from deployments.drivers.base import DriverError, Sample
from deployments.models import DeploymentState, Endpoint, EndpointState
from deployments.reconciling import arriving, staying, traffic
from lib.errors import Unavailable

TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "x.py", line 1',
    "ModuleNotFoundError: No module named 'xgboost'",
]


@pytest.fixture
def go(around, endpoint):
    """Step until nothing moves; give the endpoint and its newest revision."""

    def stepping(times: int = 6):
        for _time in range(times):
            around.now += 500
            reconciler.step(endpoint.pk, around.world())
        found = Endpoint.objects.get(pk=endpoint.pk)
        return found, found.deployments.order_by("-revision").first()

    return stepping


def revision(endpoint, number):
    return endpoint.deployments.get(revision=number)


def test_a_new_endpoint_becomes_healthy_and_is_routed(go, around, endpoint):
    found, deployment = go()
    assert (found.state, deployment.state, deployment.traffic) == (EndpointState.HEALTHY, DeploymentState.HEALTHY, 100)
    assert [state for state, _since in deployment.stages] == ["Queued", "Building", "Starting", "Probing", "Healthy"]
    assert f"e{endpoint.pk}-r1.0.sock" in around.route(endpoint.pk)
    [row] = deployment.seen
    assert (row["name"], row["state"], row["pid"], row["limited_by"]) == (f"e{endpoint.pk}-r1.0", "ready", 1, "cgroup")


def test_steps_that_find_nothing_to_do_do_nothing(go, around):
    go()
    starts, reloads = list(around.driver.starts), len(around.reloads)
    found, deployment = go(10)
    assert (around.driver.starts, len(around.reloads), len(deployment.stages)) == (starts, reloads, 5)
    assert found.state == EndpointState.HEALTHY


def test_it_waits_for_its_environment_and_tells_the_newest_line(go, around):
    around.build_state = BuildState.BUILDING
    found, deployment = go()
    assert (found.state, deployment.state, deployment.detail) == ("Transitioning", "Building", "installing")
    EnvironmentBuild.objects.update(state=BuildState.READY)
    assert go()[0].state == EndpointState.HEALTHY


def test_an_environment_that_cannot_be_built_fails_it(go, around):
    around.build_state, around.build_error = BuildState.FAILED, "No solution found"
    found, deployment = go()
    assert (found.state, deployment.state, deployment.trace) == ("Failed", "Failed", "No solution found")
    assert not around.driver.starts


def test_a_model_that_cannot_be_loaded_fails_it_with_the_traceback_and_leaves_nothing(go, around, endpoint):
    around.driver.ends_with[f"e{endpoint.pk}-r1"] = (1, TRACEBACK)
    found, deployment = go()
    assert (found.state, deployment.state) == (EndpointState.FAILED, DeploymentState.FAILED)
    assert "could not be loaded: ModuleNotFoundError: No module named 'xgboost'" in deployment.error
    assert deployment.trace.startswith("Traceback")
    assert (around.driver.names(), around.files, len(around.driver.starts)) == ([], set(), 1)


def test_a_replica_killed_while_starting_gets_another_chance_but_not_for_ever(go, around, endpoint):
    around.driver.ends_with[f"e{endpoint.pk}-r1"] = (-9, [])
    _found, deployment = go(20)
    assert deployment.state == DeploymentState.FAILED
    assert len(around.driver.starts) == arriving.STARTS_BEFORE_FAILED
    assert "killed by SIGKILL" in deployment.error


def test_a_replica_that_is_killed_comes_back(go, around, endpoint):
    go()
    around.driver.kill(f"e{endpoint.pk}-r1")
    around.driver.is_slow = True
    found, deployment = go(1)
    assert (found.state, deployment.state, deployment.restarts) == ("Unhealthy", "Unhealthy", 1)
    assert "return 503" in around.route(endpoint.pk)
    around.driver.is_slow = False
    found, deployment = go(2)
    assert (found.state, deployment.state) == (EndpointState.HEALTHY, DeploymentState.HEALTHY)
    assert "proxy_pass" in around.route(endpoint.pk)
    around.now += staying.STEADY_MS
    assert go(1)[1].restarts == 0


def test_a_replica_that_dies_again_and_again_is_started_ever_later(go, around, endpoint):
    go()
    name = f"e{endpoint.pk}-r1"
    around.driver.ends_with[name] = (-11, [])
    around.driver.kill(name)
    go(60)  # half a minute
    assert 4 <= len(around.driver.starts) <= 8


def test_a_replica_that_hangs_leaves_the_route_and_is_replaced_after_a_minute(go, around, endpoint):
    go()
    around.driver.hang(f"e{endpoint.pk}-r1")
    go(3)
    assert "proxy_pass" in around.route(endpoint.pk)  # looks may be lost to a busy machine, and there is no other
    found, _deployment = go(1)
    assert found.state == EndpointState.UNHEALTHY
    assert "return 503" in around.route(endpoint.pk)
    around.now += staying.HUNG_MS
    around.driver.is_slow = False
    assert go(3)[0].state == EndpointState.HEALTHY
    assert len(around.driver.starts) == 2


def test_a_new_revision_takes_the_traffic_only_when_healthy(go, around, alice, endpoint, second_version):
    go()
    operations.deploy(alice, endpoint, model_version=second_version)
    around.driver.is_slow = True
    found, newest = go()
    assert (found.state, newest.state, newest.traffic) == ("Healthy", "Starting", 0)
    assert f"e{endpoint.pk}-r1.0.sock" in around.route(endpoint.pk)
    around.driver.is_slow = False
    found, newest = go()
    assert (newest.state, newest.traffic) == ("Healthy", 100)
    assert (revision(found, 1).state, revision(found, 1).traffic) == ("Healthy", 0)  # stands by
    assert f"e{endpoint.pk}-r2.0.sock" in around.route(endpoint.pk)
    assert f"e{endpoint.pk}-r1.0.sock" not in around.route(endpoint.pk)
    around.now += endpoint.standby_s * 1000
    found, _newest = go()
    assert (revision(found, 1).state, around.driver.names()) == ("Stopped", [f"e{endpoint.pk}-r2"])


def test_a_bad_revision_never_takes_it(go, around, alice, endpoint, second_version):
    go()
    operations.deploy(alice, endpoint, model_version=second_version)
    around.driver.ends_with[f"e{endpoint.pk}-r2"] = (1, TRACEBACK)
    found, newest = go()
    assert (found.state, newest.state) == ("Healthy", "Failed")
    assert (revision(found, 1).state, revision(found, 1).traffic) == ("Healthy", 100)
    assert around.driver.names() == [f"e{endpoint.pk}-r1"]


def test_an_earlier_revision_comes_back_by_rolling_back(go, around, alice, endpoint, second_version):
    go()
    operations.deploy(alice, endpoint, model_version=second_version)
    go()
    operations.roll_back(alice, endpoint, revision=1)
    found, _newest = go()
    assert (revision(found, 1).traffic, revision(found, 2).traffic) == (100, 0)
    around.now += endpoint.standby_s * 1000
    go()
    assert around.driver.names() == [f"e{endpoint.pk}-r1"]


def test_going_back_to_one_that_stands_by_takes_one_step_and_no_start(go, around, alice, endpoint, second_version):
    go()
    operations.deploy(alice, endpoint, model_version=second_version)
    go()
    starts = list(around.driver.starts)
    operations.roll_back(alice, endpoint, revision=1)
    found, _newest = go(1)
    assert (revision(found, 1).traffic, around.driver.starts) == (100, starts)
    assert f"e{endpoint.pk}-r1.0.sock" in around.route(endpoint.pk)


def test_what_was_ended_comes_back_by_a_new_start(go, around, alice, endpoint, second_version):
    go()
    operations.deploy(alice, endpoint, model_version=second_version)
    go()
    around.now += endpoint.standby_s * 1000
    go()
    operations.roll_back(alice, endpoint, revision=1)
    found, _newest = go()
    assert (revision(found, 1).traffic, revision(found, 2).traffic) == (100, 0)


def test_old_replicas_stay_while_the_gateway_cannot_take_the_new_route(go, around, alice, endpoint, second_version):
    go()
    operations.deploy(alice, endpoint, model_version=second_version)
    around.gateway_is_down = True
    with pytest.raises(RuntimeError):
        go()
    assert f"e{endpoint.pk}-r1" in around.driver.names()
    assert f"e{endpoint.pk}-r1.0.sock" in around.route(endpoint.pk)
    around.gateway_is_down = False
    go()
    assert f"e{endpoint.pk}-r2.0.sock" in around.route(endpoint.pk)


def test_stopping_ends_the_replicas_and_starting_brings_them_back(go, around, alice, endpoint):
    go()
    operations.stop_endpoint(alice, endpoint)
    found, deployment = go(2)
    assert (found.state, deployment.state, around.driver.names(), around.files) == ("Stopped", "Stopped", [], set())
    assert "return 503" in around.route(endpoint.pk)
    operations.start_endpoint(alice, found)
    assert go()[0].state == EndpointState.HEALTHY


def test_what_a_revision_sampled_last_is_kept_when_it_ends(go, around, alice, endpoint):
    operations.change_endpoint(alice, endpoint, policy={"collects_data": True})
    _found, deployment = go()
    around.driver.samples[deployment.key] = [Sample(f"{deployment.key}.0", 1_795_000_020_000, b"{}\n")]
    operations.stop_endpoint(alice, endpoint)
    found, _deployment = go(2)
    assert around.driver.samples[deployment.key] == []
    assert [one.size_bytes for one in collection.kept(found)] == [3]


def test_a_store_that_fails_stops_no_end(go, around, alice, endpoint, monkeypatch):
    operations.change_endpoint(alice, endpoint, policy={"collects_data": True})
    _found, deployment = go()
    around.driver.samples[deployment.key] = [Sample(f"{deployment.key}.0", 1_795_000_020_000, b"{}\n")]
    monkeypatch.setattr(collection.artifacts, "store", lambda: (_ for _ in ()).throw(Unavailable("full")))
    operations.stop_endpoint(alice, endpoint)
    assert go(2)[0].state == "Stopped"


def test_a_start_brings_back_what_served_not_what_stood_by(go, alice, endpoint, second_version):
    go()
    operations.deploy(alice, endpoint, model_version=second_version)
    go()
    operations.roll_back(alice, endpoint, revision=1)
    go()
    operations.stop_endpoint(alice, endpoint)
    found, _newest = go(2)
    operations.start_endpoint(alice, found)
    found, _newest = go()
    assert (revision(found, 1).traffic, revision(found, 2).state) == (100, "Stopped")


@pytest.fixture
def divided(go, alice, endpoint, second_version):
    """Two revisions, three quarters of the requests to the first."""
    go()
    operations.deploy(alice, endpoint, model_version=second_version, takes_traffic=False)
    go()
    operations.share_traffic(alice, endpoint, shares={1: 75, 2: 25})
    return go(1)[0]


def test_a_start_brings_back_every_share(go, around, alice, divided):
    operations.stop_endpoint(alice, divided)
    found, _newest = go(2)
    assert (found.state, around.driver.names()) == ("Stopped", [])
    assert "return 503" in around.route(divided.pk)
    operations.start_endpoint(alice, found)
    assert go(1)[0].state == "Transitioning"
    found, _newest = go()
    assert found.state == "Healthy"
    assert [(one.revision, one.traffic) for one in found.deployments.order_by("revision")] == [(1, 75), (2, 25)]
    assert "weight=3" in around.route(divided.pk) and "weight=1 " in around.route(divided.pk)


def test_a_start_brings_back_the_mirror_too(go, around, alice, divided):
    operations.share_traffic(alice, divided, shares={1: 100}, mirror={2: 40})
    operations.stop_endpoint(alice, divided)
    operations.start_endpoint(alice, go(2)[0])
    found, _newest = go()
    assert (revision(found, 1).traffic, revision(found, 2).mirror) == (100, 40)
    assert "40% 1;" in around.route(divided.pk)


def test_the_share_of_one_that_does_not_come_back_goes_to_the_others(go, around, alice, divided):
    operations.stop_endpoint(alice, divided)
    found, _newest = go(2)
    around.driver.ends_with[f"e{divided.pk}-r1"] = (1, TRACEBACK)
    operations.start_endpoint(alice, found)
    found, _newest = go()
    assert (found.state, revision(found, 1).state) == ("Healthy", "Failed")
    assert (revision(found, 1).traffic, revision(found, 2).traffic) == (0, 100)


def test_when_none_comes_back_the_endpoint_has_failed_and_may_be_started_again(go, around, alice, divided):
    operations.stop_endpoint(alice, divided)
    found, _newest = go(2)
    for number in (1, 2):
        around.driver.ends_with[f"e{divided.pk}-r{number}"] = (1, TRACEBACK)
    operations.start_endpoint(alice, found)
    found, _newest = go()
    assert (found.state, around.driver.names()) == ("Failed", [])
    around.driver.ends_with.clear()
    operations.start_endpoint(alice, found)
    found, newest = go()
    assert (found.state, newest.traffic) == ("Healthy", 100)


@pytest.mark.parametrize(
    ("shares", "expected"), [([75], [100]), ([50, 25], [67, 33]), ([1, 1, 1], [34, 33, 33]), ([0, 0], [0, 0])]
)
def test_shares_are_brought_to_100(shares, expected):
    assert traffic.scaled_to_100(shares) == expected


def test_deleting_leaves_no_row_no_replica_no_file_no_route(go, around, alice, endpoint):
    go()
    operations.delete_endpoint(alice, endpoint)
    reconciler.step(endpoint.pk, around.world())
    assert not Endpoint.objects.exists()
    assert (around.driver.names(), around.files, around.route(endpoint.pk)) == ([], set(), "")


def test_a_cancelled_revision_ends(go, around, alice, endpoint):
    around.driver.is_slow = True
    _found, deployment = go(2)
    operations.cancel_deployment(alice, deployment)
    found, deployment = go(1)
    assert (found.state, deployment.state, around.driver.names()) == ("Stopped", "Stopped", [])


def test_a_new_key_reaches_the_replicas(go, around, alice, endpoint):
    go()
    old = keys.unseal(endpoint.secondary_key)
    key = operations.regenerate_key(alice, endpoint, which="secondary")
    go(1)
    hashes = around.driver.specs[f"e{endpoint.pk}-r1"].settings["key_hashes"]
    assert sha256(key.encode()).hexdigest() in hashes
    assert sha256(old.encode()).hexdigest() not in hashes
    assert key not in str(around.driver.specs)


def test_a_driver_that_refuses_for_now_is_asked_again(go, around):
    around.driver.refuses = DriverError("no room")
    _found, deployment = go(3)
    assert (deployment.state, deployment.detail) == ("Starting", "no room")
    around.driver.refuses = None
    assert go()[0].state == EndpointState.HEALTHY


def test_a_driver_that_refuses_for_good_fails_it(go, around):
    around.driver.refuses = DriverError("no such engine", permanent=True)
    assert go(3)[1].error == "no such engine"


def test_what_belongs_to_no_endpoint_is_swept(go, around, endpoint):
    go()
    spec = around.driver.specs[f"e{endpoint.pk}-r1"]
    Endpoint.objects.all().delete()
    around.driver.specs["e999-r1"] = spec
    reconciler.sweep(around.world())
    assert (around.driver.names(), around.route(endpoint.pk)) == ([], "")


def test_of_two_steps_at_once_one_does_nothing(around, endpoint, monkeypatch):
    from contextlib import contextmanager

    @contextmanager
    def busy(_endpoint_id):
        yield False

    monkeypatch.setattr(reconciler, "_alone", busy)
    assert reconciler.step(endpoint.pk, around.world()) is False
    assert not around.driver.starts
