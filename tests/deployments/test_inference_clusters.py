"""Clusters for endpoints: made in a moment, bounding what runs on them, kept while endpoints are there."""

from __future__ import annotations

import pytest
from django.urls import reverse

from compute.models import ComputeTarget
from compute.operations import create_inference_cluster, delete_cluster, update_cluster
from deployments import clusters, operations, reconciler
from deployments.models import Endpoint
from lib.errors import AlreadyExists, Conflict, InvalidValue, NotFound

BIG = operations.Size(cpu_cores=4, memory_gb=14)
API = "/w/main/api/v1/"


@pytest.fixture
def aks(alice, workspace) -> ComputeTarget:
    """Three agents of 4 cores and 14 GB."""
    return create_inference_cluster(alice, workspace, name="my-aks", vm_size="Standard_D3_v2", agent_count=3)


@pytest.fixture
def serve(alice, workspace, version):
    def make(name="prod", size=None, **policy) -> Endpoint:
        where = {"kind": "cluster", "compute_name": "my-aks"}
        return operations.create_endpoint(
            alice, workspace, name=name, model_version=version, size=size, policy=policy or {"replicas": 2}, **where
        )

    return make


def test_it_is_ready_at_once_and_says_so(bearer, alice_user, workspace):
    client = bearer(alice_user)
    body = {"name": "my-aks", "kind": "inference", "vm_size": "Standard_D3_v2", "agent_count": 3}
    made = client.post(f"{API}compute", body, content_type="application/json")
    assert made.status_code == 201
    found = client.get(f"{API}compute/my-aks").json()
    assert (found["provisioning_state"], found["provisioning_errors"], found["max_nodes"]) == ("Succeeded", None, 3)


def test_replicas_fit_on_the_agents_or_are_refused(aks, serve):
    with pytest.raises(InvalidValue, match="does not fit on an agent"):
        serve(size=operations.Size(cpu_cores=5))
    with pytest.raises(InvalidValue, match="3 agents have 12 cores"):
        serve(size=BIG, replicas=4)
    assert not Endpoint.objects.exists()
    assert serve(size=BIG, replicas=3).deployments.get().replicas == 3


def test_what_others_take_is_not_there(alice, aks, serve, second_version):
    first = serve("first", size=BIG, replicas=2)
    with pytest.raises(InvalidValue, match="other endpoints take 8 cores"):
        serve("second", size=BIG, replicas=2)
    second = serve("second", size=BIG, replicas=1)
    operations.deploy(alice, second, model_version=second_version)  # in the place of what serves
    operations.stop_endpoint(alice, first)
    assert serve("third", size=BIG, replicas=2).name == "third"
    first.refresh_from_db()
    with pytest.raises(InvalidValue, match="do not fit"):
        operations.start_endpoint(alice, first)


def test_scaling_stays_within_it(alice, aks, serve, around):
    one = serve(size=BIG, replicas=1)
    for _time in range(6):
        around.now += 500
        reconciler.step(one.pk, around.world())
    one.refresh_from_db()
    with pytest.raises(InvalidValue, match="do not fit"):
        operations.change_endpoint(alice, one, policy={"replicas": 4})
    operations.change_endpoint(alice, one, policy={"replicas": 3})
    deployment = one.deployments.get()
    assert (deployment.replicas, clusters.most_replicas(deployment)) == (3, 3)


def test_scaling_by_load_stops_where_the_cluster_ends(alice, aks, serve, around):
    from tests.deployments.test_clusters import work

    one = serve(size=BIG, is_autoscaled=True, max_replicas=10)
    for second in range(1, 12):
        around.now += 2000
        reconciler.step(one.pk, around.world())
        if f"e{one.pk}-r1" in around.driver.replicas:
            work(around, f"e{one.pk}-r1", second * 20_000, second * 1000)
    assert one.deployments.get().replicas == 3


def test_it_stays_while_endpoints_are_on_it(alice, workspace, aks, serve):
    one = serve()
    operations.stop_endpoint(alice, one)
    with pytest.raises(Conflict, match="prod"):
        delete_cluster(alice, aks)
    operations.delete_endpoint(alice, one)
    delete_cluster(alice, aks)
    assert clusters.names(workspace) == []
    with pytest.raises(NotFound, match="my-aks"):
        serve("again")
    create_inference_cluster(alice, workspace, name="my-aks")
    with pytest.raises(AlreadyExists):
        create_inference_cluster(alice, workspace, name="my-aks")


def test_one_that_failed_takes_none(aks, serve):
    ComputeTarget.objects.filter(pk=aks.pk).update(state="Failed", error="No agent started.")
    with pytest.raises(Conflict, match="No agent started"):
        serve()


def test_pages_make_show_and_keep_it(browse, alice_user, bob_user, charlie_user, workspace, serve):
    client = browse(alice_user)
    page = reverse("compute:target-create", args=[workspace.name])
    values = {"name": "my-aks", "kind": "inference", "vm_size": "Standard_D3_v2", "min_nodes": 0, "max_nodes": 3}
    assert client.post(page, {**values, "idle_s": 120}).status_code == 303
    serve()
    fragment = reverse("deployments:for-cluster", args=[workspace.name, "my-aks"])
    text = browse(bob_user).get(fragment).content.decode()
    assert "prod" in text and "12 cores" in text
    assert browse(charlie_user).get(fragment).status_code == 404
    refused = client.post(reverse("compute:target-delete", args=[workspace.name, "my-aks"]))
    assert (refused.status_code, "prod" in refused.content.decode()) == (422, True)
    assert ComputeTarget.objects.get(name="my-aks").state == "Succeeded"


def test_agents_are_added_at_any_time_and_taken_from_an_empty_cluster_only(alice, aks, serve):
    update_cluster(alice, aks, max_nodes=4)
    aks.refresh_from_db()
    assert (aks.min_nodes, aks.max_nodes) == (4, 4)
    serve(size=BIG, replicas=4)
    with pytest.raises(Conflict, match="prod"):
        update_cluster(alice, aks, max_nodes=2)
    for count in (0, 33):
        with pytest.raises(InvalidValue, match="agents"):
            update_cluster(alice, aks, max_nodes=count)
