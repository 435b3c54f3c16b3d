"""Artifacts: the files of runs and logged models, in one store.

Places are made by the server (`places`), paths from outside pass `paths.checked`, bytes live in `disk`, `uploads` takes
large files in parts. `trees` shows
a run's files together with the models that it logged, and `mlmodel` reads what an MLmodel file says without loading
anything.
"""

from experiments.artifacts import uploads
from experiments.artifacts.disk import Entry, store
from experiments.artifacts.mlmodel import Column, Flavor, ModelDescription, describe_model
from experiments.artifacts.paths import checked
from experiments.artifacts.places import Place, locate, of_experiment, of_model, of_run
from experiments.artifacts.trees import entries, input_example, materialise, open_file, read_text, resolve

__all__ = [
    "Column",
    "Entry",
    "Flavor",
    "ModelDescription",
    "Place",
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
    "read_text",
    "resolve",
    "store",
    "uploads",
]
