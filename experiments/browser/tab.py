"""What the Artifacts tab shows: the tree, and of what is chosen in it a folder, a model or a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest

from experiments import artifacts, viewers
from experiments.artifacts import Entry, ModelDescription, Place
from experiments.browser import nodes
from experiments.browser.files import Files
from experiments.browser.names import readable
from experiments.browser.nodes import Node, Rest, Tree
from experiments.viewers import Source
from experiments.viewers.kinds import PICTURES, suffix
from lib.errors import InvalidValue, NotFound
from lib.html import is_partial

# Below it a sum costs less than a reader's patience, above it is made when asked for.
HASHED_AT_ONCE = 32 * 1024 * 1024
LARGEST_HASHED = 16 * 1024**3
MOST_SIBLINGS = 2000
MOST_PREVIEWS = 48
LARGEST_PREVIEW = 4 * 1024 * 1024


@dataclass(frozen=True)
class Chosen:
    """The file or folder that is looked at. `nodes` are a folder's rows, `previews` the pictures among them."""

    path: str
    name: str
    folder: str
    is_dir: bool
    size_bytes: int
    is_own: bool
    nodes: tuple[Node, ...] = ()
    rest: Rest | None = None
    previews: tuple[Node, ...] = ()
    files: int = 0
    is_counted: bool = True

    @property
    def query(self) -> str:
        return quote(self.path)

    @property
    def upload_folder(self) -> str:
        """Name the folder into which files go from here: this one, or the file's."""
        return "" if not self.is_own else self.path if self.is_dir else self.folder


def answer(request: HttpRequest, files: Files, page: str) -> tuple[str, dict[str, Any]]:
    """Give the template and its context: the whole page, or what htmx asks for alone."""
    wanted = request.GET.dict()
    return fragment(files, wanted) if is_partial(request) else (page, show(files, wanted))


def show(files: Files, wanted: Mapping[str, str]) -> dict[str, Any]:
    """Give what the templates show. Raises NotFound for a path that is not there."""
    path = wanted.get("path", "")
    entry = files.entry(artifacts.checked(path))
    tree = nodes.tree(files, entry.path)
    if not path:
        entry = first(tree)
    total = files.tally()
    return {"tree": tree, "total": total, **looked_at(files, entry, wanted)}


def fragment(files: Files, wanted: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Give a template and its context for what a page that is there already asks for."""
    if "find" in wanted and wanted["find"].strip():
        return "experiments/_found.html", {"found": nodes.find(files, wanted["find"][:200])}
    if "find" in wanted:
        return "experiments/_tree.html", {"tree": nodes.tree(files)}
    if "nodes" in wanted:
        folder = artifacts.checked(wanted["nodes"])
        depth = folder.count("/") + 1 if folder else 0
        found, rest = nodes.folder(files, folder, wanted.get("after", ""))
        return "experiments/_nodes.html", {"nodes": found, "rest": rest, "depth": depth}
    if "sha256" in wanted:
        return "experiments/_sha256.html", {"sha256": artifacts.store().sha256(files.place(wanted["sha256"]).key)}
    entry = files.entry(artifacts.checked(wanted.get("path", "")))
    return "experiments/_shown.html", looked_at(files, entry, wanted)


def first(tree: Tree) -> Entry:
    """Choose what to show before anything is chosen: the top if it is a model, else the first model in it, or all."""
    if any(node.name == nodes.MODEL_FILE and not node.is_dir for node in tree.nodes):
        return Entry("", is_dir=True)
    models = [node.path for node in tree.nodes if node.icon == "model"]
    return Entry(models[0] if models else "", is_dir=True)


def looked_at(files: Files, entry: Entry, wanted: Mapping[str, str]) -> dict[str, Any]:
    return folder(files, entry) if entry.is_dir else file(files, entry, wanted)


def folder(files: Files, entry: Entry) -> dict[str, Any]:
    tally = files.tally(entry.path)
    rows, rest = nodes.folder(files, entry.path)
    pictures = (node for node in rows if suffix(node.path) in PICTURES and (node.size_bytes or 0) <= LARGEST_PREVIEW)
    shown = Chosen(
        path=entry.path,
        name=readable(entry.name) or files.name,
        folder=parent(entry.path),
        is_dir=True,
        size_bytes=tally.size_bytes,
        is_own=files.is_own(entry.path),
        nodes=rows,
        rest=rest,
        previews=tuple(node for node, _count in zip(pictures, range(MOST_PREVIEWS), strict=False)),
        files=tally.files,
        is_counted=tally.is_whole,
    )
    is_model = any(node.name == nodes.MODEL_FILE and not node.is_dir for node in rows)
    return {"shown": shown, **(model_card(files, entry.path) if is_model else {})}


def model_card(files: Files, path: str) -> dict[str, Any]:
    place = files.place(path)
    model = described(place)
    if model is None:
        return {}
    example = artifacts.input_example(place)
    return {
        "model": model,
        "mlmodel_path": f"{path}/{nodes.MODEL_FILE}" if path else nodes.MODEL_FILE,
        "input_example": json.dumps(example, indent=2) if example is not None else "",
    }


def described(place: Place) -> ModelDescription | None:
    """Read the MLmodel of a folder; one that cannot be read is shown as the plain file that it is."""
    try:
        return artifacts.describe_model(place)
    except (InvalidValue, NotFound):
        return None


def file(files: Files, entry: Entry, wanted: Mapping[str, str]) -> dict[str, Any]:
    place = files.place(entry.path)
    above = parent(entry.path)
    source = Source(
        path=entry.path,
        size_bytes=entry.size_bytes or 0,
        open=lambda: artifacts.open_file(place),
        siblings=lambda: list(files.listing(above, "", MOST_SIBLINGS).entries),
        wanted=wanted,
    )
    shown = viewers.show(source)
    chosen = Chosen(
        path=entry.path,
        name=readable(entry.name),
        folder=above,
        is_dir=False,
        size_bytes=source.size_bytes,
        is_own=files.is_own(entry.path),
    )
    return {
        "shown": chosen,
        "viewer": shown.template,
        "viewer_name": shown.name,
        "view": shown.view,
        "offers": shown.offers,
        "sha256": sha256(place, source.size_bytes),
        "can_hash": source.size_bytes <= LARGEST_HASHED,
    }


def sha256(place: Place, size_bytes: int) -> str:
    """Give a file's sum if it is known, or quickly made."""
    store = artifacts.store()
    return store.sha256(place.key) if size_bytes <= HASHED_AT_ONCE else store.kept_sha256(place.key)


def parent(path: str) -> str:
    return path.rpartition("/")[0]
