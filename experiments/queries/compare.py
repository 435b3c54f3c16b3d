"""Everything that can differ between runs, key by key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _

from experiments.models import MetricSeries, Run, RunDataset, RunParam, RunTag
from experiments.queries.packages import packages_of
from experiments.queries.runs import by_run
from lib.search.tree import Of

SYSTEM = "mlflow."
SOURCE = {
    "mlflow.source.name": "name",
    "mlflow.source.type": "type",
    "mlflow.project.entryPoint": "entry point",
    "mlflow.source.git.repoURL": "repository",
    "mlflow.source.git.branch": "branch",
    "mlflow.source.git.commit": "commit",
    "mlflow.source.snapshot": "snapshot",
}

Kind = Literal["metrics", "params", "tags", "data", "packages", "source", "run"]
Values = Mapping[str, float | str]


@dataclass(frozen=True)
class Block:
    """What the runs have of one kind: `columns` holds each run's values by key, in the order of the runs."""

    kind: Kind
    label: str
    columns: tuple[Values, ...]


def blocks(runs: Sequence[Run], of: Of = "last") -> list[Block]:
    """Read all that the runs can differ in, in a query a kind; `of` says which value of a metric counts."""
    ids = [run.pk for run in runs]
    tags = by_run(RunTag, ids)
    plain = {pk: {key: value for key, value in own.items() if not key.startswith(SYSTEM)} for pk, own in tags.items()}
    found: list[tuple[Kind, str, Mapping[str, Values]]] = [
        ("metrics", _("Metrics"), metrics(ids, of)),
        ("params", _("Parameters"), by_run(RunParam, ids)),
        ("tags", _("Tags"), plain),
        ("data", _("Data"), datasets(ids)),
        ("packages", _("Packages"), packages_of(runs)),
        ("source", _("Source"), {pk: source(own) for pk, own in tags.items()}),
        ("run", _("Run"), {run.pk: facts(run) for run in runs}),
    ]
    return [Block(kind, label, tuple(values.get(pk, {}) for pk in ids)) for kind, label, values in found]


def metrics(ids: Sequence[str], of: Of) -> dict[str, dict[str, float]]:
    """Give the last, lowest or highest value of each metric; one that had no number has no lowest."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    rows = MetricSeries.objects.filter(run__in=ids).values_list("run_id", "key", f"{of}_value")
    for run_id, key, value in rows:
        if value is not None:
            found[run_id][key] = value
    return found


def datasets(ids: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    rows = RunDataset.objects.filter(run__in=ids).order_by("pk")
    for run_id, name, digest in rows.values_list("run_id", "dataset__name", "dataset__digest"):
        known = found[run_id].get(name)
        found[run_id][name] = f"{known}, {digest}" if known else digest
    return found


def source(tags: Mapping[str, str]) -> dict[str, str]:
    return {label: tags[key] for key, label in SOURCE.items() if key in tags}


def facts(run: Run) -> dict[str, str]:
    found: dict[str, Any] = {
        "experiment": run.experiment.name,
        "status": str(run.get_status_display()),
        "user": run.user_name,
    }
    return {key: value for key, value in found.items() if value}
