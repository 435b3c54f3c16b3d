"""Folders of code: each content is stored once under its hash, and a snapshot is a list of paths and hashes."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import IO, Any

from django.utils.translation import gettext as _

from experiments.artifacts import Entry, Place, checked, store
from jobs.models import Snapshot
from lib.errors import InvalidValue, NotFound
from lib.snapshots import BYTES_MAX, FILES_MAX, Rules, SnapshotFile

# What remains of the limit on files where the client has lifted it.
FILES_LIFTED = 20_000
HASH = re.compile(r"[0-9a-f]{64}")
PIECE_BYTES = 1024 * 1024
TEXT_MAX = 1_000_000
BLOCK = 512


def blob(workspace_id: int, sha256: str) -> Place:
    """Say where a content lies: where no artifact's address leads, and where no other workspace looks."""
    return Place(f"blobs/{workspace_id}/{sha256[:2]}/{sha256}")


# ---- Lists ----------------------------------------------------------------------------------------------------------


def listed(values: Iterable[Mapping[str, Any]], *, lifts_file_limit: bool = False) -> tuple[SnapshotFile, ...]:
    """Read a list of files. Raises InvalidValue for bad paths and hashes, and beyond the limits."""
    files = tuple(sorted((one_listed(value) for value in values), key=lambda file: file.path))
    most = FILES_LIFTED if lifts_file_limit else FILES_MAX
    if len(files) > most:
        raise InvalidValue(
            _("The snapshot has %(count)d files; the limit is %(most)d. Leave some out by .amlignore.")
            % {"count": len(files), "most": most}
        )
    if sum(file.size_bytes for file in files) > BYTES_MAX:
        raise InvalidValue(
            _("The snapshot is larger than the limit of %d MB. Leave files out by .amlignore.") % (BYTES_MAX // 1024**2)
        )
    paths = {file.path for file in files}
    folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    if len(paths) != len(files) or paths & folders:
        raise InvalidValue(_("A path of the snapshot stands twice, or for a file and a folder."))
    return files


def one_listed(value: Mapping[str, Any]) -> SnapshotFile:
    path = checked(str(value["path"]))
    if not path or path != value["path"] or not HASH.fullmatch(str(value["sha256"])):
        raise InvalidValue(_("“%s” is not a file with a path and a SHA-256.") % str(value["path"])[:200])
    return SnapshotFile(path, str(value["sha256"]), int(value["size_bytes"]), bool(value.get("is_executable")))


def digest_of(files: Iterable[SnapshotFile]) -> str:
    content = [[file.path, file.sha256, file.is_executable] for file in files]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def files_of(snapshot: Snapshot) -> tuple[SnapshotFile, ...]:
    return tuple(SnapshotFile(**value) for value in snapshot.manifest)


def as_json(files: Iterable[SnapshotFile]) -> list[dict[str, Any]]:
    return [asdict(file) for file in files]


# ---- Contents -------------------------------------------------------------------------------------------------------


def missing(workspace_id: int, files: Iterable[SnapshotFile]) -> list[str]:
    """Give the hashes whose content is not stored. Raises InvalidValue for a size that is not the content's."""
    absent: dict[str, None] = {}
    for file in files:
        try:
            size = store().stat(blob(workspace_id, file.sha256).key).size_bytes
        except NotFound:
            absent[file.sha256] = None
            continue
        if size != file.size_bytes:
            raise InvalidValue(_("“%s” has another size than its SHA-256 says.") % file.path)
    return list(absent)


class Hashed:
    """A content on its way into the store; its end is refused if it is not what its name says."""

    def __init__(self, source: IO[bytes], sha256: str) -> None:
        self.source = source
        self.sha256 = sha256
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        piece = self.source.read(size)
        self.digest.update(piece)
        if not piece and self.digest.hexdigest() != self.sha256:
            raise InvalidValue(_("A content is not what its SHA-256 says: %s.") % self.sha256)
        return piece


def put(workspace_id: int, sha256: str, source: IO[bytes]) -> None:
    place = blob(workspace_id, sha256)
    try:
        store().stat(place.key)
    except NotFound:
        store().put(place.key, Hashed(source, sha256))


def put_archive(workspace_id: int, source: IO[bytes]) -> int:
    """Store the contents of a tar archive, whose members are named by their SHA-256; give how many there were."""
    count, total = 0, 0
    try:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for member in archive:
                count, total = count + 1, total + member.size
                if not member.isreg() or not HASH.fullmatch(member.name) or member.issparse():
                    raise InvalidValue(_("The archive may hold files only, each named by its SHA-256."))
                if count > FILES_LIFTED or total > BYTES_MAX:
                    raise InvalidValue(_("The archive is larger than a snapshot may be."))
                opened = archive.extractfile(member)
                assert opened
                put(workspace_id, member.name, opened)
    except (tarfile.TarError, EOFError) as error:
        raise InvalidValue(_("The body is not a whole tar archive: %s") % error) from None
    return count


def open_file(snapshot: Snapshot, path: str) -> IO[bytes]:
    """Open one file. Raises NotFound for a path that is not in the snapshot."""
    found = next((file for file in files_of(snapshot) if file.path == path), None)
    if found is None:
        raise NotFound(_("There is no file “%s” in the code.") % path[:200])
    return store().open(blob(snapshot.workspace_id, found.sha256).key)


def text(snapshot: Snapshot, path: str) -> str | None:
    """Give a file's text; None when there is no such file."""
    try:
        with open_file(snapshot, path) as opened:
            return opened.read(TEXT_MAX).decode("utf-8", "replace")
    except NotFound:
        return None


def entries(snapshot: Snapshot) -> list[Entry]:
    return [Entry(file.path, False, file.size_bytes) for file in files_of(snapshot)]


def place(snapshot: Snapshot, path: str) -> Place:
    found = next((file for file in files_of(snapshot) if file.path == path), None)
    return blob(snapshot.workspace_id, found.sha256) if found else Place("blobs/none")


# ---- Archives -------------------------------------------------------------------------------------------------------


def tar(snapshot: Snapshot) -> Iterator[bytes]:
    """Give the snapshot as a tar archive, piece by piece: what a node unpacks."""
    for file in files_of(snapshot):
        member = tarfile.TarInfo(file.path)
        member.size, member.mode = file.size_bytes, 0o755 if file.is_executable else 0o644
        yield member.tobuf(tarfile.PAX_FORMAT)
        with store().open(blob(snapshot.workspace_id, file.sha256).key) as source:
            while piece := source.read(PIECE_BYTES):
                yield piece
        yield bytes(-file.size_bytes % BLOCK)
    yield bytes(2 * BLOCK)


def zipped(snapshot: Snapshot) -> IO[bytes]:
    """Give the snapshot as a zip file: what a reader downloads."""
    body = tempfile.SpooledTemporaryFile(max_size=16 * PIECE_BYTES)  # noqa: SIM115  whoever sends it closes it
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files_of(snapshot):
            info = zipfile.ZipInfo(file.path)
            info.external_attr = (0o755 if file.is_executable else 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            source_key = blob(snapshot.workspace_id, file.sha256).key
            with store().open(source_key) as source, archive.open(info, "w") as target:
                while piece := source.read(PIECE_BYTES):
                    target.write(piece)
    body.seek(0)
    return body


def unzipped(source: IO[bytes]) -> dict[str, bytes]:
    """Read a zip of a folder, its ignore files obeyed and one folder around it all taken off.

    Nothing is written to disk; what a member really holds counts, not what it says. Raises InvalidValue.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            names = [info for info in archive.infolist() if not info.is_dir() and not is_rubbish(info.filename)]
            if len(names) > 10 * FILES_LIFTED:
                raise InvalidValue(_("The zip file holds too many files."))
            return kept_of(archive, names)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise InvalidValue(_("This is not a zip file that can be read: %s") % error) from None


def kept_of(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> dict[str, bytes]:
    around = common_folder([info.filename for info in infos])
    by_path = {info.filename[len(around) :]: info for info in infos}
    rules = Rules(lambda path: read_member(archive, by_path[path], TEXT_MAX).decode("utf-8", "replace")
                  if path in by_path else None)  # fmt: skip
    found: dict[str, bytes] = {}
    room = BYTES_MAX
    for path, info in by_path.items():
        is_link = (info.external_attr >> 16) & 0o170000 == 0o120000
        if is_link or not path or rules.leaves_out(path):
            continue
        found[path] = read_member(archive, info, room)
        room -= len(found[path])
        if len(found) > FILES_MAX:
            raise InvalidValue(_("The snapshot has more files than the limit of %d.") % FILES_MAX)
    return found


def is_rubbish(name: str) -> bool:
    """Say whether a packer put it there for itself."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] == ".DS_Store"


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, room: int) -> bytes:
    with archive.open(info) as opened:
        content = opened.read(room + 1)
    if len(content) > room:
        raise InvalidValue(_("The snapshot is larger than the limit of %d MB.") % (BYTES_MAX // 1024**2))
    return content


def common_folder(names: list[str]) -> str:
    first = {name.partition("/")[0] for name in names}
    is_around = len(first) == 1 and all("/" in name for name in names)
    return f"{first.pop()}/" if is_around else ""


def from_files(workspace_id: int, contents: Mapping[str, bytes]) -> tuple[SnapshotFile, ...]:
    """Store contents by their paths, and give the list. Raises InvalidValue beyond the limits."""
    values = [
        {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
        for path, content in contents.items()
    ]
    files = listed(values)
    for file in files:
        put(workspace_id, file.sha256, io.BytesIO(contents[file.path]))
    return files
