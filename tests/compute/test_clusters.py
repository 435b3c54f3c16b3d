"""Clusters: made, scaled with their queue, drained, deleted; and the doors of their nodes."""

from __future__ import annotations

import pytest

from compute import operations, queries, sizes
from compute.models import ComputeTarget, Node
from compute.operations import NodeReport
from lib.clock import now_ms
from lib.errors import AlreadyExists, Denied, InvalidValue, NotFound
from workspaces.access import Actor
from workspaces.models import Token

pytestmark = pytest.mark.django_db

API = "/w/main/api/v1/compute"


@pytest.fixture
def cluster(alice, workspace) -> ComputeTarget:
    return operations.create_cluster(alice, workspace, name="cpu-cluster", min_nodes=0, max_nodes=2, idle_s=60)


@pytest.fixture
def host(db) -> Actor:
    return Actor(kind="node", name="node:local", by="token", subject="local-cluster")


@pytest.fixture
def member(cluster) -> Actor:
    return Actor(kind="node", name="n", by="token", subject=cluster.name, only_workspace=cluster.workspace_id)


def hello(member: Actor, name: str, slots: int = 1) -> Node:
    return operations.heartbeat(member, report=NodeReport(name=name, slots=slots))


def names(cluster: ComputeTarget) -> list[tuple[str, str]]:
    return list(cluster.nodes.order_by("pk").values_list("name", "wanted"))


def test_a_cluster_grows_with_its_queue_up_to_its_most(cluster, member):
    assert operations.scale(cluster.pk, waiting=1).preparing == 1
    assert operations.scale(cluster.pk, waiting=1).added == 0
    assert operations.scale(cluster.pk, waiting=9).added == 1
    assert operations.scale(cluster.pk, waiting=9).added == 0
    assert names(cluster) == [("cpu-cluster-1", "work"), ("cpu-cluster-2", "work")]
    row = queries.with_nodes(cluster, list(cluster.nodes.all()))
    assert (row.counts["preparing"], row.allocation) == (2, "Resizing")
    hello(member, "cpu-cluster-1")
    assert queries.with_nodes(cluster, list(cluster.nodes.all())).counts["idle"] == 1


def test_nodes_without_work_leave_after_their_time_but_for_the_least(cluster, member, alice):
    operations.scale(cluster.pk, waiting=2)
    for name in ("cpu-cluster-1", "cpu-cluster-2"):
        hello(member, name)
    busy = Node.objects.get(name="cpu-cluster-1")
    operations.note_work(busy.pk, working=1)
    assert operations.scale(cluster.pk, waiting=0).leaving == 0
    Node.objects.update(idle_since_ms=now_ms() - 61_000, created_ms=now_ms() - 70_000)
    assert operations.scale(cluster.pk, waiting=0).leaving == 1
    assert names(cluster) == [("cpu-cluster-1", "work"), ("cpu-cluster-2", "leave")]
    operations.update_cluster(alice, cluster, min_nodes=1)
    operations.note_work(busy.pk, working=0)
    Node.objects.update(idle_since_ms=now_ms() - 61_000)
    assert operations.scale(cluster.pk, waiting=0).leaving == 0


def test_the_least_is_kept_ready_and_a_lower_most_lets_nodes_go_at_once(cluster, member, alice):
    operations.update_cluster(alice, cluster, min_nodes=2)
    assert operations.scale(cluster.pk, waiting=0).added == 2
    for name in ("cpu-cluster-1", "cpu-cluster-2"):
        hello(member, name)
    operations.update_cluster(alice, cluster, min_nodes=0, max_nodes=1)
    assert operations.scale(cluster.pk, waiting=0).leaving == 1


def test_a_machine_that_joined_counts_as_room(cluster, member):
    hello(member, "desk", slots=2)
    assert operations.scale(cluster.pk, waiting=2).added == 0
    assert operations.scale(cluster.pk, waiting=3).added == 1


def test_only_the_studios_own_node_hosts_and_each_hosted_one_has_its_token(cluster, member, host):
    operations.scale(cluster.pk, waiting=1)
    node = operations.hosted_nodes(host)[0]
    with pytest.raises(NotFound):
        operations.hosted_nodes(member)
    first = operations.admit_hosted(host, node_id=node.pk)
    second = operations.admit_hosted(host, node_id=node.pk)
    assert first != second
    assert Token.objects.filter(kind="node", revoked_ms=None, subject="cpu-cluster").count() == 1
    operations.dismiss_hosted(host, node_id=node.pk)
    assert Node.objects.filter(pk=node.pk).exists()
    Node.objects.update(wanted="leave")
    operations.dismiss_hosted(host, node_id=node.pk)
    assert not Node.objects.filter(pk=node.pk).exists()
    assert not Token.objects.filter(kind="node", revoked_ms=None, subject="cpu-cluster").exists()


