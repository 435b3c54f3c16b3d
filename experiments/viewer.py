"""What the Artifacts tab shows for one file or folder: by its name and first bytes, never by loading it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import Literal

from experiments.artifacts import Entry

Kind = Literal["folder", "text", "table", "image", "opaque", "large"]

LARGEST_TEXT = 1_000_000
MOST_FILES = 2000
TABLE_ROWS = 200
TABLE_COLUMNS = 40
CODE = {".json", ".yaml", ".yml", ".py", ".toml", ".ini", ".cfg", ".md", ".sh", ".sql", ".xml", ".html", ".r"}
TEXT = {".txt", ".log", ".rst", ".out", ".err", ""}
TABLES = {".csv": ",", ".tsv": "\t"}
IMAGES = {".png", ".jpg", ".jpeg", ".gif", ".webp"}  # no svg: it can carry scripts
# Opening one of these runs its author's code, so the studio never does.
RUNS_CODE = {
    ".pkl",
    ".pickle",
    ".joblib",
    ".cloudpickle",
    ".dill",
    ".pt",
    ".pth",
    ".skops",
    ".h5",
    ".keras",
    ".npy",
    ".npz",
}


@dataclass(frozen=True)
class Node:
    """One row of the tree; a folder holds `nodes` and the size of all that is in it."""

    name: str
    path: str
    is_dir: bool
    size_bytes: int
    icon: str
    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Shown:
    """One file or folder as the viewer shows it."""

    path: str
    name: str
    kind: Kind
    size_bytes: int = 0
    text: str = ""
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    total_rows: int = 0
    runs_code: bool = False
    nodes: tuple[Node, ...] = field(default=())


def walk(listing: Callable[[str], list[Entry]], folder: str = "") -> Iterator[Entry]:
    """List all files below a folder, whose entries `listing(folder)` gives with whole paths."""
    for entry in listing(folder):
        yield entry
        if entry.is_dir:
            yield from walk(listing, entry.path)


def tree(entries: Iterable[Entry]) -> tuple[Node, ...]:
    """Nest a flat listing of files (paths with "/"); folders first, then by name."""
    below: dict[str, list[Entry]] = {".": []}
    for entry in islice(entries, MOST_FILES):
        if not entry.is_dir:
            below.setdefault(str(PurePosixPath(entry.path).parent), []).append(entry)
            for parent in list(PurePosixPath(entry.path).parents)[:-1]:
                below.setdefault(str(parent), [])
    return _children(".", below)


def _children(folder: str, below: dict[str, list[Entry]]) -> tuple[Node, ...]:
    folders = sorted(path for path in below if path != "." and str(PurePosixPath(path).parent) == folder)
    nodes = [_folder(path, below) for path in folders]
    nodes += [_file(entry) for entry in sorted(below.get(folder, []), key=lambda entry: entry.path)]
    return tuple(nodes)


def _folder(path: str, below: dict[str, list[Entry]]) -> Node:
    inside = _children(path, below)
    size = sum(node.size_bytes for node in inside)
    is_model = any(node.name == "MLmodel" for node in inside)
    return Node(PurePosixPath(path).name, path, True, size, "model" if is_model else "folder", inside)


def _file(entry: Entry) -> Node:
    name = PurePosixPath(entry.path).name
    suffix = PurePosixPath(name).suffix.lower()
    icon = "image" if suffix in IMAGES else "table" if suffix in TABLES else "file-code" if suffix in CODE else "file"
    icon = "file-code" if name == "MLmodel" else "log" if suffix in {".txt", ".log"} else icon
    return Node(name, entry.path, False, entry.size_bytes or 0, icon)


def find(nodes: Iterable[Node], path: str) -> Node | None:
    """Find the row of a path in the tree."""
    for node in nodes:
        if node.path == path:
            return node
        if path.startswith(f"{node.path}/"):
            return find(node.nodes, path)
    return None


def files(nodes: Iterable[Node]) -> int:
    """Count the files of a tree."""
    return sum(files(node.nodes) if node.is_dir else 1 for node in nodes)


def show_folder(node: Node) -> Shown:
    return Shown(node.path, node.name, "folder", node.size_bytes, nodes=node.nodes)


def show_file(path: str, size_bytes: int, body: bytes) -> Shown:
    """Show a file of which `body` holds the first LARGEST_TEXT bytes, or nothing where `wants_body` says no."""
    name = PurePosixPath(path).name
    suffix = PurePosixPath(name).suffix.lower()
    plain = Shown(path, name, "opaque", size_bytes, runs_code=suffix in RUNS_CODE)
    if suffix in IMAGES:
        return Shown(path, name, "image", size_bytes)
    if not wants_body(path):
        return plain
    if size_bytes > LARGEST_TEXT and suffix not in TABLES:
        return Shown(path, name, "large", size_bytes)
    text = _text(body)
    if text is None:
        return plain
    if suffix in TABLES:
        return _table(path, name, size_bytes, text, TABLES[suffix])
    return Shown(path, name, "text", size_bytes, text=_pretty(text) if suffix == ".json" else text)


def is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGES


def wants_body(path: str) -> bool:
    """Say whether the first bytes are needed: not for pictures, and never for what runs code when opened."""
    suffix = PurePosixPath(path).suffix.lower()
    return suffix not in IMAGES and suffix not in RUNS_CODE


def _text(body: bytes) -> str | None:
    if b"\x00" in body:
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        # A cut at the limit may fall inside a character; anything earlier means that this is no text.
        return body[: error.start].decode("utf-8") if error.start >= len(body) - 3 and error.start else None


def _pretty(text: str) -> str:
    """Indent JSON that came as one line; anything else stays as it was written."""
    if "\n" in text.strip():
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _table(path: str, name: str, size_bytes: int, text: str, delimiter: str) -> Shown:
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error:
        return Shown(path, name, "text", size_bytes, text=text)
    head, *body = rows or [[]]
    shown = tuple(tuple(row[:TABLE_COLUMNS]) for row in body[:TABLE_ROWS])
    return Shown(path, name, "table", size_bytes, header=tuple(head[:TABLE_COLUMNS]), rows=shown, total_rows=len(body))
