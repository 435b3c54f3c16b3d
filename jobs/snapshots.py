"""Folders of code as one archive each, the same bytes for the same content."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from experiments.artifacts import checked
from lib.errors import InvalidValue

FILES_MAX = 2_000
BYTES_MAX = 300 * 1024 * 1024


@dataclass(frozen=True)
class Packed:
    digest: str
    archive: bytes
    size_bytes: int


def pack(files: Mapping[str, bytes]) -> Packed:
    """Pack files by their paths. Raises InvalidValue when they are too many, too large, or lead out of the folder."""
    size = sum(len(content) for content in files.values())
    if len(files) > FILES_MAX:
        raise InvalidValue(_("A snapshot takes at most %s files.") % FILES_MAX)
    if size > BYTES_MAX:
        raise InvalidValue(_("A snapshot takes at most 300 MB."))
    total = hashlib.sha256()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(files):
            content = files[path]
            member = tarfile.TarInfo(checked(path))
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
            total.update(f"{path}\0{len(content)}\0".encode() + content)
    return Packed(total.hexdigest(), buffer.getvalue(), size)


def key(workspace_id: int, digest: str) -> str:
    """Name its place in the store: where no artifact's address leads."""
    return f"snapshots/{workspace_id}/{digest}.tar"
