"""Artifacts: the files of runs and logged models, in one store.

Places are made by the server (`places`), paths from outside pass `paths.checked`, bytes live in `disk` with their sums
(`hashes`), `uploads` takes large files in parts, `zips` sends a folder as one. `trees` shows a run's files together
with the models that it logged, and `mlmodel` reads what an MLmodel file says without loading anything.
"""

from experiments.artifacts import uploads, zips
from experiments.artifacts.disk import Entry, Listing, Tally, store
from experiments.artifacts.mlmodel import Column, Flavor, ModelDescription, describe_model, parsed_yaml
from experiments.artifacts.paths import checked
from experiments.artifacts.places import Place, locate, of_experiment, of_model, of_run
from experiments.artifacts.trees import (
    RunFiles,
    below,
    entries,
    input_example,
    materialise,
    open_file,
    read_text,
    resolve,
)

__all__ = [
    "Column",
    "Entry",
    "Flavor",
    "Listing",
    "ModelDescription",
    "Place",
    "RunFiles",
    "Tally",
    "below",
    "checked",
    "describe_model",
    "entries",
    "input_example",
    "locate",
    "materialise",
    "of_experiment",
    "of_model",
    "of_run",
    "open_file",
    "parsed_yaml",
    "read_text",
    "resolve",
    "store",
    "uploads",
    "zips",
]
