"""Deleting for good: exactly what was asked, rows and files, with what is needed left alone."""

from __future__ import annotations

import io

import pytest
from django.db import connections

from experiments import deletion, metrics, operations
from experiments.artifacts import places, store
from experiments.metrics import compaction
from experiments.models import (
    Experiment,
    LoggedModel,
    LoggedModelMetric,
    MetricSeries,
    Purge,
    PurgedPlace,
    Run,
)
from experiments.purging import Tally, engine, neighbours, weigh
from experiments.purging import files as purged_files
from jobs.models import Job
from lib.errors import Conflict, Denied, InvalidValue, NotFound
from registry import operations as registry
from tests.experiments import purge_world as world
from tests.mlflow_client import Refused
from workspaces.access import Actor
from workspaces.authentication import actor_of_user
from workspaces.models import AuditEntry, Membership, Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def experiment(workspace) -> Experiment:
    return operations.create_experiment(Actor.system(), workspace, name="trees")


def trashed(experiment, name, **options) -> Run:
    run = world.make_run(experiment, name, **options)
    operations.delete_run(Actor.system(), run)
    return run


def purged(workspace, kind, *names) -> Purge:
    return world.carry_out(operations.purge(Actor.system(), workspace, kind=kind, names=names))


def test_a_run_goes_with_its_rows_files_and_models_and_its_neighbour_stays(experiment, workspace):
    stays = world.make_run(experiment, "stays", sizes=(7,))
    goes = world.make_run(experiment, "goes", count=25, sizes=(100, 20, 3))
    world.make_model(goes, "m", sizes=(40,))
    before = {path: size for path, size in world.files().items() if stays.pk in path}
    operations.delete_run(Actor.system(), goes)
    done = purged(workspace, "run", goes.pk)
    assert done.freed == Tally(runs=1, logged_models=1, metrics=1, points=25, files=4, size_bytes=163).as_json()
    assert done.expected == done.freed
    assert world.files() == before
    assert [run.pk for run in Run.objects.filter(experiment=experiment)] == [stays.pk]
    assert not LoggedModel.objects.exists()
    assert MetricSeries.objects.get().run_id == stays.pk
    assert not any(world.orphans().values())


def test_only_what_lies_in_the_trash_is_purged(experiment, workspace):
    run = world.make_run(experiment, "alive")
    with pytest.raises(NotFound):
        operations.purge(Actor.system(), workspace, kind="run", names=[run.pk])
    with pytest.raises(InvalidValue):
        operations.purge(Actor.system(), workspace, kind="version", names=["1"])
    with pytest.raises(InvalidValue):
        operations.purge(Actor.system(), workspace, kind="run", names=[])


def test_what_is_restored_before_its_turn_is_spared(experiment, workspace):
    run = trashed(experiment, "back", sizes=(9,))
    asked = operations.purge(Actor.system(), workspace, kind="run", names=[run.pk])
    operations.restore_run(Actor.system(), Run.objects.get(pk=run.pk))
    world.carry_out(asked)
    assert Run.objects.filter(pk=run.pk).exists()
    assert sum(world.files().values()) == 9


def test_what_is_deleted_after_the_trash_was_emptied_stays_in_it(experiment, workspace, monkeypatch):
    run = trashed(experiment, "early")
    asked = operations.purge(Actor.system(), workspace, kind="trash")
    Purge.objects.filter(pk=asked.pk).update(until_ms=Run.objects.get(pk=run.pk).deleted_ms)
    late = trashed(experiment, "late")
    Run.objects.filter(pk=late.pk).update(deleted_ms=Run.objects.get(pk=run.pk).deleted_ms + 1)
    world.carry_out(asked)
    assert [one.name for one in Run.objects.all()] == ["late"]


def test_an_experiment_goes_with_all_that_is_in_it(experiment, workspace):
    runs = [world.make_run(experiment, f"r{number}", sizes=(number + 1,)) for number in range(45)]
    world.make_model(runs[0], "m")
    operations.set_experiment_tag(Actor.system(), experiment, key="a", value="b")
    operations.delete_experiment(Actor.system(), experiment)
    done = purged(workspace, "experiment", str(experiment.pk))
    assert (done.freed["experiments"], done.freed["runs"]) == (1, 45)
    assert done.expected == done.freed
    assert not Experiment.objects.filter(pk=experiment.pk).exists()
    assert not Run.objects.exists()
    assert world.files() == {}
    assert not any(world.rows().values())


