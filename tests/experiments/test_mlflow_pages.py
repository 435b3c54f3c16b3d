"""A page of runs is written by the database: the same as one run after another, whatever was logged."""

import json
import math

import pytest

from experiments import operations, queries
from experiments.metrics import Point
from experiments.mlflow_api import shapes
from experiments.mlflow_api.pages import runs_json
from experiments.models import Experiment
from lib.mlflow import wire

pytestmark = pytest.mark.django_db
TEXTS = ["", "plain", 'say "so"', "back\\slash", "a\nb\tc\x01\x7f", "ü€😀", "</script>", "%s", "{}", "\u2028"]
NUMBERS = [0.0, -0.0, 1.5, 1e300, -1e-300, 5e-324, 1 / 3, 1e16, 123456789.125, math.nan, math.inf, -math.inf]


@pytest.fixture
def runs(alice, workspace):
    experiment = Experiment.objects.get(workspace=workspace)
    full, _bare, dead = (operations.create_run(alice, experiment, name=name) for name in ('full "x"', "bare", "dead"))
    points = [Point(f"m/{number} ü", value, 5 + number, -number) for number, value in enumerate(NUMBERS)]
    texts = [(f"k{number}", text) for number, text in enumerate(TEXTS)]
    operations.log_batch(alice, full, metrics=points, params=texts, tags=texts)
    use = operations.DatasetUse("d", "x", "local", '{"a": "b"}', tags={"mlflow.data.context": "train"})
    model = operations.create_logged_model(alice, experiment, name="m")
    operations.log_inputs(alice, full, datasets=[use], model_ids=[model.pk])
    operations.log_outputs(alice, full, models=[(model.pk, 3)])
    operations.delete_run(alice, dead)
    return list(type(full).objects.order_by("name"))


def test_a_page_says_what_single_runs_say(runs):
    one_by_one = [json.loads(wire.answer(shapes.run(details)).content) for details in queries.run_details(runs)]
    assert json.loads(f"[{runs_json(runs)}]") == one_by_one


def test_no_runs_are_an_empty_page(mlflow):
    assert runs_json([]) == ""
    assert mlflow("SearchRuns", experiment_ids=["0"], max_results=5) == {"runs": []}


@pytest.mark.django_db(transaction=True)
def test_a_page_is_read_at_once_but_for_datasets_and_models(runs, django_assert_num_queries):
    for some, queries_wanted in ((runs[:1], 1), (runs[:2], 1), (runs[2:], 3), (runs, 3)):
        with django_assert_num_queries(queries_wanted) as asked:
            runs_json(some)
        assert "max_parallel_workers_per_gather = 0" in asked.captured_queries[0]["sql"]
