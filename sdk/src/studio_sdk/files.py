"""Files of runs: what is there, up and down, a file or a folder."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

from studio_sdk.client import Client, part
from studio_sdk.errors import InvalidValue

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class RunFiles:
    """`api` asks below a workspace's `api/v1`, `workspace` below the workspace itself."""

    workspace: Client
    run_id: str
    artifact_uri: str = ""

    @property
    def address(self) -> str:
        return f"api/v1/runs/{part(self.run_id)}/files"

    def list(self, prefix: str = "") -> list[dict[str, Any]]:
        """List all files below a folder: `path` from the run's root, `size_bytes`."""
        rows: list[dict[str, Any]] = self.workspace.get(self.address)["files"]
        folder = prefix.strip("/")
        return [row for row in rows if not folder or row["path"] == folder or row["path"].startswith(f"{folder}/")]

    def download(self, path: str, to: Path) -> Path:
        """Download a file; `to` is there whole or not at all."""
        return write_whole(self.read(path), to)

    def read(self, path: str) -> Iterator[bytes]:
        with self.workspace.stream(f"{self.address}/{quote(path)}") as response:
            yield from response.iter_content(CHUNK_BYTES)

    def text(self, path: str) -> str:
        return b"".join(self.read(path)).decode(errors="replace")

    def upload(self, path: str, source: BinaryIO) -> None:
        """Upload a file to `path` of the run, over what may be there."""
        root = urlsplit(self.artifact_uri).path.strip("/")
        if not root:
            raise InvalidValue("The run has no place for artifacts.")
        self.workspace.put_file(f"api/2.0/mlflow-artifacts/artifacts/{quote(root)}/{quote(path)}", source)

    def upload_text(self, path: str, text: str) -> None:
        self.upload(path, io.BytesIO(text.encode()))


def write_whole(chunks: Iterable[bytes], to: Path) -> Path:
    """Write a file that is there whole or not at all."""
    to.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=to.parent, prefix=f".{to.name}.")
    try:
        with os.fdopen(handle, "wb") as target:
            for chunk in chunks:
                target.write(chunk)
        Path(draft).chmod(0o666 & ~umask())
        Path(draft).replace(to)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return to


def umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now


def checked(path: str) -> str:
    """Write a path of a run's files as the studio has them. Raises InvalidValue for one that leads out."""
    clean = PurePosixPath(str(path).replace("\\", "/"))
    if clean.is_absolute() or ".." in clean.parts or not clean.name:
        raise InvalidValue(f"“{path}” is not a path below the run's files.")
    return str(clean)


def below(folder: Path) -> Iterator[tuple[str, Path]]:
    """List the files of a local folder as (path below it, file); links are not followed out of it."""
    root = folder.resolve()
    for directory, _folders, names in os.walk(folder):
        for name in sorted(names):
            file = Path(directory) / name
            if file.is_file() and file.resolve().is_relative_to(root):
                yield file.relative_to(folder).as_posix(), file
