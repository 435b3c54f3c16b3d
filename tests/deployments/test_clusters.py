"""Endpoints of several replicas: how they grow, how requests are divided, who is shown them besides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compute.models import ComputeTarget
from deployments import keys, operations, reconciler, replicas, routes
from deployments.models import Change, Deployment, Endpoint, EndpointState
from deployments.scoring.settings import parse
from lib.errors import Conflict, InvalidValue, NotFound


@pytest.fixture
def cluster(alice, workspace, version) -> Endpoint:
    return operations.create_endpoint(
        alice, workspace, name="prod", model_version=version, kind="cluster", policy={"replicas": 2}
    )


@pytest.fixture
def go(around, cluster):
    def stepping(times: int = 6) -> Endpoint:
        for _time in range(times):
            around.now += 500
            reconciler.step(cluster.pk, around.world())
        return Endpoint.objects.get(pk=cluster.pk)

    return stepping


def one(cluster: Endpoint, revision: int) -> Deployment:
    return cluster.deployments.get(revision=revision)


def work(around, name: str, busy_ms: float, at_ms: float) -> None:
    """Have the replicas of a revision say that they worked so long until now."""
    status = {"busy_ms": busy_ms, "at_ms": at_ms, "cpu_ms": 0, "in_flight": 0, "oldest_ms": 0, "minutes": []}
    around.driver.replicas[name] = [replace(one, status=status) for one in around.driver.replicas[name]]


def test_all_replicas_are_started_and_routed(go, around, cluster):
    assert go().state == EndpointState.HEALTHY
    assert around.driver.starts == [f"e{cluster.pk}-r1.0", f"e{cluster.pk}-r1.1"]
    assert around.route(cluster.pk).count("server ") == 2
    assert "max_conns=130" in around.route(cluster.pk)


def test_one_killed_replica_leaves_the_other_and_comes_back(go, around, cluster):
    go()
    name = f"e{cluster.pk}-r1"
    first, second = around.driver.replicas[name]
    around.driver.replicas[name] = [replace(first, state="exited", exit_code=-9), second]
    around.driver.is_slow = True
    assert go(1).state == EndpointState.HEALTHY
    assert ".0.sock" not in around.route(cluster.pk) and ".1.sock" in around.route(cluster.pk)
    around.driver.is_slow = False
    go(2)
    assert around.route(cluster.pk).count("server ") == 2


def test_scaling_up_adds_and_scaling_down_ends_after_the_route(go, around, alice, cluster):
    go()
    operations.change_endpoint(alice, cluster, policy={"replicas": 3})
    found = go(2)
    assert (one(found, 1).restarts, around.route(cluster.pk).count("server ")) == (0, 3)
    operations.change_endpoint(alice, cluster, policy={"replicas": 1})
    around.gateway_is_down = True
    with pytest.raises(RuntimeError):
        go(1)
    assert around.driver.removed == []
    around.gateway_is_down = False
    go(1)
    assert around.driver.removed == [f"e{cluster.pk}-r1.1", f"e{cluster.pk}-r1.2"]
    assert around.route(cluster.pk).count("server ") == 1


def test_it_grows_with_the_load_and_shrinks_after_a_calm(go, around, alice, cluster):
    policy = {"is_autoscaled": True, "max_replicas": 4, "refresh_s": 1}
    operations.change_endpoint(alice, cluster, policy=policy)
    go()
    name = f"e{cluster.pk}-r1"
    work(around, name, 0, 10_000)
    go(2)
    work(around, name, 2000, 11_000)  # two threads at work all the time
    go(2)
    assert one(cluster, 1).replicas == 3
    assert Change.objects.filter(what="scaled", by="autoscale").count() == 1
    for second in range(12, 80):
        work(around, name, 2000, second * 1000)
        go(2)
    assert one(cluster, 1).replicas == 1


@pytest.mark.parametrize(
    ("running", "busy", "expected"), [(2, 100, 3), (2, 70, 2), (2, 71, 3), (2, 0, 1), (4, 1000, 10), (1, 35, 1)]
)
def test_how_many_are_needed(running, busy, expected):
    assert replicas.needed(running, busy, 70, 1, 10) == expected


def test_a_revision_beside_takes_none_until_it_is_given_some(go, around, alice, cluster, second_version):
    go()
    operations.deploy(alice, cluster, model_version=second_version, takes_traffic=False)
    found = go()
    assert (one(found, 1).traffic, one(found, 2).traffic, one(found, 2).state) == (100, 0, "Healthy")
    operations.share_traffic(alice, cluster, shares={1: 75, 2: 25})
    found = go(1)
    text = around.route(cluster.pk)
    assert (text.count("weight=3"), text.count("weight=1 ")) == (2, 2)
    around.now += 10_000_000
    assert one(go(2), 1).state == "Healthy"


def test_a_mirror_is_shown_requests_and_answers_none(go, around, alice, cluster, second_version):
    go()
    operations.deploy(alice, cluster, model_version=second_version, takes_traffic=False)
    go()
    operations.share_traffic(alice, cluster, shares={1: 100}, mirror={2: 20})
    go(1)
    text = around.route(cluster.pk)
    assert f"mirror /_mirror/endpoint-{cluster.pk};" in text
    assert "20% 1;" in text
    around.now += 10_000_000
    assert one(go(2), 2).state == "Healthy"
    operations.share_traffic(alice, cluster, shares={1: 100})
    go(1)
    assert "mirror" not in around.route(cluster.pk)


@pytest.mark.parametrize("shares", [{1: 50}, {1: 100, 2: 1}, {1: 150, 2: -50}, {}])
def test_shares_must_add_up(alice, cluster, shares):
    with pytest.raises(InvalidValue):
        operations.share_traffic(alice, cluster, shares=shares)


def test_no_share_for_what_is_not_healthy(alice, cluster):
    with pytest.raises(Conflict):
        operations.share_traffic(alice, cluster, shares={1: 100})
    with pytest.raises(NotFound):
        operations.share_traffic(alice, cluster, shares={7: 100})


def test_weights_give_each_revision_its_share_however_many_replicas_it_has():
    weighed = routes.weigh({"a": (90, ["a0", "a1", "a2"]), "b": (10, ["b0"]), "c": (0, ["c0"])})
    total = sum(one.weight for one in weighed)
    share = sum(one.weight for one in weighed if one.url.startswith("b"))
    assert share / total == pytest.approx(0.1)
    assert {one.url for one in weighed} == {"a0", "a1", "a2", "b0"}


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"replicas": 2, "is_autoscaled": True}, ["exclude"]),
        ({"min_replicas": 2}, ["no meaning"]),
        ({"is_autoscaled": True, "min_replicas": 5, "max_replicas": 2}, ["above the most"]),
        ({"scoring_timeout_ms": 1, "max_concurrent": 0}, ["scoring_timeout_ms", "max_concurrent"]),
        ({"auth": "password"}, ["auth"]),
        ({"dns_label": "No Label"}, ["DNS"]),
    ],
)
def test_contradictions_are_told_all_at_once(alice, workspace, version, policy, words):
    with pytest.raises(InvalidValue) as raised:
        operations.create_endpoint(alice, workspace, name="prod", model_version=version, kind="cluster", policy=policy)
    assert all(word in raised.value.message for word in words)


def test_an_instance_has_one_replica_and_no_tokens(alice, workspace, version):
    for policy in ({"replicas": 2}, {"auth": "token"}, {"is_autoscaled": True}):
        with pytest.raises(InvalidValue, match="cluster target"):
            operations.create_endpoint(alice, workspace, name="small", model_version=version, policy=policy)


def test_an_unknown_inference_cluster_is_named(alice, workspace, version):
    words = {"name": "prod", "model_version": version, "kind": "cluster", "compute_name": "my-aks"}
    with pytest.raises(NotFound, match="my-aks"):
        operations.create_endpoint(alice, workspace, **words)
    ComputeTarget.objects.create(workspace=workspace, name="my-aks", kind=ComputeTarget.Kind.INFERENCE)
    assert operations.create_endpoint(alice, workspace, **words).compute_name == "my-aks"


def test_a_token_opens_what_it_was_made_for_until_it_ends(go, around, alice, cluster):
    operations.change_endpoint(alice, cluster, policy={"auth": "token"})
    go()
    cluster.refresh_from_db()
    settings = parse(dict(around.driver.specs[f"e{cluster.pk}-r1"].settings))
    token = operations.new_token(alice, cluster)
    assert token.refresh_after_ms < token.expires_ms
    assert settings.admits(f"Bearer {token.token}")
    assert not settings.admits(f"Bearer {keys.new_token(cluster, lifetime_s=-5).token}")
    assert not settings.admits(f"Bearer {keys.unseal(cluster.primary_key)}")
    head, body, signature = token.token.split(".")
    assert not settings.admits(f"Bearer {head}.{body}x.{signature}")
    assert not settings.admits(f"Bearer {head}.{body}.")
    operations.end_tokens(alice, cluster)
    cluster.refresh_from_db()
    go(1)
    assert not parse(dict(around.driver.specs[f"e{cluster.pk}-r1"].settings)).admits(f"Bearer {token.token}")


def test_only_who_may_read_keys_gets_a_token(bob, charlie, alice, cluster):
    from lib.errors import Denied

    operations.change_endpoint(alice, cluster, policy={"auth": "token"})
    cluster.refresh_from_db()
    with pytest.raises(Denied):
        operations.new_token(bob, cluster)
    with pytest.raises(NotFound):
        operations.new_token(charlie, cluster)


def test_the_history_says_who_and_what(go, alice, cluster, second_version):
    go()
    operations.deploy(alice, cluster, model_version=second_version)
    go()
    operations.roll_back(alice, cluster, revision=1)
    done = list(Change.objects.filter(endpoint=cluster).order_by("pk").values_list("what", "revision", "by"))
    assert [(what, revision) for what, revision, _by in done] == [
        ("created", None), ("deployed", 1), ("deployed", 2), ("rolled back", 1),
    ]  # fmt: skip
    assert {by for _what, _revision, by in done} == {alice.name}


def test_merging_is_switched_off_while_it_serves(go, around, bearer, alice_user, workspace, cluster):
    go()
    name, starts = f"e{cluster.pk}-r1", list(around.driver.starts)
    assert parse(dict(around.driver.specs[name].settings)).merges_requests
    address = f"/w/{workspace.name}/api/v1/endpoints/{cluster.name}"
    told = bearer(alice_user).patch(address, {"batching_enabled": False}, content_type="application/json")
    assert told.json()["batching_enabled"] is False
    go(1)
    assert not parse(dict(around.driver.specs[name].settings)).merges_requests
    assert around.driver.starts == starts
