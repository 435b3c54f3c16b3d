"""Random worlds, random purges: what is left is what a plain account in Python says, to the row and the byte."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import operations
from experiments.models import Experiment, LoggedModel, Run
from experiments.purging import Tally, weigh
from tests.experiments import purge_world as world
from workspaces.access import Actor
from workspaces.operations import create_workspace

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system()
NUMBER = itertools.count()


@dataclass
class AModel:
    sizes: tuple[int, ...]
    is_deleted: bool
    is_registered: bool
    row: LoggedModel | None = None


@dataclass
class ARun:
    points: int
    sizes: tuple[int, ...]
    is_deleted: bool
    models: list[AModel] = field(default_factory=list)
    row: Run | None = None

    @property
    def is_held(self) -> bool:
        return any(model.is_registered for model in self.models)


@dataclass
class AnExperiment:
    is_deleted: bool
    runs: list[ARun]
    row: Experiment | None = None


SIZES = st.lists(st.integers(0, 30), max_size=3).map(tuple)
RARE = st.sampled_from([False, False, True])
MODELS = st.builds(AModel, sizes=SIZES, is_deleted=RARE, is_registered=RARE)
RUNS = st.builds(
    ARun, points=st.integers(0, 9), sizes=SIZES, is_deleted=st.booleans(), models=st.lists(MODELS, max_size=2)
)
WORLDS = st.lists(st.builds(AnExperiment, is_deleted=RARE, runs=st.lists(RUNS, max_size=4)), min_size=1, max_size=3)


def build(workspace, found: list[AnExperiment]) -> None:
    for one in found:
        one.row = operations.create_experiment(SYSTEM, workspace, name=f"e{next(NUMBER)}")
        for run in one.runs:
            run.row = world.make_run(one.row, "r", count=run.points, sizes=run.sizes)
            for model in run.models:
                model.row = world.make_model(run.row, "m", sizes=model.sizes)
                if model.is_registered:
                    world.make_version(model.row, f"v{next(NUMBER)}")
                if model.is_deleted:
                    operations.delete_logged_model(SYSTEM, model.row)
            if run.is_deleted:
                operations.delete_run(SYSTEM, run.row)
        if one.is_deleted:
            operations.delete_experiment(SYSTEM, one.row)


def goes(found: list[AnExperiment], kind: str, picked) -> tuple[list[AnExperiment], list[ARun], list[AModel]]:
    """Account for what goes when `kind` is purged: picked(row) says whether a thing is named."""
    runs, models, experiments = [], [], []
    for one in found:
        whole = one.is_deleted and (kind == "trash" or (kind == "experiment" and picked(one)))
        for run in one.runs:
            lies = run.is_deleted or one.is_deleted
            named = whole or (lies and (kind == "trash" or (kind == "run" and picked(run))))
            leaves = named and not run.is_held
            runs += [run] * leaves
            for model in run.models:
                alone = model.is_deleted and (whole or kind == "trash" or (kind == "logged_model" and picked(model)))
                models += [model] * (leaves or (alone and not model.is_registered))
        left = [run for run in one.runs if run not in runs] or [
            model for run in one.runs for model in run.models if model not in models
        ]
        experiments += [one] * (whole and not left)
    return experiments, runs, models


def names(found: list[AnExperiment], kind: str, picked) -> list[str]:
    candidates = {
        "experiment": [one for one in found if one.is_deleted],
        "run": [run for one in found for run in one.runs if run.is_deleted or one.is_deleted],
        "logged_model": [model for one in found for run in one.runs for model in run.models if model.is_deleted],
        "trash": [],
    }[kind]
    return [str(one.row.pk) for one in candidates if picked(one)]


@hypothesis.settings(max_examples=30, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(found=WORLDS, kind=st.sampled_from(["trash", "experiment", "run", "logged_model"]), seed=st.integers(0, 7))
def test_what_is_left_is_what_the_account_says(group, settings, tmp_path_factory, found, kind, seed):
    settings.ARTIFACTS_DIR = tmp_path_factory.mktemp("artifacts")
    workspace = create_workspace(SYSTEM, group, name=f"w{next(NUMBER)}")
    build(workspace, found)

    def picked(one) -> bool:
        return sum(map(ord, str(one.row.pk))) % 4 != seed % 4

    asked = names(found, kind, picked)
    if kind != "trash" and not asked:
        return
    experiments, runs, models = goes(found, kind, picked)
    before = world.files()
    expected = weigh(operations.planned(workspace, kind=kind, names=asked)).tally
    done = world.carry_out(operations.purge(SYSTEM, workspace, kind=kind, names=asked))

    gone = {str(one.row.pk) for one in [*runs, *models]}
    left = {path: size for path, size in before.items() if not gone & set(path.split("/"))}
    assert world.files() == left
    assert ids(Run, workspace) == {run.row.pk for one in found for run in one.runs if run not in runs}
    assert ids(LoggedModel, workspace) == {
        model.row.pk for one in found for run in one.runs for model in run.models if model not in models
    }
    assert ids(Experiment, workspace) - {workspace.experiments.get(is_default=True).pk} == {
        one.row.pk for one in found if one not in experiments
    }
    assert (
        done.freed
        == Tally(
            experiments=len(experiments),
            runs=len(runs),
            logged_models=len(models),
            metrics=sum(run.points > 0 for run in runs),
            points=sum(run.points for run in runs),
            files=len(before) - len(left),
            size_bytes=sum(before.values()) - sum(left.values()),
        ).as_json()
    )
    assert expected.as_json() | {"experiments": 0} == done.freed | {"experiments": 0}
    assert not any(world.orphans().values())


def ids(model, workspace) -> set:
    return set(model.objects.filter(workspace=workspace).values_list("pk", flat=True))
