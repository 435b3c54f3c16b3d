"""A model version's files: read as data for a look, copied out for a replica. Nothing of a model is loaded here."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from experiments import artifacts
from experiments.artifacts import Entry, ModelDescription, Place
from lib.errors import InvalidValue, NotFound
from registry.models import ModelVersion
from registry.queries import model_files

PICKLE_SUFFIXES = (".pkl", ".pickle", ".joblib")
BARE_SUFFIXES = (".pkl", ".pickle", ".joblib", ".skops")
ROW = re.compile(r"\[\n(?P<indent> +)([^\[\]{}]*?)\n *\]")
LONGEST_PRETTY = 8000
# An estimator's state ends with this name and the version, each a short text with a few bytes of the format before it.
WRITTEN_BY = re.compile(rb"_sklearn_version.{1,16}?(\d+\.\d+(?:\.\d+)?(?:rc\d+|\.post\d+)?)", re.DOTALL)
LOOKED_AT_BYTES, NAME_BYTES = 4 * 1024 * 1024, 64
ENVIRONMENT_FILES = ("python_env.yaml", "conda.yaml", "requirements.txt")
EXAMPLE_VALUES = {
    "string": "text",
    "boolean": False,
    "datetime": "2026-01-01T00:00:00",
    "binary": "",
    "long": 0,
    "integer": 0,
}


def describe(version: ModelVersion) -> ModelDescription | None:
    """Read the model's MLmodel file; None for a model without one."""
    try:
        folder = _folder(version)
        return artifacts.describe_model(folder) if folder else None
    except NotFound:
        return None


def check_servable(version: ModelVersion) -> None:
    """Raise InvalidValue with the reason when no replica could ever serve this."""
    described = describe(version)
    if described is None:
        found = [one for one in _entries(version) if one.name.endswith(BARE_SUFFIXES)]
        if len(found) != 1:
            raise InvalidValue(
                _("This version has no MLmodel file and not exactly one model file: it cannot be served.")
            )
    elif "python_function" not in {flavor.name for flavor in described.flavors}:
        raise InvalidValue(_("This model has no python_function flavour, so it cannot be served."))


def environment_files(version: ModelVersion) -> dict[str, str]:
    """Give the files that say what the model needs, by name."""
    found: dict[str, str] = {}
    for name in ENVIRONMENT_FILES:
        with suppress(NotFound):
            if folder := _folder(version):
                found[name], _is_cut = artifacts.read_text(folder.below(name), 256 * 1024)
    return found


def scikit_learn_of(version: ModelVersion) -> str:
    """Give the scikit-learn that wrote a bare pickle, as the pickle says; "" where it does not (or is compressed)."""
    found = [one for one in _entries(version) if one.name.endswith(PICKLE_SUFFIXES)]
    if len(found) != 1:
        return ""
    folder = _folder(version)
    place = folder.below(found[0].path) if folder else model_files(version)
    kept = b""
    with artifacts.open_file(place) as file:
        while chunk := file.read(LOOKED_AT_BYTES):
            if match := WRITTEN_BY.search(kept + chunk):
                return match[1].decode()
            kept = chunk[-NAME_BYTES:]
    return ""


def weigh(version: ModelVersion) -> tuple[int, list[str]]:
    """Give the bytes of all files, and the names of those that are pickles."""
    found = list(_entries(version))
    pickles = sorted(one.name for one in found if one.name.endswith(PICKLE_SUFFIXES))
    return sum(one.size_bytes or 0 for one in found), pickles


def example_body(version: ModelVersion) -> str:
    """Give a request body to try the model with: its own example, else one made of its signature."""
    folder = _folder(version)
    example = artifacts.input_example(folder) if folder else None
    if example is not None:
        return _pretty(_as_body(example))
    described = describe(version)
    if described is None or not described.inputs:
        return _pretty({"data": [[0]]})
    if not all(column.name for column in described.inputs):
        return _pretty({"inputs": [[0]]})
    record = {column.name: EXAMPLE_VALUES.get(column.type, 0.0) for column in described.inputs}
    return _pretty({"dataframe_records": [record]})


def put(version: ModelVersion, folder: Path, owner: int | None) -> None:
    """Copy the files into a folder that only `owner` (or everyone of this user) reads; done before, it stays."""
    if folder.is_dir():
        return
    draft = folder.with_name(f".{folder.name}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    artifacts.materialise(model_files(version), draft)
    _hand_over(draft, folder, owner)


def put_code(code: Mapping[str, str], folder: Path, owner: int | None) -> None:
    """Write an entry script and what lies beside it; the paths were checked when they were taken."""
    if folder.is_dir():
        return
    draft = folder.with_name(f".{folder.name}")
    shutil.rmtree(draft, ignore_errors=True)
    for name, text in code.items():
        path = draft / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _hand_over(draft, folder, owner)


def _hand_over(draft: Path, folder: Path, owner: int | None) -> None:
    for path in [*draft.rglob("*"), draft]:
        path.chmod(0o500 if path.is_dir() else 0o400)
        if owner is not None:
            os.chown(path, owner, owner, follow_symlinks=False)
    draft.replace(folder)


def remove(folder: Path) -> None:
    for path in [folder, folder.with_name(f".{folder.name}")]:
        if path.is_dir():
            # Its folders are read-only, even to the user who owns them.
            for below in [path, *(entry for entry in path.rglob("*") if entry.is_dir())]:
                below.chmod(0o700)
            shutil.rmtree(path)


def _folder(version: ModelVersion) -> Place | None:
    """Give the folder of the files; None for a version that is one file of its run."""
    place = model_files(version)
    try:
        return place if artifacts.store().stat(place.key).is_dir else None
    except NotFound:
        return place


def _entries(version: ModelVersion) -> Iterable[Entry]:
    """Give the files, or the one that the version is."""
    folder = _folder(version)
    return artifacts.store().walk(folder.key) if folder else [artifacts.store().stat(model_files(version).key)]


def _as_body(example: Any) -> Any:
    """Make a body of an example that is only data: older MLflow kept a bare split or a list."""
    known = {"dataframe_split", "dataframe_records", "instances", "inputs", "input_data", "data"}
    if isinstance(example, dict) and known & example.keys():
        return example
    return {"input_data": example}


def _pretty(body: Any) -> str:
    """Write a body over several lines, but each row on one; a long one as it is."""
    text = json.dumps(body, indent=2, ensure_ascii=False)
    # A line break never stands inside a JSON string, so what matches is structure.
    text = ROW.sub(lambda row: "[" + " ".join(row[2].split("\n" + row["indent"])) + "]", text)
    return text if len(text) < LONGEST_PRETTY else json.dumps(body, ensure_ascii=False)
