"""Parts of a run that lives on: one metric, one file or folder."""

from __future__ import annotations

from django.db import transaction

from experiments import metrics
from experiments.artifacts import places
from experiments.artifacts.places import Place
from experiments.models import LoggedModel, LoggedModelMetric, Purge, Run
from experiments.purging import files, ledger, neighbours
from experiments.purging.ledger import Kept
from experiments.purging.tally import Tally


def weigh_metric(purge: Purge) -> Tally:
    series, points = metrics.count_points(purge.names, [purge.path])
    return Tally(metrics=series, points=points)


@transaction.atomic
def delete_metric(purge: Purge) -> bool:
    """Delete a metric of a run with all its points, and what was logged under it for models."""
    if purge.cursor:
        return False
    for run in Run.objects.filter(pk__in=purge.names).select_for_update():
        gone = weigh_metric(purge)
        metrics.delete_series(run.pk, purge.path)
        LoggedModelMetric.objects.filter(run=run, key=purge.path).delete()
        ledger.advance(purge, "metric", run.pk, gone)
    return True


def owner(purge: Purge) -> Run | LoggedModel | None:
    """Give the run or logged model whose file goes; None when it went itself meanwhile."""
    [name] = purge.names
    rows = LoggedModel.objects if name.startswith("m-") else Run.objects
    found: Run | LoggedModel | None = rows.filter(pk=name).select_for_update().first()
    return found


def place_of(one: Run | LoggedModel, path: str) -> Place:
    return (places.of_run(one) if isinstance(one, Run) else places.of_model(one)).below(path)


@transaction.atomic
def delete_artifact(purge: Purge) -> bool:
    """Write down the file or folder, once, unless somebody needs it by now."""
    if purge.cursor:
        return False
    found = owner(purge)
    holders = neighbours.holds_files(found, purge.path) if found else []
    kept = [Kept("artifact", purge.names[0], purge.path, holders)] if holders else []
    if found and not holders:
        key = place_of(found, purge.path).key
        files.write_down([files.place(purge, key, files.weigh(key), is_whole=False)])
    ledger.advance(purge, "artifact", purge.names[0], Tally(), kept)
    return found is not None


def weigh_artifact(purge: Purge) -> Tally:
    [name] = purge.names
    rows = LoggedModel.objects if name.startswith("m-") else Run.objects
    found = rows.filter(pk=name).first()
    return files.weigh(place_of(found, purge.path).key) if found else Tally()
