"""The stages of a job that leave the runner: code, environment, outputs."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from compute.environments import Built, EnvironmentSpec
from compute.environments.build import Builder
from compute.node.archives import unpack
from compute.node.client import StudioClient
from compute.node.work import Work


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


def outputs(code: Path) -> Iterator[Path]:
    """List the files below ./outputs, never through a link: links could lead to what only we may read."""
    root = code / "outputs"
    if root.is_symlink() or not root.is_dir():
        return
    for where, folders, files in os.walk(root, followlinks=False):
        folders.sort()
        for name in sorted(files):
            path = Path(where) / name
            if not path.is_symlink() and path.is_file():
                yield path


def upload_outputs(work: Work, code: Path) -> int:
    """Copy ./outputs to the run's artifacts, with the job's own token; give the number of files."""
    client = StudioClient(work.tracking_uri, work.token)
    count = 0
    for path in outputs(code):
        below = quote(str(path.relative_to(code)))
        place = f"{work.experiment_id}/{work.run_id}/artifacts/{below}"
        client.upload(f"/api/2.0/mlflow-artifacts/artifacts/{place}", path)
        count += 1
    return count
