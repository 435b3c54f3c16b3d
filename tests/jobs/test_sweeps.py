"""Sweeps from their start to their end: children are made as places get free, and never twice."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from compute.environments import parse_requirements
from compute.operations import NodeReport, heartbeat
from experiments import metrics
from experiments.models import Run, RunParam, RunTag
from jobs import deletion, operations
from jobs.models import Job, JobPlan, Sweep, SweepChild
from jobs.operations import Planned, sweeping
from jobs.sweeps import queries
from jobs.sweeps.policies import Policy
from jobs.sweeps.space import make_space
from lib.errors import Conflict, Denied, InvalidValue
from workspaces.models import Membership

pytestmark = pytest.mark.django_db

GRID = [("lr", ["choice", 0.1, 0.01]), ("depth", ["choice", 2, 4])]


@pytest.fixture
def plan(alice, workspace):
    snapshot = operations.store_snapshot(alice, workspace, files={"train.py": b"print('hello')"})
    command = ["python", "train.py", "--lr", "1", "--epochs=5"]
    return Planned(snapshot, command, environment=parse_requirements("numpy"), env={"A": "b"}, tags={"t": "u"})


@pytest.fixture
def start(alice, experiment, plan):
    def start(space=GRID, **fields: object) -> Sweep:
        values = {"plan": plan, "sampling": "grid", "metric": "loss", **fields}
        return operations.start_sweep(alice, experiment, space=make_space(space), **values)

    return start


@pytest.fixture
def work(node_actor):
    """Let a node with ten slots take the jobs that wait; gives a function that ends a child."""
    heartbeat(node_actor, report=NodeReport(name="n1", slots=10))

    def end(child: SweepChild, outcome: str = "completed", **fields: object) -> None:
        while claim := operations.claim_job(node_actor, node_name="n1"):
            operations.beat(node_actor, claim.job.pk, attempt=1, state="Running")
        operations.finish_job(node_actor, child.run_id, attempt=1, outcome=outcome, **fields)

    return end


def report(child: SweepChild, *values: float) -> None:
    metrics.append(child.run_id, [metrics.Point("loss", value, 1000 + n, n) for n, value in enumerate(values)])


def children(sweep: Sweep) -> list[SweepChild]:
    return list(sweep.children.select_related("run").order_by("number"))


def now(sweep: Sweep) -> Sweep:
    return Sweep.objects.select_related("run").get(pk=sweep.pk)


def test_a_grid_fills_its_places_and_ends_with_its_last_point(start, work, alice, workspace):
    sweep = start(max_concurrent_runs=2, name="tuning")
    operations.move_sweeps()
    operations.move_sweeps()
    first, second = children(sweep)
    assert first.run.job.command == ["python", "train.py", "--epochs=5", "--lr", "0.1", "--depth", "2"]
    assert second.parameters == [["lr", "0.1"], ["depth", "4"]]
    assert RunTag.objects.get(run=first.run, key="mlflow.parentRunId").value == sweep.pk
    assert (first.run.job.env, first.run.job.submitted_by, first.run.name) == ({"A": "b"}, "alice", "tuning-0")
    report(first, 0.9, 0.2, 0.5)
    work(first)
    operations.move_sweeps()
    assert [child.number for child in children(sweep)] == [0, 1, 2]
    for child in children(sweep)[1:]:
        report(child, 0.3)
        work(child)
    operations.move_sweeps()
    work(children(sweep)[3], outcome="failed", error="out of memory")
    operations.move_sweeps()
    ended = now(sweep)
    assert (ended.state, ended.run.status, ended.run.end_ms is not None) == ("Completed", "FINISHED", True)
    shown = queries.children(sweep)
    assert [(one.row.number, one.row.best, one.is_best) for one in shown] == [
        (0, 0.2, True),
        (1, 0.3, False),
        (2, 0.3, False),
        (3, None, False),
    ]
    assert queries.failures(sweep) == [("out of memory", 1)]
    assert dict(RunParam.objects.filter(run=first.run).values_list("key", "value")) == {"lr": "0.1", "depth": "2"}
    operations.move_sweeps()
    assert Job.objects.count() == 4


def test_what_a_script_logged_itself_is_left_as_it_is(start, work, alice):
    sweep = start(space=[("depth", ["choice", 2])])
    operations.move_sweeps()
    (child,) = children(sweep)
    RunParam.objects.create(run=child.run, key="depth", value="2.0")
    work(child)
    operations.move_sweeps()
    assert RunParam.objects.get(run=child.run).value == "2.0"
    assert now(sweep).state == "Completed"


def test_one_who_dies_between_child_and_job_leaves_neither(start, monkeypatch):
    sweep = start()

    class Killed(BaseException):
        pass

    def die(*args: object, **keywords: object) -> None:
        raise Killed

    for place in (sweeping.SweepChild.objects, sweeping):
        with monkeypatch.context() as patch:
            patch.setattr(place, "create" if place is not sweeping else "submit_planned", die)
            with pytest.raises(Killed):
                operations.move_sweeps()
        assert (Job.objects.count(), SweepChild.objects.count(), Run.objects.filter(name__contains="-0").count()) == (
            0,
            0,
            0,
        )
    operations.move_sweeps()
    assert Job.objects.count() == SweepChild.objects.count() == 4
    assert [child.number for child in children(sweep)] == [0, 1, 2, 3]


@pytest.mark.django_db(transaction=True)
def test_many_who_move_a_sweep_at_once_double_nothing(start):
    sweep = start()

    def move() -> None:
        operations.move_sweeps()
        connection.close()

    threads = [threading.Thread(target=move) for _n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    operations.move_sweeps()
    assert [child.number for child in children(sweep)] == [0, 1, 2, 3]
    assert Job.objects.count() == 4


def test_a_canceled_sweep_ends_its_children_and_makes_no_more(start, work, alice):
    sweep = start(max_concurrent_runs=2)
    operations.move_sweeps()
    first, second = children(sweep)
    report(first, 1)
    work(first)
    Job.objects.filter(pk=second.run_id).update(state="Queued", node=None)
    operations.cancel_sweep(alice, sweep)
    assert now(sweep).state == "Canceling"
    operations.move_sweeps()
    operations.move_sweeps()
    ended = now(sweep)
    assert (ended.state, ended.run.status, ended.children.count()) == ("Canceled", "KILLED", 2)
    assert Job.objects.get(pk=second.run_id).state == "Canceled"
    assert operations.cancel_sweep(alice, sweep).state == "Canceled"


def test_time_that_is_over_ends_a_sweep(start, work):
    sweep = start(max_concurrent_runs=1, max_duration_minutes=1)
    operations.move_sweeps()
    report(children(sweep)[0], 1)
    work(children(sweep)[0])
    Sweep.objects.update(deadline_ms=1)
    operations.move_sweeps()
    assert (now(sweep).state, now(sweep).reason, now(sweep).children.count()) == ("Completed", "Its time was over.", 1)


def test_a_sweep_whose_first_children_fail_goes_no_further(start, work):
    sweep = start(max_concurrent_runs=1)
    for number in range(3):
        operations.move_sweeps()
        work(children(sweep)[number], outcome="failed", error="x")
    operations.move_sweeps()
    assert (now(sweep).state, now(sweep).run.status, now(sweep).children.count()) == ("Failed", "FAILED", 3)
    assert "first 3" in now(sweep).reason


def test_the_policy_stops_a_child_and_the_next_takes_its_place(start, work, node_actor):
    sweep = start(max_concurrent_runs=2, policy=Policy("bandit", slack_amount=0.1, evaluation_interval=2))
    operations.move_sweeps()
    good, bad = children(sweep)
    report(good, 0.5, 0.2)
    report(bad, 0.9)
    operations.move_sweeps()
    assert not any(child.stopped for child in children(sweep))
    metrics.append(bad.run_id, [metrics.Point("loss", 0.8, 5000, 5)])
    operations.move_sweeps()
    assert "Bandit at report 2" in children(sweep)[1].stopped
    assert Job.objects.get(pk=bad.run_id).cancel_asked_ms
    assert not children(sweep)[0].stopped
    operations.move_sweeps()
    assert len(children(sweep)) == 3


def test_a_child_whose_run_is_gone_for_good_has_ended(start, work):
    sweep = start()
    operations.move_sweeps()
    for child in children(sweep):
        work(child)
    Run.objects.filter(pk=children(sweep)[0].run_id).delete()
    operations.move_sweeps()
    assert now(sweep).state == "Completed"
    assert SweepChild.objects.filter(sweep=sweep).count() == 4


def test_a_sweep_of_one_who_left_fails_and_says_so(start, alice_user):
    sweep = start()
    Membership.objects.filter(user=alice_user).delete()
    operations.move_sweeps()
    operations.move_sweeps()
    assert now(sweep).state == "Failed"
    assert "could not be submitted" in now(sweep).reason


def test_random_draws_are_the_seeds_and_bayesian_is_told_to_be_random(start):
    space = [("lr", ["loguniform", -6, -1]), ("n", ["randint", 9])]
    drawn = []
    for _n in range(2):
        sweep = start(space=space, sampling="bayesian", seed=7, max_total_runs=5)
        operations.move_sweeps()
        drawn.append([child.parameters for child in children(sweep)])
    assert drawn[0] == drawn[1]
    assert len({str(one) for one in drawn[0]}) == 5
    assert "random" in sweep.warning


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"space": [("lr", ["uniform", 0, 1])]}, "choices alone"),
        ({"space": [("lr", ["uniform", 0, 1])], "sampling": "random"}, "how many"),
        ({"max_total_runs": 0}, "1–1000"),
        ({"metric": ""}, "primary metric"),
        ({"goal": "up"}, "primary metric"),
        ({"max_concurrent_runs": 0}, "At a time"),
        ({"max_duration_minutes": 0}, "minutes"),
        ({"sampling": "hyper"}, "one of"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused(start, fields, match):
    with pytest.raises(InvalidValue, match=match):
        start(**fields)
    assert not JobPlan.objects.exists()


def test_a_reader_can_neither_start_nor_cancel(start, bob, experiment, plan):
    with pytest.raises(Denied):
        operations.start_sweep(bob, experiment, plan=plan, space=make_space(GRID), metric="loss")
    with pytest.raises(Denied):
        operations.cancel_sweep(bob, start())


def test_a_live_sweep_holds_its_run_and_a_workspace_goes_with_its_sweeps(start, workspace):
    sweep = start()
    assert deletion.holds_runs([sweep.pk])[sweep.pk]
    operations.move_sweeps()
    while deletion.delete_next_batch(workspace):
        pass
    assert not Sweep.objects.exists()
    assert not JobPlan.objects.exists()
    assert not Job.objects.exists()


def test_a_sweep_is_made_of_a_job_and_a_plan_without_one_is_forgotten(submit, alice):
    job = submit()
    planned = operations.planned_as(job)
    sweep = operations.start_sweep(alice, job.run.experiment, plan=planned, space=make_space(GRID), metric="loss")
    operations.forget_plans()
    assert JobPlan.objects.count() == 1
    Run.objects.filter(pk=sweep.pk).delete()
    operations.forget_plans()
    assert not JobPlan.objects.exists()
    with pytest.raises(Conflict):
        operations.rerun_job(alice, job)


def test_an_entry_point_gets_its_parameters(start, alice, workspace):
    project = b"entry_points:\n  main:\n    parameters: {lr: float, depth: {default: 1}}\n    command: x {lr} {depth}"
    snapshot = operations.store_snapshot(alice, workspace, files={"MLproject": project})
    sweep = start(plan=Planned(snapshot, entry_point="main", environment=parse_requirements("numpy")))
    operations.move_sweeps()
    job = children(sweep)[3].run.job
    assert job.command == ["bash", "-c", "x 0.01 4"]
    assert job.parameters == {"lr": "0.01", "depth": "4"}
