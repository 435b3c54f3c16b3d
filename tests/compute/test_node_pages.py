"""The page of a single node: what it is, what it works on, and its log where the studio keeps it."""

from __future__ import annotations

import pytest

from compute.models import Node, NodeWish
from compute.node.places import LOG, hosted_folder
from compute.operations import create_cluster, local_cluster
from lib.clock import now_ms

pytestmark = pytest.mark.django_db

BASE = "/w/main/compute"
REFRESH = {"HX-Request": "true", "HX-Target": "node-state"}


@pytest.fixture
def node(alice, workspace) -> Node:
    cluster = create_cluster(alice, workspace, name="cpu")
    return Node.objects.create(
        target=cluster, name="cpu-1", is_hosted=True, cpu_count=8, memory_bytes=16 * 2**30, heartbeat_ms=now_ms()
    )


def address(node: Node, act: str = "") -> str:
    return f"{BASE}/{node.target.name}/nodes/{node.pk}/{act}"


def test_a_cluster_leads_to_its_nodes_and_back(browse, alice_user, node):
    page = browse(alice_user)
    assert f'href="{address(node)}"' in page.get(f"{BASE}/cpu/").content.decode()
    shown = page.get(address(node)).content.decode()
    assert "cpu-1" in shown
    assert "Idle" in shown
    assert "of 8 cores" in shown
    assert f'href="{BASE}/cpu/"' in shown


def test_a_hosted_node_of_a_workspace_shows_its_log(browse, alice_user, node, settings, tmp_path):
    settings.RUNTIME_HOME = tmp_path
    page = browse(alice_user)
    assert "Log of the node" not in page.get(address(node)).content.decode()
    assert page.get(address(node, "log/")).status_code == 404
    folder = hosted_folder(tmp_path, node.name, node.pk)
    folder.mkdir(parents=True)
    (folder / LOG).write_text("INFO job started\n")
    assert "Log of the node" in page.get(address(node)).content.decode()
    piece = page.get(address(node, "log/")).json()
    assert (piece["text"], piece["final"]) == ("INFO job started\n", False)


def test_the_log_of_the_studios_own_node_is_nobodys(browse, alice_user, workspace, settings, tmp_path):
    settings.RUNTIME_HOME = tmp_path
    own = Node.objects.create(target=local_cluster(), name="here", is_hosted=True, heartbeat_ms=now_ms())
    folder = hosted_folder(tmp_path, own.name, own.pk)
    folder.mkdir(parents=True)
    (folder / LOG).write_text("job of another workspace")
    page = browse(alice_user)
    shown = page.get(address(own)).content.decode()
    assert "here" in shown
    assert "Drain" not in shown
    assert page.get(address(own, "log/")).status_code == 404
    assert page.post(address(own, "drain/")).status_code == 400


def test_a_node_is_drained_from_its_page_and_the_reader_stays_there(browse, alice_user, bob_user, node):
    refused = browse(bob_user).post(address(node, "drain/"))
    assert refused.status_code == 403
    assert "Drain" not in browse(bob_user).get(address(node)).content.decode()
    answer = browse(alice_user).post(address(node, "drain/"), headers={"Referer": f"http://testserver{address(node)}"})
    assert (answer.status_code, answer["Location"]) == (303, address(node))
    node.refresh_from_db()
    assert node.wanted == NodeWish.DRAIN
    assert "Give it work" in browse(alice_user).get(address(node)).content.decode()


def test_a_silent_machine_that_is_removed_leads_to_its_cluster(browse, alice_user, node):
    Node.objects.filter(pk=node.pk).update(is_hosted=False, heartbeat_ms=now_ms() - 120_000)
    page = browse(alice_user)
    assert "The machine does not answer" in page.get(address(node)).content.decode()
    answer = page.post(address(node, "remove/"), headers={"Referer": f"http://testserver{address(node)}"})
    assert answer["Location"] == f"{BASE}/cpu/"
    assert page.get(address(node)).status_code == 404


def test_an_open_page_goes_on_when_its_node_has_left(browse, alice_user, node):
    page = browse(alice_user)
    part = page.get(address(node), headers=REFRESH).content.decode()
    assert "<html" not in part
    url = address(node)
    node.delete()
    answer = page.get(url, headers=REFRESH)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, f"{BASE}/cpu/")


def test_a_strangers_nodes_are_not_there(browse, charlie_user, alice_user, node, elsewhere):
    assert browse(charlie_user).get(address(node)).status_code == 404
    assert browse(alice_user).get(f"{BASE}/local-cluster/nodes/{node.pk}/").status_code == 404
