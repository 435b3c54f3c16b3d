"""Acts on many runs: what goes along, what stays reachable, who may."""

from __future__ import annotations

import io

import pytest

from experiments import operations, queries
from experiments.artifacts import of_model, of_run, store
from experiments.metrics import Point
from experiments.models import PARENT_TAG, Dataset, Experiment, LoggedModel, Run, RunDataset
from lib.errors import Denied, InvalidValue, NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def artifact_root(settings, tmp_path):
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"


@pytest.fixture
def experiment(alice, workspace) -> Experiment:
    return operations.create_experiment(alice, workspace, name="from")


@pytest.fixture
def target(alice, workspace) -> Experiment:
    return operations.create_experiment(alice, workspace, name="to")


@pytest.fixture
def family(alice, experiment) -> list[Run]:
    """A run, two in it, one in the first of these."""
    parent = operations.create_run(alice, experiment, name="parent")
    children = [operations.create_run(alice, experiment, name=f"c{n}", tags={PARENT_TAG: parent.pk}) for n in range(2)]
    return [parent, *children, operations.create_run(alice, experiment, name="g", tags={PARENT_TAG: children[0].pk})]


def put(alice, owner, path: str) -> None:
    operations.put_artifact(alice, owner, path=path, source=io.BytesIO(b"1"), size_bytes=1)


def test_what_is_nested_goes_along_and_is_taken_back_by_name(alice, workspace, experiment, family):
    parent, first, second, grandchild = family
    other = operations.create_run(alice, experiment)
    operations.delete_run(alice, second)
    changed = operations.delete_runs(alice, workspace, runs=[parent.pk])
    assert set(changed) == {parent.pk, first.pk, grandchild.pk}
    assert set(Run.objects.filter(deleted_ms=None)) == {other}
    operations.restore_runs(alice, workspace, runs=changed)
    assert set(Run.objects.filter(deleted_ms=None)) == {parent, first, grandchild, other}


def test_a_run_that_is_its_own_ancestor_ends(alice, workspace, family):
    parent, *_rest, grandchild = family
    operations.set_tag(alice, parent, key=PARENT_TAG, value=grandchild.pk)
    assert len(operations.archive_runs(alice, workspace, runs=[parent.pk])) == 4


def test_an_archived_run_is_only_out_of_sight(alice, workspace, experiment, family):
    operations.archive_runs(alice, workspace, runs=[family[1].pk])
    assert queries.search_runs(alice, workspace, [experiment.pk]).count() == 4
    seen = queries.search_runs(alice, workspace, [experiment.pk], view=queries.View.SHOWN)
    assert set(seen) == {family[0], family[2]}
    operations.log_metric(alice, Run.objects.get(pk=family[1].pk), point=Point("loss", 1.0, 0, 0))


def test_a_run_in_a_deleted_experiment_is_not_restored_alone(alice, workspace, experiment, family):
    operations.delete_experiment(alice, experiment)
    with pytest.raises(InvalidValue, match="restore it first"):
        operations.restore_runs(alice, workspace, runs=[family[0].pk])


def test_moved_runs_keep_their_files_models_and_data(alice, workspace, experiment, target, family):
    run, child = family[0], family[1]
    put(alice, run, "plot.png")
    uri = of_run(run).uri
    model = operations.create_logged_model(alice, experiment, name="model", source_run_id=child.pk)
    put(alice, model, "MLmodel")
    model_uri = of_model(model).uri
    operations.log_inputs(alice, run, datasets=[operations.DatasetUse("d", "1", "local", "{}")])
    before = operations.move_runs(alice, workspace, runs=[run.pk], to=target)
    assert before == {one.pk: experiment.pk for one in family}
    run, model = Run.objects.get(pk=run.pk), LoggedModel.objects.get(pk=model.pk)
    assert run.experiment == model.experiment == target
    assert (of_run(run).uri, of_model(model).uri) == (uri, model_uri)
    for owner, address, path in ((run, uri, "plot.png"), (model, model_uri, "MLmodel")):
        key = address.removeprefix("mlflow-artifacts:/")
        assert queries.owner_of_artifact(alice, workspace, f"{key}/{path}") == (owner, path)
        assert store().size(f"{key}/{path}") == 1
    assert queries.search_runs(alice, workspace, [target.pk], text=f"attributes.artifact_uri = '{uri}'").get() == run
    assert RunDataset.objects.get(run=run).dataset.experiment == target
    assert Dataset.objects.filter(experiment=experiment).exists()


