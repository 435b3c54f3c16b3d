"""What a purge would free, counted beforehand; with a limit of time where somebody waits for the answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from experiments.models import Experiment, LoggedModel, Purge, Run
from experiments.purging import files, neighbours, rows, selection
from experiments.purging.ledger import MOST_NAMED, Kept
from experiments.purging.tally import Tally


@dataclass(frozen=True)
class Weight:
    """What would go, what would stay (the first of it by name), and whether there was time to count all of it."""

    tally: Tally = field(default_factory=Tally)
    kept: list[Kept] = field(default_factory=list)
    kept_count: int = 0
    is_complete: bool = True


def weigh(purge: Purge, seconds: float = float("inf")) -> Weight:
    """Count what the selection of a purge holds now."""
    deadline, total, kept = time.monotonic() + seconds, Tally(), list[Kept]()
    for tally, stays in pieces(purge):
        total += tally
        kept += stays
        if time.monotonic() > deadline:
            return Weight(total, kept[:MOST_NAMED], len(kept), is_complete=False)
    return Weight(total, kept[:MOST_NAMED], len(kept))


def pieces(purge: Purge) -> Iterator[tuple[Tally, list[Kept]]]:
    with_their_runs: set[str] = set()
    for runs in batches(selection.runs(purge)):
        tally, kept = weigh_runs(runs)
        with_their_runs |= {run.pk for run in runs} - {one.id for one in kept}
        yield tally, kept
    for models in batches(selection.logged_models(purge)):
        yield weigh_models([model for model in models if model.source_run_id not in with_their_runs])
    yield weigh_experiments(list(selection.experiments(purge)))


def batches(found: object) -> Iterator[list]:  # type: ignore[type-arg]
    last = ""
    while piece := rows.chosen(found, last):  # type: ignore[arg-type]
        yield piece
        last = str(piece[-1].pk)


def weigh_runs(runs: list[Run]) -> tuple[Tally, list[Kept]]:
    models = list(selection.logged_models_of(runs))
    holds = rows.run_holds(runs, models)
    gone = [run for run in runs if run.pk not in holds]
    weights = rows.weights_of(gone).values()
    kept = [Kept("run", run.pk, run.name, holds[run.pk]) for run in runs if run.pk in holds]
    return sum(weights, rows.weighed_rows(gone, models, holds)), kept


def weigh_models(models: list[LoggedModel]) -> tuple[Tally, list[Kept]]:
    holds = neighbours.holds_models([model.pk for model in models])
    gone = [model for model in models if model.pk not in holds]
    kept = [Kept("logged_model", model.pk, model.name, holds[model.pk]) for model in models if model.pk in holds]
    return sum((files.weigh(files.of_model(model)) for model in gone), Tally(logged_models=len(gone))), kept


def weigh_experiments(experiments: list[Experiment]) -> tuple[Tally, list[Kept]]:
    """Count experiments; their runs and models were weighed, and what stays of them was named."""
    return Tally(experiments=len(experiments)), []
