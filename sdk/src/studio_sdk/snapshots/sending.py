"""Send a folder to the studio: its list first, then only the contents that the studio has not got."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import IO, Any

from studio_sdk.snapshots.folder import Folder, SnapshotFile

# A request carries about so many bytes of contents: few requests for small files, none that is endless.
PART_BYTES = 32 * 1024 * 1024

Ask = Callable[[str, str, Any, dict[str, str]], dict[str, Any]]


def send_folder(folder: Folder, ask: Ask) -> str:
    """Send what is missing and give the snapshot's digest.

    `ask(method, path, body, headers)` calls the studio's API below `/w/<workspace>/api/v1/`; a body is either JSON
    values or an open file, and the answer is the JSON.
    """
    listed = {"files": [asdict(file) for file in folder.files]}
    answer = ask("POST", "snapshots", listed, {})
    if answer["missing"]:
        for part in parts(folder, set(answer["missing"])):
            with packed(folder, part) as body:
                ask("POST", "snapshots/blobs", body, {"Content-Type": "application/x-tar"})
        answer = ask("POST", "snapshots", listed, {})
    return str(answer["digest"])


def parts(folder: Folder, missing: set[str]) -> Iterator[list[SnapshotFile]]:
    part: list[SnapshotFile] = []
    for file in folder.files:
        if file.sha256 not in missing:
            continue
        missing.discard(file.sha256)
        part.append(file)
        if sum(one.size_bytes for one in part) >= PART_BYTES:
            yield part
            part = []
    if part:
        yield part


def packed(folder: Folder, files: Iterable[SnapshotFile]) -> IO[bytes]:
    """Pack contents into an archive, each under its hash."""
    body = tempfile.SpooledTemporaryFile(max_size=PART_BYTES)  # noqa: SIM115  the caller closes it
    with tarfile.open(fileobj=body, mode="w") as archive:
        for file in files:
            content = (folder.root / file.path).read_bytes()
            member = tarfile.TarInfo(file.sha256)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    body.seek(0)
    return body