def test_moved_back_a_run_is_as_it_was(alice, workspace, experiment, target, family):
    before = operations.move_runs(alice, workspace, runs=[family[1].pk], to=target)
    assert set(before) == {family[1].pk, family[3].pk}
    operations.move_runs(alice, workspace, runs=list(before), to=experiment, alone=True)
    assert not Run.objects.exclude(files_under=None).exists()
    assert Run.objects.filter(experiment=experiment).count() == 4


def test_a_moved_run_goes_on_logging_where_its_client_began(alice, workspace, target, family):
    key = of_run(family[0]).key
    operations.move_runs(alice, workspace, runs=[family[0].pk], to=target)
    owner, path = queries.owner_of_artifact(alice, workspace, f"{key}/late.txt")
    put(alice, owner, path)
    assert store().size(f"{key}/late.txt") == 1


def test_runs_move_to_no_bin_and_to_no_other_workspace(alice, workspace, elsewhere, target, family):
    operations.delete_experiment(alice, target)
    target.refresh_from_db()
    with pytest.raises(InvalidValue):
        operations.move_runs(alice, workspace, runs=[family[0].pk], to=target)
    with pytest.raises(NotFound):
        other = Experiment.objects.create(workspace=elsewhere, name="x")
        operations.move_runs(alice, workspace, runs=[family[0].pk], to=other)


def test_tags_are_set_and_removed_and_mlflows_own_are_refused(alice, workspace, family):
    ids = [run.pk for run in family]
    operations.set_tag(alice, family[0], key="stage", value="old")
    assert operations.tag_runs(alice, workspace, runs=ids, name="stage", value="new") == 4
    assert {run.tags.get(key="stage").value for run in family} == {"new"}
    assert operations.tag_runs(alice, workspace, runs=ids[:1], name="stage", value="") == 1
    with pytest.raises(InvalidValue, match="MLflow itself"):
        operations.tag_runs(alice, workspace, runs=ids, name="mlflow.runName", value="x")


def test_another_workspaces_runs_are_not_touched(alice, workspace, elsewhere):
    foreign = Experiment.objects.create(workspace=elsewhere, name="x")
    run = Run.objects.create(workspace=elsewhere, experiment=foreign, name="x")
    for act in (operations.delete_runs, operations.archive_runs):
        assert act(alice, workspace, runs=[run.pk]) == []
    assert operations.tag_runs(alice, workspace, runs=[run.pk], name="a", value="b") == 0


def test_a_reader_may_not(bob, workspace, family, target):
    ids = [run.pk for run in family]
    for act in (operations.delete_runs, operations.archive_runs, operations.unarchive_runs, operations.restore_runs):
        with pytest.raises(Denied):
            act(bob, workspace, runs=ids)
    with pytest.raises(Denied):
        operations.move_runs(bob, workspace, runs=ids, to=target)


def test_ten_thousand_runs_are_a_few_statements(alice, workspace, experiment, target, django_assert_max_num_queries):
    rows = [Run(workspace=workspace, experiment=experiment, name=str(number)) for number in range(10_000)]
    ids = [run.pk for run in Run.objects.bulk_create(rows)]
    with django_assert_max_num_queries(20):
        operations.archive_runs(alice, workspace, runs=ids)
        operations.tag_runs(alice, workspace, runs=ids, name="a", value="b")
        operations.move_runs(alice, workspace, runs=ids, to=target)
    assert Run.objects.filter(experiment=target, tags__key="a").exclude(archived_ms=None).count() == 10_000


def test_a_run_is_heard_once_a_minute(alice, experiment, monkeypatch):
    run = operations.create_run(alice, experiment)
    Run.objects.filter(pk=run.pk).update(heard_ms=1_000)
    run.refresh_from_db()
    run.start_ms = 1_000
    assert run.silent_ms > 0
    operations.log_metric(alice, run, point=Point("loss", 1.0, 0, 0))
    run.refresh_from_db()
    assert run.silent_ms == 0
    heard = run.heard_ms
    operations.log_batch(alice, run, params=[("a", "1")])
    run.refresh_from_db()
    assert run.heard_ms == heard
