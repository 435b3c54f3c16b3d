"""Datastores, places of files, and datasets, named lists of files in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from studio_sdk.client import Client, part
from studio_sdk.errors import AlreadyExists, InvalidValue, NotFound
from studio_sdk.files import CHUNK_BYTES, below, checked, write_whole

Row = dict[str, Any]
Tell = Callable[[str], None]
WILD = re.compile(r"[*?]")
FILES_A_PAGE = 1000


@dataclass(frozen=True)
class Named:
    """A file of a dataset: `name` below the folder that a job gets, `path` in its datastore (or its address)."""

    name: str
    path: str
    size_bytes: int


@dataclass(frozen=True)
class Datastore:
    """A datastore of a workspace; `api` asks below its `api/v1`."""

    api: Client
    name: str

    @property
    def address(self) -> str:
        return f"datastores/{part(self.name)}"

    def row(self) -> Row:
        found: Row = self.api.get(self.address)
        return found

    def listing(self, folder: str = "") -> Iterator[Row]:
        """Give what is in one folder: `path` from the datastore's top, `is_dir`, `size_bytes`."""
        after, top = "", folder.strip("/")
        while True:
            page = self.api.json("GET", f"{self.address}/files", params={"path": top, "after": after})
            for one in page["entries"]:
                yield {**one, "path": f"{top}/{one['path']}".lstrip("/")}
            after = page["after"]
            if not after:
                return

    def walk(self, folder: str = "") -> Iterator[Row]:
        """Give all files below a folder. Raises NotFound for a folder that is not there."""
        for one in self.listing(folder):
            if one["is_dir"]:
                yield from self.walk(one["path"])
            else:
                yield one

    def starting(self, prefix: str) -> Iterator[Row]:
        """Give the files whose path starts so; none where there is no such folder."""
        try:
            for one in self.listing(prefix.rpartition("/")[0]):
                if one["path"].startswith(prefix):
                    yield from self.walk(one["path"]) if one["is_dir"] else [one]
        except NotFound:
            return

    def read(self, path: str) -> Iterator[bytes]:
        with self.api.stream(f"{self.address}/files/{quote(path)}") as response:
            yield from response.iter_content(CHUNK_BYTES)

    def download(self, path: str, to: Path) -> Path:
        """Download a file; `to` is there whole or not at all."""
        return write_whole(self.read(path), to)

    def put(self, path: str, source: BinaryIO, *, replaces: bool = False) -> None:
        """Store a file. Raises AlreadyExists for a name that is taken unless it `replaces`."""
        start = source.tell()

        def body() -> BinaryIO:
            source.seek(start)
            return source

        query = {"overwrite": "true"} if replaces else {}
        self.api.send("PUT", f"{self.address}/files/{quote(checked(path))}", params=query, make_data=body)

    def put_all(
        self, pairs: Sequence[tuple[str, Path]], *, replaces: bool = False, tell: Tell = lambda line: None
    ) -> int:
        """Store local files under their names; those that are there already are left, unless it `replaces`."""
        stored = 0
        for name, file in pairs:
            try:
                with file.open("rb") as body:
                    self.put(name, body, replaces=replaces)
                stored += 1
                tell(f"Uploaded {file} as {name}")
            except AlreadyExists:
                tell(f"Target already exists. Skipping upload for {name}")
        return stored

    def delete(self, path: str) -> None:
        self.api.delete(f"{self.address}/files/{quote(checked(path))}")

    def chosen(self, paths: Sequence[str]) -> list[Named]:
        """List the files that paths mean, files, folders, or patterns, as the studio does for a dataset.

        Raises InvalidValue for a path that means none.
        """
        found: dict[str, Named] = {}
        for path in paths:
            for one in self.meant(path.strip("/").removeprefix("./")):
                if found.setdefault(one.name, one).path != one.path:
                    raise InvalidValue(f"Two files would have the name “{one.name}”.")
        return sorted(found.values(), key=lambda one: one.name)

    def meant(self, path: str) -> list[Named]:
        folder, pattern = taken_apart(path)
        try:
            inside = [(one["path"][len(folder) :].strip("/"), one) for one in self.walk(folder)]
        except (NotFound, InvalidValue):  # no folder: a file, or nothing
            inside = []
        found = [
            Named(name, one["path"], int(one["size_bytes"] or 0)) for name, one in inside if pattern.fullmatch(name)
        ]
        if not found and not WILD.search(path):
            return [self.alone(path)]
        if not found:
            raise InvalidValue(f"There is no file at “{path}” in the datastore {self.name}.")
        return found

    def alone(self, path: str) -> Named:
        folder, _slash, name = path.rpartition("/")
        try:
            for one in self.listing(folder):
                if one["path"] == path and not one["is_dir"]:
                    return Named(name, path, int(one["size_bytes"] or 0))
        except (NotFound, InvalidValue):
            pass
        raise InvalidValue(f"There is no file at “{path}” in the datastore {self.name}.")


