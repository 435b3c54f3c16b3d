"""A run's files as its page shows them: its own, and each logged model under its name (`model/MLmodel`, …).

With MLflow 3 a logged model stands beside its run; to a person it is still "the model of this run".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

from experiments.artifacts import places
from experiments.artifacts.disk import Entry, store
from experiments.artifacts.paths import checked
from experiments.artifacts.places import Place
from experiments.models import LoggedModel, Run
from lib.errors import NotFound

EXAMPLES = ("serving_input_example.json", "input_example.json")
LONGEST_EXAMPLE = 512 * 1024


def logged_models(run: Run) -> dict[str, LoggedModel]:
    """Give the run's logged models by the name under which they appear: of two with one name the newest has it."""
    found: dict[str, LoggedModel] = {}
    for model in LoggedModel.objects.filter(source_run=run, deleted_ms=None).order_by("-created_ms", "pk"):
        found[model.name if model.name not in found else model.pk] = model
    return found


def resolve(run: Run, path: str) -> tuple[Place, LoggedModel | None]:
    """Give the place of a path on the run's page, and the logged model that it leads into. The run's own files win."""
    path = checked(path)
    first, _slash, rest = path.partition("/")
    own = places.of_run(run).below(path)
    models = logged_models(run) if path else {}
    if first in models and not exists(places.of_run(run).below(first)):
        return places.of_model(models[first]).below(rest), models[first]
    return own, None


def exists(place: Place) -> bool:
    try:
        store().stat(place.key)
    except NotFound:
        return False
    return True


def entries(run: Run, path: str = "") -> list[Entry]:
    """List a folder of the run's page; paths are below the run. Folders first."""
    path = checked(path)
    place, _model = resolve(run, path)
    prefix = f"{path}/" if path else ""
    found = [Entry(f"{prefix}{one.path}", one.is_dir, one.size_bytes) for one in store().entries(place.key)]
    if not path:
        own = {one.path for one in found}
        found += [Entry(name, is_dir=True) for name in logged_models(run) if name not in own]
    return sorted(found, key=lambda one: (not one.is_dir, one.path))


def open_file(place: Place) -> BinaryIO:
    return store().open(place.key)


def read_text(place: Place, most_bytes: int = 1024 * 1024) -> tuple[str, bool]:
    """Give the beginning of a text file and whether there is more; bytes that are no text show as replacement marks."""
    with open_file(place) as file:
        content = file.read(most_bytes + 1)
    return content[:most_bytes].decode("utf-8", "replace"), len(content) > most_bytes


def input_example(model: Place) -> Any:
    """Give the example that was logged with a model, as a request body where MLflow wrote one; None without one."""
    for name in EXAMPLES:
        try:
            text, is_cut = read_text(model.below(name), LONGEST_EXAMPLE)
        except NotFound:
            continue
        try:
            return None if is_cut else json.loads(text)
        except (ValueError, RecursionError):
            continue
    return None


def materialise(source: Place, folder: Path) -> None:
    """Copy a model's files into a folder of this machine, for a replica to serve. Raises NotFound when there are
    none.
    """
    store().copy_to(source.key, folder)
