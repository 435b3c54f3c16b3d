"""Files of several runs beside each other: the same path in each, the same image at each step."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from experiments import artifacts, browser
from experiments.models import Run
from experiments.viewers import grid, kinds
from experiments.viewers.source import NotShown, Source
from lib.errors import NotFound

MOST_RUNS = 20
MOST_FILES = 1000
MOST_IMAGES = 30
MOST_LINES = 1500
LARGEST = 256 * 1024
# How MLflow's clients name an image that belongs to a step: key, step, time, and an id.
STEPPED = re.compile(r"images/(?P<key>.+?)[%+]step[%+](?P<step>\d+)[%+]timestamp[%+]\d+[%+][\w%+-]+\.(?:png|webp)")


@dataclass(frozen=True)
class Path:
    """A path that some of the runs have; `sizes` in the order of the runs, None where it is absent."""

    path: str
    sizes: tuple[int | None, ...]

    @property
    def runs(self) -> int:
        return sum(size is not None for size in self.sizes)

    @property
    def is_everywhere(self) -> bool:
        return None not in self.sizes

    @property
    def differs(self) -> bool:
        return len(set(self.sizes)) > 1


@dataclass(frozen=True)
class Image:
    """One run's image: where it is, and of which step (None for one that has no steps)."""

    run: Run
    path: str = ""
    step: int | None = None


@dataclass(frozen=True)
class Gallery:
    """Images of one name in every run, and the steps that there are."""

    name: str
    images: tuple[Image, ...]
    steps: tuple[int, ...]


@dataclass(frozen=True)
class Galleries:
    galleries: tuple[Gallery, ...]
    steps: tuple[int, ...]
    step: int | None


@dataclass(frozen=True)
class Line:
    text: str
    is_new: bool = False


@dataclass(frozen=True)
class File:
    """One file to show: `lines` of a text, where `gone` counts the base's lines that it lacks; `table` of a table."""

    path: str
    kind: str
    size_bytes: int = 0
    table: Any = None
    lines: tuple[Line, ...] = ()
    gone: int = 0
    is_equal: bool = False


def listed(run: Run) -> dict[str, int]:
    """Give the sizes of a run's files, by path, those of its logged models too."""
    try:
        entries = browser.of_run(run).walk()
        return {entry.path: entry.size_bytes or 0 for entry in islice(entries, MOST_FILES) if not entry.is_dir}
    except NotFound:
        return {}


def is_image(path: str) -> bool:
    return kinds.suffix(path) in kinds.PICTURES


def files(runs: Sequence[Run]) -> list[Path]:
    """List the paths of all runs: those that most have first."""
    found = [listed(run) for run in runs]
    paths = sorted({path for one in found for path in one})
    rows = [Path(path, tuple(one.get(path) for one in found)) for path in paths]
    return sorted(rows, key=lambda row: (-row.runs, row.path))


def images(runs: Sequence[Run], step: int | None = None) -> Galleries:
    """Put the runs' images beside each other: the newest of each name that is not past `step`."""
    found = [by_name(run) for run in runs]
    names = sorted({name for one in found for name in one})[:MOST_IMAGES]
    galleries = []
    for name in names:
        chosen = tuple(newest(run, one.get(name, []), step) for run, one in zip(runs, found, strict=True))
        steps = {image.step for one in found for image in one.get(name, []) if image.step is not None}
        galleries.append(Gallery(name, chosen, tuple(sorted(steps))))
    every = tuple(sorted({one for gallery in galleries for one in gallery.steps}))
    return Galleries(tuple(galleries), every, step if step is not None else (every[-1] if every else None))


def by_name(run: Run) -> dict[str, list[Image]]:
    found: dict[str, list[Image]] = {}
    for path in filter(is_image, listed(run)):
        stepped = STEPPED.fullmatch(path)
        if stepped is None:
            found.setdefault(path, []).append(Image(run, path))
        elif not path.endswith("compressed.webp"):
            name = re.sub("[~#]", "/", stepped["key"])
            found.setdefault(name, []).append(Image(run, path, int(stepped["step"])))
    return found


def newest(run: Run, images: Sequence[Image], step: int | None) -> Image:
    """Choose the image of the greatest step that is not past `step`; one without a path where there is none."""
    fit = [image for image in images if step is None or image.step is None or image.step <= step]
    return max(fit, key=lambda image: (image.step or 0, image.path), default=Image(run))


def show(run: Run, path: str, base: Run | None = None) -> File:
    """Show a file of a run, with the lines that the base's does not have."""
    own, other = source(run, path), source(base, path) if base is not None else None
    if own is None:
        return File(path, "absent")
    is_equal = other is not None and is_same(run, base, path, own, other)
    if is_image(path):
        return File(path, "image", own.size_bytes, is_equal=is_equal)
    table = table_of(own)
    if table is not None:
        return File(path, "table", own.size_bytes, table, is_equal=is_equal)
    lines = lines_of(own)
    if lines is None:
        return File(path, "opaque", own.size_bytes, is_equal=is_equal)
    theirs = lines_of(other) if other is not None else None
    if theirs is None:
        return File(path, "text", own.size_bytes, lines=tuple(Line(text) for text in lines))
    marked, gone = compared(theirs, lines)
    return File(path, "text", own.size_bytes, None, marked, gone, is_equal)


def source(run: Run, path: str) -> Source | None:
    """Give a file as the viewers read it; None where there is none."""
    try:
        files = browser.of_run(run)
        entry = files.entry(path)
        if entry.is_dir:
            return None
        place = files.place(path)
        return Source(path, entry.size_bytes or 0, lambda: artifacts.open_file(place))
    except NotFound:
        return None


def is_same(run: Run, base: Run | None, path: str, own: Source, other: Source) -> bool:
    """Say whether two files hold the same bytes; large ones are compared by their hashes, where those are kept."""
    if base is None or own.size_bytes != other.size_bytes:
        return False
    if own.size_bytes <= LARGEST:
        return own.read(LARGEST) == other.read(LARGEST)
    hashes = [artifacts.store().kept_sha256(browser.of_run(one).place(path).key) for one in (run, base)]
    return bool(hashes[0]) and hashes[0] == hashes[1]


def table_of(file: Source) -> grid.Grid | None:
    if kinds.suffix(file.path) not in (".csv", ".tsv"):
        return None
    try:
        return grid.separated(file)
    except NotShown:
        return None


def lines_of(file: Source) -> list[str] | None:
    """Give the first lines of a text; None for what is none, or would run code if it were opened."""
    if kinds.suffix(file.path) in kinds.RUNS_CODE:
        return None
    try:
        return file.read(LARGEST).decode(file.encoding, "replace").splitlines()[:MOST_LINES]
    except NotShown:
        return None


def compared(base: Sequence[str], lines: Sequence[str]) -> tuple[tuple[Line, ...], int]:
    """Mark the lines that the base lacks, and count those of the base that are gone."""
    found: list[Line] = []
    gone = 0
    for act, begin, end, start, stop in difflib.SequenceMatcher(None, base, lines, autojunk=False).get_opcodes():
        found += [Line(text, act != "equal") for text in lines[start:stop]]
        gone += end - begin if act in ("replace", "delete") else 0
    return tuple(found), gone
