"""The stages of a job that leave the runner: code, environment, outputs."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from compute.environments import Built, EnvironmentSpec
from compute.environments.build import Builder
from compute.node.archives import unpack
from compute.node.beneath import files_beneath, open_beneath
from compute.node.client import StudioClient
from compute.node.work import Work, input_folder

# Folders of the command whose files are the run's.
KEPT = ("outputs", "logs")
FILES_MAX = 20_000
LISTED_MAX = 100


class StageFailed(Exception):
    """The job cannot go on; the message is for its page."""


def fetch_code(client: StudioClient, work: Work, folder: Path, *, owner: int | None) -> None:
    """Unpack the snapshot where the command will run."""
    archive = folder / "snapshot.tar"
    client.download(f"{work.path}/snapshot", archive)
    code = folder / "process" / "code"
    code.mkdir(parents=True, exist_ok=True)
    try:
        unpack(archive, code)
    except (tarfile.TarError, OSError) as error:
        raise StageFailed(f"The snapshot cannot be unpacked: {error}") from None
    archive.unlink()
    if owner is not None:
        give_to(code, owner)


def fetch_inputs(
    client: StudioClient, work: Work, folder: Path, *, owner: int | None, still_wanted: Callable[[], bool]
) -> None:
    """Copy the files of the job's inputs beside its code; what came whole before a break is not fetched again.

    Raises StageFailed for a file that has another size than when the dataset's version was made.
    """
    for name in work.inputs:
        target = input_folder(folder, name)
        target.mkdir(parents=True, exist_ok=True)
        listed = client.get(f"{work.path}/inputs/{name}")["files"]
        for place, one in enumerate(listed):
            if not still_wanted():
                return
            fetch_input(client, f"{work.path}/inputs/{name}/{place}", below(target, one["name"]), one["size_bytes"])
    data = folder / "process" / "data"
    if owner is not None and data.exists():
        give_to(data, owner)  # the folder above the inputs too: the node's own umask lets nobody else through


def fetch_input(client: StudioClient, url: str, target: Path, size_bytes: int) -> None:
    if target.exists() and target.stat().st_size == size_bytes:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    client.download(url, target)
    if (size := target.stat().st_size) != size_bytes:
        raise StageFailed(
            f"The file {target.name} of an input has {size} bytes; the dataset's version was made of {size_bytes}. "
            "Make a new version of the dataset."
        )


def below(folder: Path, name: str) -> Path:
    """Give the place of a file. Raises StageFailed for a name that leads elsewhere."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise StageFailed(f"The name {name!r} of an input's file leads out of its folder.")
    return folder / path


def give_to(folder: Path, uid: int) -> None:
    for where, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(where) / name, uid, uid, follow_symlinks=False)
    os.chown(folder, uid, uid)


def build_environment(builder: Builder, work: Work) -> Built:
    """Find or build the job's environment. Raises StageFailed, or BuildFailed with the installer's words."""
    if work.environment is None:
        raise StageFailed("The job has no environment.")
    return builder.build(EnvironmentSpec.from_json(work.environment))


def code_as_it_was(code: Path) -> dict[str, tuple[int, int]]:
    """Remember what lies in the folder before the command runs."""
    return {found.path: (found.size_bytes, found.changed_ns) for found in files_beneath(code)}


def left_behind(code: Path, before: dict[str, tuple[int, int]]) -> dict[str, Any] | None:
    """List the files that the command wrote outside ./outputs and ./logs: nobody keeps them, so somebody should know.

    What running Python leaves beside the code is not among them.
    """
    count = size = 0
    paths: list[str] = []
    for found in files_beneath(code):
        top, name = found.path.partition("/")[0], found.path.rpartition("/")[2]
        is_known = before.get(found.path) == (found.size_bytes, found.changed_ns)
        if is_known or top in KEPT or "__pycache__/" in f"/{found.path}" or name.endswith(".pyc"):
            continue
        count, size = count + 1, size + found.size_bytes
        if len(paths) < LISTED_MAX:
            paths.append(found.path[:2000].encode("utf-8", "replace").decode())
    return {"count": count, "size_bytes": size, "paths": paths} if count else None


def upload_kept(work: Work, code: Path) -> int:
    """Copy ./outputs and ./logs to the run's artifacts, with the job's own token; give the number of files."""
    client = StudioClient(work.tracking_uri, work.token)
    count = 0
    for top in KEPT:
        for found in files_beneath(code / top, at_most=FILES_MAX):
            place = quote(f"{work.experiment_id}/{work.run_id}/artifacts/{top}/{found.path}", errors="replace")
            with open_beneath(code / top, found.path) as file:
                client.upload(f"/api/2.0/mlflow-artifacts/artifacts/{place}", file)
            count += 1
    return count