@dataclass(frozen=True)
class Datasets:
    """The datasets of a workspace; `api` asks below its `api/v1`."""

    api: Client

    def all(self) -> list[Row]:
        rows: list[Row] = self.api.get("datasets")
        return rows

    def version(self, name: str, number: int | str = "latest") -> Row:
        """Give a version; one without a description of its own has the dataset's."""
        row: Row = self.api.get(f"datasets/{part(name)}/versions/{part(number)}")
        if not row["description"]:
            row["description"] = self.api.get(f"datasets/{part(name)}")["description"]
        return row

    def versions(self, name: str) -> list[Row]:
        rows: list[Row] = self.api.get(f"datasets/{part(name)}/versions")
        return rows

    def files(self, name: str, number: int | str) -> list[Named]:
        found: list[Named] = []
        while True:
            page = self.api.get(f"datasets/{part(name)}/versions/{part(number)}/files", offset=len(found))
            found += [Named(one["name"], one["path"], int(one["size_bytes"])) for one in page["files"]]
            if len(found) >= page["total"] or not page["files"]:
                return found

    def read(self, name: str, number: int | str, file: str) -> Iterator[bytes]:
        address = f"datasets/{part(name)}/versions/{part(number)}/files/{quote(file)}"
        with self.api.stream(address) as response:
            yield from response.iter_content(CHUNK_BYTES)

    def create(self, name: str, asked: Row, *, adds_version: bool = False) -> Row:
        """Register a dataset; `asked` has kind, datastore, paths, options, description, tags.

        Raises AlreadyExists for a name that is taken, unless it `adds_version` there.
        """
        try:
            row: Row = self.api.post("datasets", {**asked, "name": name})
            row["description"] = asked.get("description", "")  # the dataset's, and so its first version's
        except AlreadyExists:
            if not adds_version:
                raise
            fields = ("datastore", "paths", "options", "description")
            row = self.api.post(f"datasets/{part(name)}/versions", {key: asked[key] for key in fields if key in asked})
        return row

    def change(self, name: str, **fields: Any) -> None:
        self.api.patch(f"datasets/{part(name)}", fields)

    def delete(self, name: str, number: int | str | None = None) -> None:
        """Delete a dataset, or one version of it; the files stay in their datastore."""
        tail = "" if number is None else f"/versions/{part(number)}"
        self.api.delete(f"datasets/{part(name)}{tail}")


def taken_apart(path: str) -> tuple[str, re.Pattern[str]]:
    """Give the folder before the first step with a wildcard, and what names below it must match."""
    steps = path.split("/") if path else []
    first = next((at for at, step in enumerate(steps) if WILD.search(step)), len(steps))
    return "/".join(steps[:first]), compiled("/".join(steps[first:]) or "**")


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern: `**/` is any folders, `*` and `?` stay within a name."""
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(words.get(one, re.escape(one)) for one in parts), re.DOTALL)


def local_files(folder: Path, into: str, pattern: str | None = None) -> list[tuple[str, Path]]:
    """Pair the files below a local folder with their names below `into`; `pattern` such as `**/*.csv`."""
    if not folder.is_dir():
        raise InvalidValue(f"There is no folder “{folder}”.")
    start = into.strip("/").removeprefix("./")
    wanted = compiled(pattern or "**")
    found = [(inner, file) for inner, file in below(folder) if wanted.fullmatch(inner)]
    if not found:
        raise InvalidValue(f"There are no files in “{folder}”.")
    return [(f"{start}/{inner}".lstrip("/"), file) for inner, file in found]


def digest_of(pairs: Sequence[tuple[str, Path]]) -> str:
    """Name what files hold, under which names, by 12 hexadecimal digits."""
    whole = hashlib.sha256()
    for name, file in sorted(pairs):
        whole.update(f"{name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as body:
            while piece := body.read(CHUNK_BYTES):
                whole.update(piece)
    return whole.hexdigest()[:12]