def test_a_run_that_was_moved_away_keeps_its_files_when_its_old_experiment_goes(experiment, workspace):
    moved = world.make_run(experiment, "moved", sizes=(7,))
    goes = world.make_run(experiment, "goes", sizes=(20,))
    kept = {path: size for path, size in world.files().items() if moved.pk in path}
    other = operations.create_experiment(Actor.system(), workspace, name="other")
    operations.move_runs(Actor.system(), workspace, runs=[moved.pk], to=other)
    operations.delete_experiment(Actor.system(), experiment)
    done = purged(workspace, "experiment", str(experiment.pk))
    assert world.files() == kept
    assert (done.freed["size_bytes"], done.freed["runs"]) == (20, 1)
    assert not Run.objects.filter(pk=goes.pk).exists()
    moved.refresh_from_db()
    operations.delete_run(Actor.system(), moved)
    purged(workspace, "run", moved.pk)
    assert world.files() == {}


def test_children_stay_when_their_parent_goes(experiment, workspace, alice_user, browse):
    parent = world.make_run(experiment, "parent")
    child = operations.create_run(Actor.system(), experiment, name="child", tags={"mlflow.parentRunId": parent.pk})
    operations.delete_run(Actor.system(), parent)
    purged(workspace, "run", parent.pk)
    assert [run.pk for run in Run.objects.all()] == [child.pk]
    assert browse(alice_user).get(f"/w/main/runs/{child.pk}/").status_code == 200


def test_a_run_whose_model_a_version_serves_from_stays_and_says_who_needs_it(experiment, workspace):
    run = world.make_run(experiment, "needed", sizes=(5,))
    world.make_version(world.make_model(run, "m"), "fraud")
    own = world.make_run(experiment, "bare")
    world.put(own, "model/model.pkl", 8)
    registry.register_from_run(Actor.system(), workspace, run=own, path="model", name="bare")
    gone = trashed(experiment, "gone", sizes=(3,))
    for one in (run, own):
        operations.delete_run(Actor.system(), one)
    before = world.files()
    done = purged(workspace, "trash")
    assert {one["name"]: [holder["name"] for holder in one["holders"]] for one in done.kept} == {
        "needed": ["fraud:1"],
        "bare": ["bare:1"],
    }
    assert done.kept_count == 2
    assert done.freed == Tally(runs=1, metrics=1, points=10, files=1, size_bytes=3).as_json() == done.expected
    assert world.files() == {path: size for path, size in before.items() if gone.pk not in path}


def test_a_deleted_model_that_a_version_has_stays_with_its_experiment(experiment, workspace):
    run = world.make_run(experiment, "r")
    needed, other = world.make_model(run, "needed"), world.make_model(run, "other")
    world.make_version(needed, "fraud")
    for model in (needed, other):
        operations.delete_logged_model(Actor.system(), model)
    done = purged(workspace, "trash")
    assert [model.pk for model in LoggedModel.objects.all()] == [needed.pk]
    assert done.freed["logged_models"] == 1
    operations.delete_experiment(Actor.system(), experiment)
    done = purged(workspace, "experiment", str(experiment.pk))
    assert Experiment.objects.filter(pk=experiment.pk).exists()
    assert {one["kind"] for one in done.kept} == {"logged_model", "run", "experiment"}
    assert done.freed == done.expected | {"experiments": 0}


def test_a_lineage_without_files_here_holds_nothing(experiment, workspace):
    run = trashed(experiment, "r")
    model = registry.register_model(Actor.system(), workspace, name="outside")
    version = registry.create_version(Actor.system(), model, source="s3://bucket/model", run_id=run.pk)
    purged(workspace, "run", run.pk)
    version.refresh_from_db()
    assert version.run_id is None


