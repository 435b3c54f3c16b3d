"""What a run read and made: datasets and logged models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from experiments.models import Dataset, LoggedModel, Run, RunDataset, RunModel
from experiments.operations.logging import require_active
from lib.errors import InvalidValue, NotFound
from workspaces.access import Actor, operation

LIMITS = {"name": 500, "digest": 36, "source_type": 36, "source": 65_535, "schema": 1_048_575, "profile": 16_777_215}
LONGEST_TAG_KEY, LONGEST_TAG = 255, 500
MOST_DATASETS = 1000


@dataclass(frozen=True)
class DatasetUse:
    """A dataset as a client describes it, with tags that say what it was read for (mlflow.data.context)."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str = ""
    profile: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@operation("experiments.write", audit=False)
def log_inputs(actor: Actor, run: Run, *, datasets: Sequence[DatasetUse] = (), model_ids: Sequence[str] = ()) -> None:
    """Say what the run reads; what was said before is left as it is. Raises InvalidValue for a value that is too
    long.
    """
    require_active(run)
    if len(datasets) > MOST_DATASETS:
        raise InvalidValue(_("A request can name at most %s datasets.") % MOST_DATASETS)
    for use in datasets:
        log_dataset(run, use)
    link_models(run, [(model_id, 0) for model_id in model_ids], RunModel.Direction.INPUT)


def log_dataset(run: Run, use: DatasetUse) -> None:
    for name, most in LIMITS.items():
        value = getattr(use, name)
        if len(value) > most:
            raise InvalidValue(_("'%(name)s' exceeds the maximum length of %(most)s.") % {"name": name, "most": most})
        if not value and name in ("name", "digest", "source_type", "source"):
            raise InvalidValue(f"Missing value for required parameter 'dataset.{name}'.", field=f"dataset.{name}")
    if any(len(key) > LONGEST_TAG_KEY or len(value) > LONGEST_TAG for key, value in use.tags.items()):
        raise InvalidValue(_("A dataset's tag is too long."))
    details = {name: getattr(use, name) for name in ("source_type", "source", "schema", "profile")}
    dataset, _made = Dataset.objects.get_or_create(
        experiment_id=run.experiment_id, name=use.name, digest=use.digest, defaults=details
    )
    RunDataset.objects.get_or_create(run=run, dataset=dataset, defaults={"tags": dict(use.tags)})


@operation("experiments.write", audit=False)
def log_outputs(actor: Actor, run: Run, *, models: Sequence[tuple[str, int]]) -> None:
    """Say which logged models (id, step) the run made. Raises NotFound for one that does not exist."""
    require_active(run)
    link_models(run, models, RunModel.Direction.OUTPUT)


def link_models(run: Run, models: Sequence[tuple[str, int]], direction: str) -> None:
    if not models:
        return
    wanted = {model_id for model_id, _step in models}
    known = set(LoggedModel.objects.filter(pk__in=wanted, workspace_id=run.workspace_id).values_list("pk", flat=True))
    if missing := wanted - known:
        raise NotFound(_("Logged model with ID '%s' not found.") % sorted(missing)[0])
    rows = [RunModel(run=run, model_id=model_id, direction=direction, step=step) for model_id, step in models]
    RunModel.objects.bulk_create(rows, ignore_conflicts=True)
