"""The files of a run, up and down."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from studio_sdk import files
from studio_sdk.client import part
from studio_sdk.files import RunFiles

from azureml._runs.whole import PartOfRun
from azureml.exceptions import UserErrorException, translated

SNAPSHOT = "studio.snapshot"


class FilesOfRun(PartOfRun):
    """The part of a run that keeps files."""

    @property
    def _files(self) -> RunFiles:
        workspace = self._workspace._studio.below(f"w/{part(self._workspace.name)}")
        return RunFiles(workspace, self._id, str(self._info.get("artifact_uri", "")))

    def get_file_names(self) -> list[str]:
        with translated():
            return [row["path"] for row in self._files.list()]

    def upload_file(self, name: str, path_or_stream: Any, datastore_name: str | None = None) -> None:
        """Upload a file or what a stream holds. Raises UserErrorException when the run has a file of that name."""
        with translated(UserErrorException):
            target = files.checked(name)
            if target in self.get_file_names():
                raise UserErrorException(f"The run has a file “{target}” already.")
            self._upload(target, path_or_stream)

    def _upload(self, target: str, source: Any) -> None:
        if hasattr(source, "read"):
            self._files.upload(target, source)
            return
        file = Path(source)
        if not file.is_file():
            raise UserErrorException(f"There is no file “{source}”.")
        with file.open("rb") as body:
            self._files.upload(target, body)

    def upload_files(
        self, names: Iterable[str], paths: Iterable[Any], return_artifacts: bool = False,
        timeout_seconds: int | None = None, datastore_name: str | None = None,
    ) -> None:  # fmt: skip
        known = set(self.get_file_names())
        pairs = list(zip(names, paths, strict=True))
        taken = sorted(known & {files.checked(name) for name, _path in pairs})
        if taken:
            raise UserErrorException(f"The run has these files already: {', '.join(taken)}.")
        with translated():
            for name, path in pairs:
                self._upload(files.checked(name), path)

    def upload_folder(self, name: str, path: str, datastore_name: str | None = None) -> None:
        """Upload a folder with all below it; links that lead out of it are left."""
        if not Path(path).is_dir():
            raise UserErrorException(f"There is no folder “{path}”.")
        found = list(files.below(Path(path)))
        start = str(name).strip("/").removeprefix("./")
        self.upload_files([f"{start}/{inner}" if start not in ("", ".") else inner for inner, _file in found],
                          [file for _inner, file in found])  # fmt: skip

    def download_file(self, name: str, output_file_path: str | None = None, _validate_checksum: bool = False) -> None:
        """Download a file, by default to its own name in the current folder."""
        target = Path(output_file_path or Path(name).name)
        if target.is_dir():
            target = target / Path(name).name
        with translated(UserErrorException):
            self._files.download(name, target)

    def download_files(
        self,
        prefix: str | None = None,
        output_directory: str | None = None,
        output_paths: Any = None,
        batch_size: int = 100,
        append_prefix: bool = True,
        timeout_seconds: int | None = None,
    ) -> None:
        """Download all files below a folder; without `append_prefix` they lose the folder's name."""
        root = Path(output_directory or ".")
        start = (prefix or "").strip("/")
        with translated():
            for row in self._files.list(start):
                inner = row["path"] if append_prefix or not start else row["path"][len(start) :].strip("/")
                self._files.download(row["path"], root / (inner or Path(row["path"]).name))

    def get_all_logs(self, destination: str | None = None) -> list[str]:
        """Download the run's logs; gives the files."""
        root = Path(destination or self._id)
        logs = [name for name in self.get_file_names() if name.startswith(("logs/", "user_logs/", "azureml-logs/"))]
        return [str(self._files.download(name, root / name)) for name in logs]

    # ---- The code ----------------------------------------------------------------------

    def get_snapshot_id(self) -> str | None:
        """Give the name of the folder of code that the run was started with; None when none was kept."""
        job = self._job()
        return str(job["snapshot"]) if job else self._tags.get(SNAPSHOT)

    def take_snapshot(self, file_or_folder_path: str) -> str:
        """Keep a folder of code for the run; gives its name."""
        from azureml._jobs.submission import send

        digest = send(self._workspace, file_or_folder_path)
        self._keep_snapshot(digest)
        return digest

    def restore_snapshot(self, snapshot_id: str | None = None, path: str | None = None) -> str:
        """Download the code as a zip into a folder; gives the file's path."""
        digest = snapshot_id or self.get_snapshot_id()
        if not digest:
            raise UserErrorException("The run has no snapshot.")
        folder = Path(path or ".")
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{digest[:12]}.zip"
        with translated(), self._workspace._api.stream(f"snapshots/{part(digest)}/zip") as answer:
            target.write_bytes(b"".join(answer.iter_content(files.CHUNK_BYTES)))
        return str(target)