def test_a_run_that_a_job_still_writes_stays(experiment, workspace, monkeypatch):
    run = trashed(experiment, "busy")
    holder = neighbours.Holder("job", run.pk)
    busy = neighbours.Neighbour("test", holds_runs=lambda ids: {run.pk: [holder]} if run.pk in ids else {})
    monkeypatch.setattr(neighbours, "NEIGHBOURS", [*neighbours.NEIGHBOURS, busy])
    assert purged(workspace, "run", run.pk).kept[0]["holders"] == [{"kind": "job", "name": run.pk}]
    assert Run.objects.filter(pk=run.pk).exists()
    assert Job.objects.count() == 0


def test_one_metric_goes_and_the_others_stay(experiment):
    run = world.make_run(experiment, "r", count=300)
    world.points(run, 7, "accuracy")
    model = world.make_model(run, "m")
    for key in ("loss", "accuracy"):
        LoggedModelMetric.objects.create(model=model, run=run, key=key, value=1, step=1, at_ms=1)
    done = operations.delete_metric(Actor.system(), run, metric="loss")
    assert done.freed == Tally(metrics=1, points=300).as_json() == done.expected
    assert metrics.keys([run.pk]) == ["accuracy"]
    assert [one.key for one in LoggedModelMetric.objects.all()] == ["accuracy"]
    assert not any(world.orphans().values())
    with pytest.raises(NotFound):
        operations.delete_metric(Actor.system(), run, metric="loss")


def test_packing_at_the_same_time_brings_no_point_back(experiment, monkeypatch):
    monkeypatch.setattr(compaction, "CHUNK_POINTS", 64)
    run = world.make_run(experiment, "r", count=500)
    series = MetricSeries.objects.get(run=run)
    taken = compaction.take(series.pk)
    chunks = [compaction.packing.pack(piece) for piece in compaction.pieces(taken.points)]
    operations.delete_metric(Actor.system(), run, metric="loss")
    assert compaction.replace(series.pk, taken, chunks) is False
    assert not any(count for table, count in world.rows().items() if "metric" in table)
    world.points(run, 3)
    assert len(metrics.history(run.pk, "loss")) == 3


def test_packed_points_go_too(experiment, workspace, monkeypatch):
    monkeypatch.setattr(compaction, "CHUNK_POINTS", 64)
    run = world.make_run(experiment, "r", count=500)
    while metrics.compact_due():
        pass
    assert world.rows()["experiments_metricchunk"]
    operations.delete_run(Actor.system(), run)
    assert purged(workspace, "run", run.pk).freed["points"] == 500
    assert not any(world.rows().values())


def test_one_file_and_one_folder_go(experiment):
    run = world.make_run(experiment, "r", sizes=(1, 2, 3))
    model = world.make_model(run, "m", sizes=(50, 60))
    done = world.carry_out(operations.purge_artifact(Actor.system(), run, path="files/0"))
    assert (done.freed["files"], done.freed["size_bytes"]) == (2, 4)
    done = world.carry_out(operations.purge_artifact(Actor.system(), run, path="m/0.bin"))
    assert (done.names, done.freed["size_bytes"]) == ([model.pk], 50)
    assert sorted(world.files().values()) == [2, 60]
    assert not PurgedPlace.objects.exists()
    for bad in ("", "m", "nothing", "../other"):
        with pytest.raises((InvalidValue, NotFound)):
            operations.purge_artifact(Actor.system(), run, path=bad)


def test_a_file_that_a_version_has_is_refused_at_every_door(experiment, mlflow):
    run = world.make_run(experiment, "r")
    model = world.make_model(run, "m")
    world.make_version(model, "fraud")
    for refused in (operations.purge_artifact, operations.delete_artifact):
        with pytest.raises(Conflict, match="fraud:1"):
            refused(Actor.system(), model, path="0.bin")
    assert world.files()


def test_a_reader_and_a_contributor_may_not_and_a_stranger_sees_nothing(
    experiment, workspace, alice, bob, charlie, charlie_user
):
    run = trashed(experiment, "r")
    with pytest.raises(Denied):
        operations.purge(bob, workspace, kind="run", names=[run.pk])
    with pytest.raises(NotFound):
        operations.purge(charlie, workspace, kind="run", names=[run.pk])
    Membership.objects.create(user=charlie_user, workspace=workspace, role=Role.CONTRIBUTOR)
    with pytest.raises(Denied):
        operations.purge(actor_of_user(charlie_user), workspace, kind="run", names=[run.pk])
    assert operations.purge(alice, workspace, kind="run", names=[run.pk]).asked_by == "alice"


