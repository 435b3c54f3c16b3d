"""Many jobs at once: order, never more than a cluster may run, one build for many askers."""

from __future__ import annotations

import pytest

from compute.environments import parse_requirements
from compute.models import EnvironmentBuild, Node
from compute.operations import NodeReport, create_cluster, heartbeat, scale
from jobs import operations, queries
from jobs.models import JOB_HELD, Job
from workspaces.access import Actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(alice, workspace):
    return create_cluster(alice, workspace, name="four", max_nodes=4)


@pytest.fixture
def member(cluster) -> Actor:
    return Actor(kind="node", name="n", by="token", subject=cluster.name, only_workspace=cluster.workspace_id)


def test_fifty_jobs_on_four_nodes_run_in_order_four_at_a_time(submit, cluster, member):
    jobs = [submit(compute=cluster).pk for _n in range(50)]
    order: list[str] = []
    for _round in range(60):
        operations.make_room()
        for node in Node.objects.filter(target=cluster, wanted="work"):
            heartbeat(member, report=NodeReport(name=node.name))
            while claim := operations.claim_job(member, node_name=node.name):
                order.append(claim.job.pk)
        held = list(Job.objects.filter(state__in=JOB_HELD))
        assert len(held) <= 4
        assert Node.objects.filter(target=cluster).count() <= 4
        for job in held:
            operations.finish_job(member, job.pk, attempt=1, outcome="completed")
    assert order == jobs
    assert set(Job.objects.values_list("state", flat=True)) == {"Completed"}
    assert not Node.objects.filter(working__gt=0).exists()


def test_ten_jobs_that_ask_for_one_new_environment_get_one_build(submit):
    for _n in range(10):
        submit(environment=parse_requirements("numpy\nscipy"))
    build = EnvironmentBuild.objects.get()
    assert build.jobs.count() == 10


def test_a_waiting_job_says_why_and_is_provisioning_while_a_node_starts(submit, cluster, member):
    first, second = submit(compute=cluster), submit(compute=cluster)
    assert "one is asked for" in queries.why_it_waits(first)
    operations.make_room()
    first.refresh_from_db()
    assert first.state == "Provisioning"
    assert "being started" in queries.why_it_waits(first)
    for name in ("four-1", "four-2"):
        heartbeat(member, report=NodeReport(name=name))
    claim = operations.claim_job(member, node_name="four-1")
    assert (claim.job.pk, claim.job.state) == (first.pk, "Preparing")
    second.refresh_from_db()
    assert "has room for it" in queries.why_it_waits(second)
    states = [state for state, _since, _newest in claim.job.stages]
    assert states == ["Queued", "Provisioning", "Preparing"]


def test_a_drained_node_gets_nothing_and_a_deleted_cluster_cancels(submit, cluster, member, alice):
    from compute.operations import delete_cluster, drain_node

    job = submit(compute=cluster)
    scale(cluster.pk, waiting=1)
    node = heartbeat(member, report=NodeReport(name="four-1"))
    drain_node(alice, cluster, node=node)
    assert operations.claim_job(member, node_name="four-1") is None
    drain_node(alice, cluster, node=node, is_drained=False)
    claimed = operations.claim_job(member, node_name="four-1")
    waiting = submit(compute=cluster)
    delete_cluster(alice, cluster)
    operations.make_room()
    assert Job.objects.get(pk=waiting.pk).state == "Canceled"
    assert operations.beat(member, job.pk, attempt=1).wanted == "cancel"
    assert Node.objects.get(pk=node.pk).working == 1
    operations.finish_job(member, claimed.job.pk, attempt=1, outcome="canceled")
    assert Node.objects.get(pk=node.pk).working == 0


def test_files_of_logs_are_kept_under_their_names(submit, member, cluster, alice_user, bearer):
    job = submit(compute=cluster)
    scale(cluster.pk, waiting=1)
    heartbeat(member, report=NodeReport(name="four-1"))
    operations.claim_job(member, node_name="four-1")
    for name in ("logs/a.txt", "logs/deep/b.txt"):
        operations.append_log(member, job.pk, attempt=1, name=name, offset=0, data=b"x\n")
    from lib.errors import InvalidValue

    for bad in ("logs/../up", "other", "logs/a.txt/below"):
        with pytest.raises(InvalidValue):
            operations.append_log(member, job.pk, attempt=1, name=bad, offset=0, data=b"x")
    said = bearer(alice_user).get(f"/w/main/api/v1/jobs/{job.pk}").json()
    assert {row["name"] for row in said["logs"]} >= {"logs/a.txt", "logs/deep/b.txt"}
    place = next(row["url"] for row in said["logs"] if row["name"] == "logs/deep/b.txt")
    assert bearer(alice_user).get(place).json()["text"] == "x\n"
