"""What a workspace's endpoints may take together: set by an admin, held at every door, said before anything starts."""

from __future__ import annotations

import pytest
from django.urls import reverse

from deployments import operations, preflight, reconciler, room
from deployments.models import Endpoint
from lib.errors import Denied, InvalidValue
from workspaces.access import Actor
from workspaces.quotas import quota_of, set_quota

SMALL = operations.Size(cpu_cores=1, memory_gb=2)


@pytest.fixture
def limit(workspace):
    return lambda **limits: set_quota(Actor.system(), workspace, **limits)


@pytest.fixture
def serve(alice, workspace, version):
    def make(name="prod", size=SMALL, **policy) -> Endpoint:
        kind = "cluster" if policy else "instance"
        return operations.create_endpoint(
            alice, workspace, name=name, model_version=version, size=size, policy=policy, kind=kind
        )

    return make


def test_there_is_none_at_first(workspace, serve):
    assert room.use_of(workspace) is None
    assert serve(size=operations.Size(cpu_cores=64, memory_gb=512)).pk


def test_an_owner_does_not_lift_it(alice, workspace):
    with pytest.raises(Denied):
        set_quota(alice, workspace, cpu_cores=100)
    assert not quota_of(workspace).is_limited


@pytest.mark.parametrize("limits", [{"cpu_cores": -1}, {"memory_gb": -0.5}, {"replicas": 10_000_000}])
def test_nonsense_is_refused(limit, limits):
    with pytest.raises(InvalidValue):
        limit(**limits)


@pytest.mark.parametrize(
    ("limits", "words"),
    [({"cpu_cores": 3}, "3 cores"), ({"memory_gb": 6}, "6.4 GB|6 GB"), ({"replicas": 3}, "3 replicas")],
)
def test_each_limit_is_held_and_named(limit, serve, limits, words):
    limit(**limits)
    serve("first", replicas=2)
    serve("second")
    with pytest.raises(InvalidValue, match=f"quota of this workspace \\(({words})\\) is not enough"):
        serve("third")
    assert list(Endpoint.objects.order_by("pk").values_list("name", flat=True)) == ["first", "second"]


def test_every_way_to_more_is_held(alice, limit, serve, second_version, around):
    limit(replicas=2)
    one, two = serve("one", replicas=1), serve("two")
    operations.deploy(alice, one, model_version=second_version)  # in the place of what serves
    for _time in range(6):
        around.now += 500
        reconciler.step(one.pk, around.world())
    one.refresh_from_db()
    with pytest.raises(InvalidValue, match="quota"):
        operations.change_endpoint(alice, one, policy={"replicas": 2})
    with pytest.raises(InvalidValue, match="quota"):
        operations.deploy(alice, one, model_version=second_version, takes_traffic=False)
    operations.stop_endpoint(alice, two)
    operations.change_endpoint(alice, one, policy={"replicas": 2})
    two.refresh_from_db()
    with pytest.raises(InvalidValue, match="quota"):
        operations.start_endpoint(alice, two)


def test_scaling_by_load_stops_there(limit, serve, around):
    from tests.deployments.test_clusters import work

    limit(cpu_cores=3)
    one = serve(is_autoscaled=True, max_replicas=10)
    for second in range(1, 12):
        around.now += 2000
        reconciler.step(one.pk, around.world())
        if f"e{one.pk}-r1" in around.driver.replicas:
            work(around, f"e{one.pk}-r1", second * 20_000, second * 1000)
    assert one.deployments.get().replicas == 3


def test_another_workspace_has_its_own(limit, workspace, serve):
    limit(replicas=0)
    with pytest.raises(InvalidValue):
        serve()
    limit()
    assert serve().pk
    assert not quota_of(workspace).is_limited


def test_programs_read_it_and_admins_set_it(bearer, admin_user, alice_user, bob_user, charlie_user, workspace, serve):
    address = "/w/main/api/v1/quota"
    none = {"cpu_cores": None, "memory_gb": None, "replicas": None}
    assert bearer(bob_user).get(address).json() == none
    assert bearer(charlie_user).get(address).status_code == 404
    body = {"cpu_cores": 1.5, "replicas": 1}
    assert bearer(alice_user).put(address, body, content_type="application/json").status_code == 403
    made = bearer(admin_user).put(address, body, content_type="application/json")
    assert (made.status_code, made.json()) == (200, {"cpu_cores": 1.5, "memory_gb": None, "replicas": 1})
    serve()
    body = {"name": "more", "model": "diabetes", "version": 1}
    refused = bearer(alice_user).post("/w/main/api/v1/endpoints", body, content_type="application/json")
    assert refused.status_code == 400
    assert "quota of this workspace (1 replica)" in refused.json()["message"]


def test_the_admins_page_sets_it_and_pages_say_it(browse, admin_user, alice_user, bob_user, workspace, serve):
    page = reverse("workspaces:quota", args=[workspace.group.name, workspace.name])
    client = browse(admin_user)
    assert page in client.get(reverse("workspaces:group-detail", args=[workspace.group.name])).content.decode()
    assert client.get(page).status_code == 200
    assert browse(alice_user).get(page).status_code in (403, 404)
    assert client.post(page, {"cpu_cores": "4", "memory_gb": "", "replicas": "2"}).status_code == 302
    assert 'value="4.0"' in client.get(page).content.decode()
    assert client.post(page, {"cpu_cores": "-1"}).status_code == 422
    serve(replicas=2)
    for name in ("endpoint-list", "quota-use"):
        text = browse(bob_user).get(reverse(f"deployments:{name}", args=[workspace.name])).content.decode()
        assert "2 of 4 cores, 2 of 2 replicas" in text


def test_the_report_says_it_before_anything_starts(limit, version, serve, monkeypatch):
    monkeypatch.setattr(preflight, "_servable", lambda _version: preflight.Finding("Model", ""))
    for name in ("_signature", "_files", "_packages"):
        monkeypatch.setattr(preflight, name, lambda _version: preflight.Finding("", ""))
    assert "Quota" not in [one.label for one in preflight.report(version, preflight.Asked())]
    limit(replicas=2)
    one = serve(replicas=2)
    found = preflight.report(version, preflight.Asked())[-1]
    assert (found.label, found.tone) == ("Quota", "bad")
    again = preflight.report(version, preflight.Asked(replicas=2, endpoint=one))[-1]
    assert (again.tone, again.text) == ("ok", "Endpoints take 2 of 2 replicas")
