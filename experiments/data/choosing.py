"""Which files a version is made of: paths in a datastore, of files, folders, or patterns (`raw/**/*.csv`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from experiments.artifacts import checked
from experiments.data.models import Datastore
from experiments.data.stores import located, stat_of
from lib.errors import InvalidValue, NotFound

PATHS_MAX = 100
FILES_MAX = 10_000
LOOKED_AT_MAX = 200_000
WILD = re.compile(r"[*?]")


@dataclass(frozen=True)
class Chosen:
    """A file of a version: `path` in its datastore, `name` below the folder that a job gets."""

    path: str
    name: str
    size_bytes: int


def choose(datastore: Datastore, paths: Sequence[str]) -> list[Chosen]:
    """List the files that the paths mean, by name.

    Raises InvalidValue for none or too many files, and for two that a job would get under one name.
    """
    if not 1 <= len(paths) <= PATHS_MAX:
        raise InvalidValue(_("Give 1 to %s paths.") % PATHS_MAX, field="paths")
    found: dict[str, Chosen] = {}
    for path in paths:
        for one in meant(datastore, path):
            if found.setdefault(one.name, one).path != one.path:
                raise InvalidValue(_("Two files would have the name “%s”.") % one.name[:200], field="paths")
            if len(found) > FILES_MAX:
                raise InvalidValue(_("A version has at most %s files.") % FILES_MAX, field="paths")
    return sorted(found.values(), key=lambda one: one.name)


def meant(datastore: Datastore, path: str) -> list[Chosen]:
    """List the files that one path means. Raises InvalidValue when there is none."""
    path = checked(path.lstrip("/"))
    folder, pattern = taken_apart(path)
    try:
        is_dir, size = kind_of(datastore, folder)
    except NotFound:
        raise nothing_at(path) from None
    if not is_dir:
        return [Chosen(folder, folder.rpartition("/")[2], size)]
    found = [one for one in inside(datastore, folder) if pattern.fullmatch(one.name)]
    if not found:
        raise nothing_at(path)
    return found


def kind_of(datastore: Datastore, path: str) -> tuple[bool, int]:
    found = stat_of(datastore, path)
    return found.is_dir, found.size_bytes or 0


def nothing_at(path: str) -> InvalidValue:
    return InvalidValue(_("There is no file at “%s” in the datastore.") % (path[:200] or "/"), field="paths")


def inside(datastore: Datastore, folder: str) -> Iterator[Chosen]:
    store, key = located(datastore, folder)
    for count, one in enumerate(store.walk(key)):
        if count >= LOOKED_AT_MAX:
            raise InvalidValue(_("There are more than %s files below this folder.") % LOOKED_AT_MAX, field="paths")
        yield Chosen(f"{folder}/{one.path}".lstrip("/"), one.path, one.size_bytes or 0)


def taken_apart(path: str) -> tuple[str, re.Pattern[str]]:
    """Give the folder before the first step with a wildcard, and what names below it must match."""
    steps = path.split("/") if path else []
    first = next((at for at, step in enumerate(steps) if WILD.search(step)), len(steps))
    return "/".join(steps[:first]), re.compile(expression("/".join(steps[first:]) or "**"), re.DOTALL)


def expression(pattern: str) -> str:
    """Write a pattern as a regular expression: `**/` is any folders, `*` and `?` stay within a name."""
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return "".join(words.get(part, re.escape(part)) for part in parts)
