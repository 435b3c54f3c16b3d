"""A job from the queue to its end, as its node tells it."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from experiments.models import Run
from experiments.operations import update_run
from jobs import operations, queries
from jobs.models import Job, JobState
from jobs.operations.healing import GIVE_UP_MS
from jobs.operations.running import held_jobs
from lib.errors import Conflict, Denied, InvalidValue, NotFound
from workspaces.models import Token

pytestmark = pytest.mark.django_db


def now(job: Job) -> Job:
    return Job.objects.select_related("run").get(pk=job.pk)


def states(job: Job) -> list[str]:
    return [stage[0] for stage in now(job).stages]


def lapse(job: Job, by_ms: int = 1) -> None:
    Job.objects.filter(pk=job.pk).update(lease_ms=1 if by_ms > GIVE_UP_MS else now(job).lease_ms - 60_000)


def test_a_job_goes_through_its_stages_and_its_run_follows(submit, node, node_actor):
    job = submit()
    assert (job.state, job.run.status, job.run.is_submitted) == ("Queued", "SCHEDULED", True)
    claim = operations.claim_job(node_actor, node_name="n1")
    assert (claim.job.pk, claim.job.attempt) == (job.pk, 1)
    for state in ("Preparing", "Starting", "Running"):
        assert operations.beat(node_actor, job.pk, attempt=1, state=state, newest=f"line of {state}").wanted == "run"
    assert now(job).run.status == "RUNNING"
    operations.finish_job(node_actor, job.pk, attempt=1, outcome="completed", exit_code=0, cpu_s=1.5)
    ended = now(job)
    assert (ended.state, ended.run.status, ended.cpu_s) == ("Completed", "FINISHED", 1.5)
    assert ended.run.end_ms
    assert states(job) == ["Queued", "Preparing", "Starting", "Running", "Completed"]
    assert queries.newest_line(ended) == "line of Running"


def test_a_client_cannot_end_a_submitted_run(submit, alice):
    job = submit()
    update_run(alice, job.run, status="FINISHED", end_ms=5)
    assert Run.objects.get(pk=job.pk).status == "SCHEDULED"


def test_order_is_kept_and_slots_are_not_exceeded(submit, node, node_actor):
    jobs = [submit() for _n in range(3)]
    taken = [operations.claim_job(node_actor, node_name="n1") for _n in range(3)]
    assert [claim and claim.job.pk for claim in taken] == [jobs[0].pk, jobs[1].pk, None]
    operations.finish_job(node_actor, jobs[0].pk, attempt=1, outcome="completed")
    assert operations.claim_job(node_actor, node_name="n1").job.pk == jobs[2].pk


@pytest.mark.django_db(transaction=True)
def test_of_many_claims_at_once_one_gets_the_job(submit, node, other_node, node_actor):
    submit()
    claims: list[object] = []

    def claim(name: str) -> None:
        claims.append(operations.claim_job(node_actor, node_name=name))
        connection.close()

    threads = [threading.Thread(target=claim, args=[f"n{1 + n % 2}"]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in claims if one]) == 1
    assert len(claims) == 6


def test_the_token_opens_this_workspace_only_and_ends_with_the_job(submit, node, node_actor):
    job = submit()
    claim = operations.claim_job(node_actor, node_name="n1")
    token = Token.objects.get(kind="job", subject=job.pk, revoked_ms=None)
    assert token.workspace_id == job.workspace_id
    assert set(token.permissions) == {"experiments.read", "experiments.write", "registry.read", "registry.write"}
    assert token.expires_ms
    assert claim.token.startswith("studio_job_")
    operations.finish_job(node_actor, job.pk, attempt=1, outcome="failed", error="x")
    assert not Token.objects.filter(kind="job", revoked_ms=None).exists()


def test_a_silent_runner_is_not_responding_and_comes_back_by_speaking(submit, node, node_actor):
    job = submit()
    operations.claim_job(node_actor, node_name="n1")
    operations.beat(node_actor, job.pk, attempt=1, state="Running")
    assert operations.mark_silent_jobs() == 0
    lapse(job)
    assert operations.mark_silent_jobs() == 1
    assert now(job).state == "NotResponding"
    operations.beat(node_actor, job.pk, attempt=1, state="Running")
    assert now(job).state == "Running"


def test_a_node_away_for_long_fails_its_jobs(submit, node, node_actor):
    job = submit()
    operations.claim_job(node_actor, node_name="n1")
    lapse(job, GIVE_UP_MS + 1)
    operations.mark_silent_jobs()
    assert (now(job).state, "ten minutes" in now(job).error) == ("Failed", True)
    assert operations.beat(node_actor, job.pk, attempt=1).wanted == "drop"


def test_a_lost_attempt_is_followed_by_another_only_if_the_rule_allows(submit, node, node_actor):
    job = submit(attempts_allowed=2)
    operations.claim_job(node_actor, node_name="n1")
    operations.finish_job(node_actor, job.pk, attempt=1, outcome="lost", error="killed")
    assert (now(job).state, now(job).run.status) == ("Queued", "SCHEDULED")
    again = operations.claim_job(node_actor, node_name="n1")
    assert again.job.attempt == 2
    assert operations.beat(node_actor, job.pk, attempt=1).wanted == "drop"
    operations.finish_job(node_actor, job.pk, attempt=1, outcome="completed")
    assert now(job).state == "Preparing"
    operations.finish_job(node_actor, job.pk, attempt=2, outcome="lost", error="killed")
    assert (now(job).state, now(job).error) == ("Failed", "killed")


def test_an_attempt_that_never_started_costs_nothing(submit, node, node_actor):
    job = submit()
    operations.claim_job(node_actor, node_name="n1")
    operations.finish_job(node_actor, job.pk, attempt=1, outcome="unstarted")
    assert now(job).state == "Queued"
    assert operations.claim_job(node_actor, node_name="n1").job.attempt == 1


def test_the_end_said_twice_counts_once(submit, node, node_actor):
    job = submit()
    operations.claim_job(node_actor, node_name="n1")
    for _n in range(2):
        operations.finish_job(node_actor, job.pk, attempt=1, outcome="failed", error="first", cpu_s=1)
    operations.finish_job(node_actor, job.pk, attempt=1, outcome="completed")
    assert (now(job).state, now(job).cpu_s, states(job).count("Failed")) == ("Failed", 1, 1)


def test_a_waiting_job_is_canceled_at_once_and_a_running_one_by_its_runner(submit, alice, node, node_actor):
    waiting, running = submit(), submit()
    operations.cancel_job(alice, waiting)
    assert (now(waiting).state, now(waiting).run.status) == ("Canceled", "KILLED")
    assert operations.claim_job(node_actor, node_name="n1").job.pk == running.pk
    operations.cancel_job(alice, running)
    assert now(running).state == "Preparing"
    assert operations.beat(node_actor, running.pk, attempt=1, state="Running").wanted == "cancel"
    operations.finish_job(node_actor, running.pk, attempt=1, outcome="canceled", exit_code=-15)
    assert now(running).state == "Canceled"


def test_held_jobs_are_what_the_node_should_be_at(submit, node, node_actor):
    job = submit()
    assert held_jobs(node_actor, node_name="n1") == []
    operations.claim_job(node_actor, node_name="n1")
    assert held_jobs(node_actor, node_name="n1") == [job]


def test_a_log_is_appended_by_offset(submit, node, node_actor):
    job = submit()
    operations.claim_job(node_actor, node_name="n1")

    def append(offset: int, data: bytes) -> int:
        return operations.append_log(node_actor, job.pk, attempt=1, name="std", offset=offset, data=data)

    assert append(0, b"one\n") == 4
    assert append(0, b"one\ntwo\n") == 8
    assert append(4, b"two\n") == 8
    with pytest.raises(Conflict, match="8 bytes"):
        append(100, b"later")
    piece = queries.log(now(job), "std", 0)
    assert (piece.text, piece.offset, piece.final) == ("one\ntwo\n", 8, False)
    with pytest.raises(InvalidValue):
        operations.append_log(node_actor, job.pk, attempt=1, name="../x", offset=0, data=b"")
    with pytest.raises(NotFound):
        operations.append_log(node_actor, job.pk, attempt=9, name="std", offset=0, data=b"")


def test_people_cannot_do_what_nodes_do(submit, alice, node):
    submit()
    with pytest.raises(Denied):
        operations.claim_job(alice, node_name="n1")


def test_a_reader_cannot_submit_or_cancel(submit, bob, workspace):
    job = submit()
    with pytest.raises(Denied):
        operations.cancel_job(bob, job)
    with pytest.raises(Denied):
        operations.run_sample(bob, workspace)


@pytest.mark.parametrize("command", [[], [""], ["a\x00b"], ["x"] * 501])
def test_a_command_that_cannot_be_is_refused(submit, command):
    with pytest.raises(InvalidValue):
        submit(command=command)


def test_stages_tell_what_is_to_come(submit, node, node_actor):
    job = submit()
    operations.claim_job(node_actor, node_name="n1")
    shown = queries.stages(now(job))
    assert [stage.state for stage in shown] == ["done", "Preparing", "pending", "pending", "pending", "pending"]
    assert shown[1].is_current


def test_the_sample_is_a_job_in_an_experiment_of_its_own(alice, workspace):
    job = operations.run_sample(alice, workspace)
    assert job.run.experiment.name == "Diabetes sample"
    assert JobState(job.state) == JobState.QUEUED
    again = operations.run_sample(alice, workspace)
    assert again.snapshot == job.snapshot
    assert again.environment == job.environment