def test_a_deleted_cluster_goes_when_its_nodes_have_and_frees_its_name(cluster, member, host, alice, workspace):
    operations.scale(cluster.pk, waiting=1)
    hello(member, "cpu-cluster-1")
    operations.delete_cluster(alice, cluster)
    assert names(cluster) == [("cpu-cluster-1", "leave")]
    assert operations.scale(cluster.pk, waiting=0).leaving == 1
    operations.dismiss_hosted(host, node_id=cluster.nodes.get().pk)
    operations.scale(cluster.pk, waiting=0)
    cluster.refresh_from_db()
    assert cluster.state == "Deleted"
    with pytest.raises(Denied):
        hello(member, "cpu-cluster-1")
    operations.create_cluster(alice, workspace, name="cpu-cluster")


@pytest.mark.parametrize(
    "values",
    [
        {"name": "x"}, {"name": "1abc"}, {"name": "a" * 17}, {"name": "local"}, {"name": "a_b"},
        {"vm_size": "Standard_X"}, {"min_nodes": 2, "max_nodes": 1}, {"min_nodes": -1}, {"max_nodes": 99},
        {"idle_s": -1}, {"min_nodes": 1, "max_nodes": None},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(alice, workspace, values):
    with pytest.raises(InvalidValue):
        operations.create_cluster(alice, workspace, **{"name": "good", **values})


def test_names_are_taken_once_and_seen_in_their_workspace_only(cluster, alice, workspace, elsewhere, charlie):
    with pytest.raises(AlreadyExists):
        operations.create_cluster(alice, workspace, name="cpu-cluster")
    assert queries.find_target(alice, workspace, "cpu-cluster") == cluster
    with pytest.raises(NotFound, match="local-cluster"):
        operations.local_cluster()
        queries.find_target(charlie, elsewhere, "cpu-cluster")


def test_a_size_narrows_what_a_job_may_use():
    limits = sizes.narrowed({"memory_bytes": 10**12, "processes": 7}, "standard_d1")
    assert limits == {"memory_bytes": int(3.5 * 1024**3), "cpu_quota": 1, "cpu_weight": 1, "processes": 7}
    assert sizes.narrowed({"processes": 7}, "") == {"processes": 7}


def test_the_api_makes_shows_changes_and_deletes(bearer, alice_user, bob_user, member):
    client = bearer(alice_user)

    def send(method: str, path: str, body: object = None):
        return getattr(client, method)(f"{API}{path}", body, content_type="application/json")

    made = send("post", "", {"name": "gpu", "vm_size": "STANDARD_NC6", "max_nodes": 4, "options": {"location": "x"}})
    assert (made.status_code, made.json()["vm_size"]) == (201, "Standard_NC6")
    assert made.json()["provisioning_state"] == "Succeeded"
    assert made.json()["status"]["node_state_counts"]["idle"] == 0
    assert send("patch", "/gpu", {"max_nodes": 2}).json()["max_nodes"] == 2
    assert "script/worker --cluster gpu" in send("post", "/gpu/join-token").json()["command"]
    assert send("post", "", {"name": "aks", "kind": "inference"}).json()["max_nodes"] == 3
    assert {row["name"] for row in client.get(API).json()} >= {"gpu", "aks", "cpu-cluster"}
    hello(member, "desk")
    assert send("post", "/cpu-cluster/nodes/desk", {"act": "drain"}).status_code == 202
    assert client.get(f"{API}/cpu-cluster").json()["nodes"][0]["state"] == "drained"
    assert send("delete", "/gpu").status_code == 202
    assert client.get(f"{API}/gpu").json()["provisioning_state"] == "Deleting"
    assert client.get("/w/main/api/v1/compute-sizes").json()[0]["cores"] == 1
    assert bearer(bob_user).post(API, {"name": "no"}, content_type="application/json").status_code == 403
    operations.local_cluster()
    assert send("delete", "/local-cluster").status_code == 400


def test_pages_make_scale_join_drain_and_delete(browse, alice_user, member, cluster):
    page = browse(alice_user)
    body = {"name": "pages", "vm_size": "Standard_D1", "min_nodes": 0, "max_nodes": 1, "idle_s": 5}
    assert page.post("/w/main/compute/new/", body).status_code == 303
    assert page.post("/w/main/compute/new/", body).status_code == 422
    here = "/w/main/compute/cpu-cluster/"
    node = hello(member, "desk")
    assert b"desk" in page.get(here).content
    assert page.post(f"{here}scale/", {"min_nodes": 3, "max_nodes": 1, "idle_s": 5}).status_code == 422
    assert page.post(f"{here}scale/", {"min_nodes": 0, "max_nodes": 3, "idle_s": 5}).status_code == 303
    assert b"script/worker --cluster cpu-cluster" in page.post(f"{here}join/").content
    for act, wanted in (("drain", "drain"), ("resume", "work"), ("remove", "leave")):
        assert page.post(f"{here}nodes/{node.pk}/{act}/").status_code == 303
        assert Node.objects.get(pk=node.pk).wanted == wanted
    assert page.post(f"{here}delete/").status_code == 303
    assert ComputeTarget.objects.get(pk=cluster.pk).state == "Deleting"
