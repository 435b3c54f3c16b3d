"""A run's files as its page shows them: its own, and each logged model under its name (`model/MLmodel`, …).

With MLflow 3 a logged model stands beside its run; to a person it is still "the model of this run".
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from experiments.artifacts import disk, places
from experiments.artifacts.disk import Entry, Listing, store
from experiments.artifacts.paths import checked
from experiments.artifacts.places import Place
from experiments.models import LoggedModel, Run
from lib.errors import NotFound

EXAMPLES = ("serving_input_example.json", "input_example.json")
MOST_LISTED = 100_000
LONGEST_EXAMPLE = 512 * 1024


def logged_models(run: Run) -> dict[str, LoggedModel]:
    """Give the run's logged models by the name under which they appear: of two with one name the newest has it."""
    found: dict[str, LoggedModel] = {}
    for model in LoggedModel.objects.filter(source_run=run, deleted_ms=None).order_by("-created_ms", "pk"):
        found[model.name if model.name not in found else model.pk] = model
    return found


def resolve(run: Run, path: str) -> tuple[Place, LoggedModel | None]:
    """Give the place of a path on the run's page, and the logged model that it leads into."""
    return RunFiles(run).resolve(path)


def exists(place: Place) -> bool:
    return disk.exists(store(), place.key)


def entries(run: Run, path: str = "") -> list[Entry]:
    """List a folder of the run's page; paths are below the run. Folders first."""
    return list(RunFiles(run).listing(path).entries)


class RunFiles:
    """A run's files for one request: which models it logged is asked once."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @cached_property
    def models(self) -> dict[str, LoggedModel]:
        return logged_models(self.run)

    def place(self, path: str) -> Place:
        return self.resolve(path)[0]

    def resolve(self, path: str) -> tuple[Place, LoggedModel | None]:
        """Give the place of a path on the run's page, and the model that it leads into. The run's own files win."""
        path = checked(path)
        first, _slash, rest = path.partition("/")
        own = places.of_run(self.run)
        if path and first in self.models and not exists(own.below(first)):
            return places.of_model(self.models[first]).below(rest), self.models[first]
        return own.below(path), None

    def listing(self, path: str, after: str = "", most: int = MOST_LISTED) -> Listing:
        """List a part of a folder with whole paths; models stand among the folders of the run."""
        path = checked(path)
        found = store().listing(self.place(path).key, after, most)
        return self.with_models(found, after, most) if not path else below(path, found)

    def with_models(self, found: Listing, after: str, most: int) -> Listing:
        names = [name for name in self.models if not exists(places.of_run(self.run).below(name))]
        models = [Entry(name, is_dir=True) for name in names]
        known = sorted((*found.entries, *(one for one in models if one.rank > after)), key=lambda one: one.rank)
        return Listing(tuple(known[:most]), found.rest + max(0, len(known) - most), found.total + len(models))

    def roots(self) -> list[tuple[str, Place]]:
        """Give every folder of the store that the page shows, with the path under which it does."""
        models = [(name, self.resolve(name)) for name in self.models]
        return [("", places.of_run(self.run)), *((name, place) for name, (place, model) in models if model)]


def below(folder: str, found: Listing) -> Listing:
    """Give a listing of a folder with whole paths."""
    if not folder:
        return found
    return replace(found, entries=tuple(replace(one, path=f"{folder}/{one.path}") for one in found.entries))


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