def test_asking_and_ending_are_in_the_audit_log(experiment, workspace, alice):
    run = trashed(experiment, "r", sizes=(12,))
    world.carry_out(operations.purge(alice, workspace, kind="run", names=[run.pk]))
    asked, ended = AuditEntry.objects.filter(action__in=["experiments.purge", "experiments.purged"]).order_by("pk")
    assert asked.actor == "alice"
    assert (ended.actor, ended.target, ended.details["size_bytes"]) == ("system", "r", 12)
    assert ended.details["asked_by"] == "alice"


def test_a_store_that_refuses_is_tried_again_and_nothing_is_counted_twice(experiment, workspace, monkeypatch):
    run = trashed(experiment, "r", sizes=(12, 30))
    asked = operations.purge(Actor.system(), workspace, kind="run", names=[run.pk])
    real, failing = purged_files.remove, [True]

    def remove(key):
        if failing.pop():
            raise PermissionError(13, "Permission denied")
        failing.append(False)
        real(key)

    monkeypatch.setattr(purged_files, "remove", remove)
    assert not engine.step(asked.pk)
    asked.refresh_from_db()
    assert asked.error == "Permission denied"
    assert asked.pk not in engine.live()
    failing.append(False)
    Purge.objects.update(retry_ms=0)
    done = world.carry_out(asked)
    assert (done.freed["size_bytes"], done.error) == (42, "")
    assert world.files() == {}


def test_what_an_upload_leaves_behind_is_found_a_day_later(experiment, workspace, monkeypatch):
    run = trashed(experiment, "r", sizes=(12,))
    purged(workspace, "run", run.pk)
    store().put(f"{places.of_run(run).key}/late.bin", io.BytesIO(b"late"))
    assert purged_files.look_again() == 0
    PurgedPlace.objects.update(removed_ms=1)
    assert purged_files.look_again() == 1
    assert world.files() == {}
    assert not PurgedPlace.objects.exists()


def test_two_workers_never_share_a_purge(experiment, workspace):
    run = trashed(experiment, "r")
    asked = operations.purge(Actor.system(), workspace, kind="run", names=[run.pk])
    other = connections["default"].copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [engine.LOCK_CLASS, asked.pk])
        assert engine.step(asked.pk) is False
        assert Run.objects.filter(pk=run.pk).exists()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [engine.LOCK_CLASS, asked.pk])
    finally:
        other.close()
    assert engine.step(asked.pk)


def test_a_large_trash_is_weighed_for_as_long_as_one_waits(experiment, workspace):
    for number in range(41):
        trashed(experiment, f"r{number}", count=1)
    planned = operations.planned(workspace, kind="trash")
    assert weigh(planned).tally.runs == 41
    short = weigh(planned, seconds=0)
    assert not short.is_complete
    assert 0 < short.tally.runs < 41


def test_a_workspace_that_is_deleted_takes_what_purges_had_yet_to_remove(experiment, workspace, monkeypatch):
    run = trashed(experiment, "r", sizes=(12,))
    asked = operations.purge(Actor.system(), workspace, kind="run", names=[run.pk])
    monkeypatch.setattr(purged_files, "remove_next", lambda purge: False)
    engine.step(asked.pk)
    assert not Run.objects.exists()
    assert world.files()
    while deletion.delete_next_batch(workspace):
        pass
    assert world.files() == {}


def test_to_clients_a_purged_run_and_experiment_do_not_exist(experiment, workspace, mlflow):
    run = trashed(experiment, "r")
    purged(workspace, "run", run.pk)
    with pytest.raises(Refused) as refused:
        mlflow("GetRun", run_id=run.pk)
    assert (refused.value.status, refused.value.code) == (404, "RESOURCE_DOES_NOT_EXIST")
    operations.delete_experiment(Actor.system(), experiment)
    purged(workspace, "experiment", str(experiment.pk))
    with pytest.raises(Refused) as refused:
        mlflow("GetExperiment", experiment_id=str(experiment.pk))
    assert refused.value.code == "RESOURCE_DOES_NOT_EXIST"
    assert operations.create_experiment(Actor.system(), workspace, name="trees").pk != experiment.pk
