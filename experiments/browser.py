"""The Artifacts tab, wherever it stands: a run's files or those of a model version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from experiments import artifacts, viewer
from experiments.artifacts import Entry, ModelDescription, Place
from experiments.viewer import Node
from lib.errors import InvalidValue, NotFound

LARGEST_HASHED = 64 * 1024 * 1024
READ_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Files:
    """Files to look at: `listing(folder)` gives entries with whole paths, `place(path)` says where one is stored."""

    listing: Callable[[str], list[Entry]]
    place: Callable[[str], Place]


def browse(files: Files, path: str, root_name: str) -> dict[str, Any]:
    """Give what the template shows of the tree, and of the file or folder at `path`; without one, of the model.

    Raises NotFound for a path that is not there.
    """
    nodes = viewer.tree(viewer.walk(files.listing))
    root = Node(root_name, "", True, sum(node.size_bytes for node in nodes), "folder", nodes)
    found = viewer.find(nodes, path) if path else first(root)
    if found is None:
        raise NotFound(f"There is no artifact “{path[:200]}”.")
    return {
        "nodes": nodes,
        "file_count": viewer.files(nodes),
        "total_bytes": root.size_bytes,
        **(folder(files, found) if found.is_dir else file(files, found)),
    }


def first(root: Node) -> Node:
    """Choose what to show before anything is chosen: the root if it is a model, else the first model in it, or all."""
    if is_model(root):
        return root
    models = [node for node in root.nodes if node.is_dir and is_model(node)]
    return models[0] if models else root


def is_model(node: Node) -> bool:
    return any(one.name == "MLmodel" and not one.is_dir for one in node.nodes)


def folder(files: Files, node: Node) -> dict[str, Any]:
    shown = viewer.show_folder(node)
    model = described(files.place(node.path)) if is_model(node) else None
    if model is None:
        return {"shown": shown}
    example = artifacts.input_example(files.place(node.path))
    return {
        "shown": shown,
        "model": model,
        "mlmodel": viewer.find(node.nodes, f"{node.path}/MLmodel" if node.path else "MLmodel"),
        "input_example": json.dumps(example, indent=2) if example is not None else "",
    }


def described(place: Place) -> ModelDescription | None:
    """Read the MLmodel of a folder; one that cannot be read is shown as the plain file that it is."""
    try:
        return artifacts.describe_model(place)
    except (InvalidValue, NotFound):
        return None


def file(files: Files, node: Node) -> dict[str, Any]:
    place = files.place(node.path)
    body = b""
    if viewer.wants_body(node.path):
        with artifacts.open_file(place) as source:
            body = source.read(viewer.LARGEST_TEXT + 1)
    shown = viewer.show_file(node.path, node.size_bytes, body)
    return {
        "shown": shown,
        "sha256": sha256(place) if shown.kind == "opaque" and node.size_bytes <= LARGEST_HASHED else "",
    }


def sha256(place: Place) -> str:
    digest = hashlib.sha256()
    with artifacts.open_file(place) as source:
        while chunk := source.read(READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
