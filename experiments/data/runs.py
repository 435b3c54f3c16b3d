"""Versions of datasets as the inputs of runs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from experiments.data import queries
from experiments.data.models import DatasetVersion, RunInput
from experiments.models import Run
from experiments.operations.links import DatasetUse, log_dataset
from lib.errors import Conflict, InvalidValue
from workspaces.access import Actor, operation

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
INPUTS_MAX = 50
# Nothing can be mounted without privileges that a job should not have: “mount”, as old scripts ask, is a copy too.
MODES = ("copy", "mount")


@dataclass(frozen=True)
class Wanted:
    """A dataset (`name@version`) that a run is to be given, and how."""

    dataset: str
    mode: str = "copy"


@operation("experiments.write")
def give_inputs(actor: Actor, run: Run, *, inputs: Mapping[str, Wanted]) -> None:
    """Give a run versions under names of its own; they become its MLflow inputs.

    Raises InvalidValue for a bad name or mode, NotFound for a version that is not there.
    """
    check_inputs(inputs)
    for name, wanted in inputs.items():
        found = queries.named(actor, run.workspace, wanted.dataset)
        # Locked, so that it is not deleted before the row that keeps it is there.
        version = DatasetVersion.objects.select_for_update(of=["self"]).select_related("dataset").get(pk=found.pk)
        RunInput.objects.create(run=run, version=version, reference=str(version), name=name, mode=wanted.mode)
        log_dataset(run, described(version, name))


def check_inputs(inputs: Mapping[str, Wanted]) -> None:
    """Raise InvalidValue for too many inputs, and for a bad name or mode."""
    if len(inputs) > INPUTS_MAX:
        raise InvalidValue(_("A job has at most %s inputs.") % INPUTS_MAX, field="inputs")
    for name, wanted in inputs.items():
        if not NAME.fullmatch(name):
            raise InvalidValue(_("An input's name has letters, digits and “_”: “%s”.") % name[:100], field="inputs")
        if wanted.mode not in MODES:
            raise InvalidValue(_("The mode is “copy” or “mount”."), field="inputs")


def described(version: DatasetVersion, name: str) -> DatasetUse:
    """Say it in MLflow's words."""
    source = {"dataset": version.dataset.name, "version": version.number}
    return DatasetUse(
        name=version.dataset.name,
        digest=version.digest,
        source_type="studio",
        source=json.dumps(source),
        profile=json.dumps({"num_files": version.file_count, "size_bytes": version.size_bytes}),
        tags={"mlflow.data.context": name},
    )


def inputs_of(run: Run) -> list[RunInput]:
    """List what a run was given, by name, without the lists of files."""
    rows = RunInput.objects.filter(run=run).select_related("version__dataset").order_by("name")
    return list(rows.defer("version__files", "version__profile"))


def wanted_again(run: Run) -> dict[str, Wanted]:
    """Give a run's inputs as another run would ask for them. Raises Conflict that names a dataset which is gone."""
    found = inputs_of(run)
    if gone := [one.reference for one in found if one.version is None]:
        raise Conflict(_("The dataset “%s” of this job has been deleted. Clone the job and give it another.") % gone[0])
    return {one.name: Wanted(one.reference, one.mode) for one in found}


def shaped(run: Run) -> list[dict[str, Any]]:
    """Write a run's inputs for programs; `is_gone` says that the version has been deleted since."""
    return [
        {"name": one.name, "dataset": name, "version": int(number), "mode": one.mode, "is_gone": one.version is None}
        for one in inputs_of(run)
        for name, _at, number in [one.reference.rpartition("@")]
    ]
