"""Rows go in batches, each a transaction: what is held stays, what was restored meanwhile is spared.

The files of a batch are weighed before its rows are locked, and written down with the rows' deletion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from experiments import metrics
from experiments.artifacts import places
from experiments.models import Experiment, LoggedModel, Purge, PurgedPlace, Run
from experiments.purging import files, ledger, neighbours, selection
from experiments.purging.ledger import Kept
from experiments.purging.neighbours import Holder, Holds
from experiments.purging.tally import Tally

BATCH = 20


def after(purge: Purge, phase: str) -> str:
    """Give the last id that this phase dealt with; empty when it has yet to begin."""
    return str(purge.cursor.get("after", "")) if purge.cursor.get("phase") == phase else ""


def is_past(purge: Purge, phase: str) -> bool:
    order = [name for name, _next_batch in PHASES]
    return "phase" in purge.cursor and order.index(purge.cursor["phase"]) > order.index(phase)


def next_batch(purge: Purge) -> bool:
    """Delete one batch; say whether there was anything left to deal with."""
    return any(not is_past(purge, phase) and batch(purge) for phase, batch in PHASES)


def chosen(rows: QuerySet[Any], last: str) -> list[Any]:
    return list(rows.filter(pk__gt=last)[:BATCH] if last else rows[:BATCH])


def locked(rows: QuerySet[Any], found: Sequence[Any]) -> list[Any]:
    """Lock those of the rows that are still chosen: who wants to refer to one waits, and then finds it gone."""
    return list(rows.filter(pk__in=[one.pk for one in found]).select_for_update(of=["self"]))


# ---- Logged models --------------------------------------------------------------------------------------------------


def next_logged_models(purge: Purge) -> bool:
    rows = selection.logged_models(purge)
    found = chosen(rows, after(purge, "logged_models"))
    if not found:
        return False
    weights = {model.pk: files.weigh(files.of_model(model)) for model in found}
    with transaction.atomic():
        there = locked(rows, found)
        holds = neighbours.holds_models([model.pk for model in there])
        gone = [model for model in there if model.pk not in holds]
        files.write_down(files.place(purge, files.of_model(model), weights[model.pk]) for model in gone)
        LoggedModel.objects.filter(pk__in=[model.pk for model in gone]).delete()
        kept = [Kept("logged_model", model.pk, model.name, holds[model.pk]) for model in there if model.pk in holds]
        ledger.advance(purge, "logged_models", found[-1].pk, Tally(logged_models=len(gone)), kept)
    return True


# ---- Runs -----------------------------------------------------------------------------------------------------------


def next_runs(purge: Purge) -> bool:
    rows = selection.runs(purge)
    found = chosen(rows, after(purge, "runs"))
    if not found:
        return False
    weights = weights_of(found)
    with transaction.atomic():
        there = locked(rows, found)
        models = list(selection.logged_models_of(there).select_for_update(of=["self"]))
        holds = run_holds(there, models)
        gone = [run for run in there if run.pk not in holds]
        write_down(purge, gone, [model for model in models if model.source_run_id not in holds], weights)
        kept = [Kept("run", run.pk, run.name, holds[run.pk]) for run in there if run.pk in holds]
        ledger.advance(purge, "runs", found[-1].pk, weighed_rows(gone, models, holds), kept)
        Run.objects.filter(pk__in=[run.pk for run in gone]).delete()
    return True


def weights_of(runs: Sequence[Run]) -> dict[str, Tally]:
    """Weigh all places of runs and of the models that they logged, by key."""
    keys = [files.of_run(run) for run in runs]
    keys += [files.of_model(model) for model in selection.logged_models_of(runs)]
    keys += [key for found in neighbours.places([run.pk for run in runs]).values() for key in found]
    return {key: files.weigh(key) for key in keys}


def run_holds(runs: Sequence[Run], models: Sequence[LoggedModel]) -> Holds:
    """Say who needs which run, for itself or for a model that it logged."""
    by_model = neighbours.holds_models([model.pk for model in models])
    of_models = {model.pk: str(model.source_run_id) for model in models}
    through = [{of_models[pk]: list(holders)} for pk, holders in by_model.items()]
    return neighbours.merged([neighbours.holds_runs([run.pk for run in runs]), *through])


def weighed_rows(gone: Sequence[Run], models: Sequence[LoggedModel], holds: Holds) -> Tally:
    series, points = metrics.count_points([run.pk for run in gone])
    own = sum(model.source_run_id not in holds for model in models)
    return Tally(runs=len(gone), logged_models=own, metrics=series, points=points)


def write_down(purge: Purge, gone: Sequence[Run], models: Sequence[LoggedModel], weights: dict[str, Tally]) -> None:
    """Write down the files of runs and of their models."""
    keys = [*map(files.of_run, gone), *map(files.of_model, models)]
    keys += [key for found in neighbours.places([run.pk for run in gone]).values() for key in found]
    files.write_down(files.place(purge, key, weights[key] if key in weights else files.weigh(key)) for key in keys)


# ---- Experiments ----------------------------------------------------------------------------------------------------


def next_experiments(purge: Purge) -> bool:
    rows = selection.experiments(purge)
    found = chosen(rows, after(purge, "experiments"))
    if not found:
        return False
    with transaction.atomic():
        there = locked(rows, found)
        full = [one for one in there if one.runs.exists() or one.logged_models.exists()]
        gone = [one for one in there if one not in full]
        for experiment in gone:
            if not selection.is_lent(experiment.pk):  # else the runs that were moved away still have their files there
                key = places.of_experiment(experiment.pk).key
                files.write_down([files.place(purge, key, left_over(experiment))])
        kept = [Kept("experiment", str(one.pk), one.name, [Holder("runs", str(one.runs.count()))]) for one in full]
        ledger.advance(purge, "experiments", str(found[-1].pk), Tally(experiments=len(gone)), kept)
        Experiment.objects.filter(pk__in=[one.pk for one in gone]).delete()
    return True


def left_over(experiment: Experiment) -> Tally:
    """Weigh what an experiment has beside its runs and models, whose own places may still wait for their removal."""
    key = places.of_experiment(experiment.pk).key
    waiting = PurgedPlace.objects.filter(removed_ms=None, key__startswith=f"{key}/")
    listed = sum((Tally(files=one.files, size_bytes=one.size_bytes) for one in waiting), Tally())
    return files.weigh(key) - listed


Batch = Callable[[Purge], bool]
PHASES: Sequence[tuple[str, Batch]] = (
    ("logged_models", next_logged_models),
    ("runs", next_runs),
    ("experiments", next_experiments),
)
