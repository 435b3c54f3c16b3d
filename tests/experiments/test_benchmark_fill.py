"""What the benchmarks write past the operations fits the tables as they are now."""

import importlib
import sys
from pathlib import Path

import pytest
from django.db import connection

from experiments import metrics
from experiments.models import Experiment, Run, RunParam, RunTag
from registry.models import ModelVersion, RegisteredModel

pytestmark = pytest.mark.django_db
BENCHMARKS = Path(__file__).parents[2] / "script" / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """Import one of the benchmarks' modules as they import each other, and forget it again."""
    known = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module
    for name in set(sys.modules) - known:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def run(statements, **values):
    with connection.cursor() as cursor:
        for statement in statements:
            if not statement.startswith("VACUUM"):  # not within a test's transaction
                cursor.execute(statement.format(**values))


def test_runs_and_models_are_written_past_the_operations(benchmark, workspace):
    fill = benchmark("_fill")
    experiment = Experiment.objects.create(workspace=workspace, name="bench")
    known = {"now": fill.NOW, "metric": fill.METRIC, "param": fill.PARAM, "count": 3, "experiment": experiment.pk}
    run(fill.STUDIO, **known, run=fill.RUN.format(name="bench "))
    runs = Run.objects.filter(experiment=experiment)
    assert (runs.count(), RunParam.objects.count(), RunTag.objects.count()) == (3, 60, 15)
    assert [len(found) for found in metrics.latest([one.pk for one in runs]).values()] == [20, 20, 20]
    run(fill.STUDIO_MODELS, **known)
    assert (RegisteredModel.objects.count(), ModelVersion.objects.count()) == (3, 6)


def test_runs_to_search_are_written_past_the_operations(benchmark, workspace):
    experiment = Experiment.objects.create(workspace=workspace, name="bench")
    with connection.cursor() as cursor:
        cursor.execute(benchmark("search").FILL, {"workspace": workspace.pk, "experiment": experiment.pk, "runs": 4})
    assert Run.objects.filter(experiment=experiment, status="FAILED").count() == 2
    assert RunParam.objects.count() == 80
