"""The filter box's suggestions: what fits at the caret, from what the caller may see."""

import pytest

from experiments import metrics, search
from experiments.metrics import Point
from experiments.models import Dataset, Experiment, Run, RunDataset, RunParam, RunTag
from lib.errors import InvalidValue
from lib.search import dialects, parse_filter

pytestmark = pytest.mark.django_db


@pytest.fixture
def experiment(workspace):
    made = Experiment.objects.create(workspace=workspace, name="suggested")
    run = Run.objects.create(workspace=workspace, experiment=made, name="brave-owl-1", user_name="alice")
    metrics.append(run.pk, [Point("loss", 1.0, 0, 0), Point("val loss", 1.0, 0, 0), Point("Lift", 1.0, 0, 0)])
    for key, value in (("rate", "0.1"), ("optimizer", "adam"), ("note", "it's")):
        RunParam.objects.create(run=run, key=key, value=value)
    RunTag.objects.create(run=run, key="team", value="x" * 500)
    dataset = Dataset.objects.create(experiment=made, name="iris", digest="abc", source_type="x", source="x")
    RunDataset.objects.create(run=run, dataset=dataset, tags={"mlflow.data.context": "training"})
    return made


@pytest.fixture
def asked(bob, workspace, experiment):
    def ask(prefix):
        found = search.suggest(bob, workspace, [experiment.pk], prefix)
        return [prefix[: one.start] + one.text for one in found]

    return ask


@pytest.mark.parametrize(
    ("prefix", "wanted"),
    [
        ("", "metrics."),
        ("met", "metrics."),
        ("sta", "status"),
        ("sta", "start_time"),
        ("metrics.a > 1 AND (par", "metrics.a > 1 AND (params."),
        ("metrics.", "metrics.loss"),
        ("metrics.l", "metrics.Lift"),
        ("metrics.v", "metrics.`val loss`"),
        ("metrics.`val l", "metrics.`val loss`"),
        ("min(metrics.lo", "min(metrics.loss"),
        ("attributes.st", "attributes.status"),
        ("dataset.", "dataset.context"),
        ("params.opt", "params.optimizer"),
        ("params.optimizer ", "params.optimizer ILIKE"),
        ("params.optimizer li", "params.optimizer LIKE"),
        ("min(metrics.loss) ", "min(metrics.loss) BETWEEN"),
        ("params.optimizer = ", "params.optimizer = 'adam'"),
        ("params.optimizer =", "params.optimizer ='adam'"),
        ("params.optimizer = 'a", "params.optimizer = 'adam'"),
        ("params.optimizer = ad", "params.optimizer = 'adam'"),
        ("params.note = 'it", "params.note = 'it''s'"),
        ("params.optimizer NOT IN ('sgd', ", "params.optimizer NOT IN ('sgd', 'adam'"),
        ("params.optimizer LIKE 'A", "params.optimizer LIKE 'adam'"),
        ("status != 'fin", "status != 'FINISHED'"),
        ("run_name = br", "run_name = 'brave-owl-1'"),
        ("dataset.context = ", "dataset.context = 'training'"),
        ("dataset.name = 'ir", "dataset.name = 'iris'"),
        ("metrics.loss > 1 ", "metrics.loss > 1 AND"),
        ("metrics.loss > 1 o", "metrics.loss > 1 OR"),
        ("end_time IS NULL ", "end_time IS NULL AND"),
    ],
)
def test_what_fits_is_suggested(asked, prefix, wanted):
    assert wanted in asked(prefix)


@pytest.mark.parametrize(
    "prefix", ["metrics.x", "metrics.loss > ", "tags.team = ", "foo.", "run_id = '", "))", "1 2 3"]
)
def test_nothing_is_made_up(asked, prefix):
    assert not [one for one in asked(prefix) if one.startswith(prefix) and one not in (f"{prefix}AND", f"{prefix}OR")]


def test_a_key_or_value_that_is_taken_makes_a_filter(asked):
    for prefix, rest in (("metrics.v", " > 1"), ("params.note = 'it", ""), ("dataset.context = ", "")):
        for text in asked(prefix):
            parse_filter(text + rest, dialects.RUNS)


def test_strangers_learn_nothing(charlie, workspace, experiment):
    assert search.suggest(charlie, workspace, [experiment.pk], "metrics.") == []


def test_other_experiments_and_the_bin_are_left_out(bob, workspace, experiment):
    assert search.suggest(bob, workspace, [experiment.pk + 1], "metrics.") == []
    assert search.suggest(bob, workspace, [], "metrics.l")
    Run.objects.update(deleted_ms=1)
    assert search.suggest(bob, workspace, [], "metrics.l") == []


def test_a_text_that_no_filter_can_be_is_refused(bob, workspace):
    for prefix in ("x" * 20_001, "a\x00"):
        with pytest.raises(InvalidValue):
            search.suggest(bob, workspace, [], prefix)


def test_programs_ask_by_http(bearer, bob_user, charlie_user, workspace, experiment):
    address = f"/w/{workspace.name}/api/v1/search/suggestions"
    answer = bearer(bob_user).get(address, {"prefix": "metrics.lo", "experiment": [experiment.pk]})
    assert answer.json() == [{"text": "loss", "kind": "metric", "start": 8}]
    assert bearer(charlie_user).get(address, {"prefix": "metrics."}).status_code == 404
    refused = bearer(bob_user).get(address, {"prefix": "'\x01\ud7ff" + "x" * 20_001})
    assert (refused.status_code, refused.json()["column"]) == (400, 20_000)
    assert bearer(bob_user).get(address, {"experiment": "abc"}).status_code == 400
