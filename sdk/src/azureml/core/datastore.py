"""Datastores: places of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio_sdk import data
from studio_sdk.data import local_files

from azureml.data.data_reference import DataReference
from azureml.exceptions import NotOffered, UserErrorException, translated

DEFAULT = "workspaceblobstore"


class Datastore:
    """A datastore of a workspace, its own one unless another is named. Raises UserErrorException without it."""

    def __init__(self, workspace: Any, name: str | None = None) -> None:
        self.workspace = workspace
        with translated(UserErrorException):
            self._row = data.Datastore(workspace._api, name or DEFAULT).row()

    @classmethod
    def _of_row(cls, workspace: Any, row: dict[str, Any]) -> Datastore:
        made = cls.__new__(cls)
        made.workspace, made._row = workspace, row
        return made

    @staticmethod
    def get(workspace: Any, datastore_name: str) -> Datastore:
        return Datastore(workspace, datastore_name)

    @staticmethod
    def get_default(workspace: Any) -> Datastore:
        return Datastore(workspace)

    @staticmethod
    def _all(workspace: Any) -> dict[str, Datastore]:
        with translated(UserErrorException):
            rows = workspace._api.get("datastores")["datastores"]
        return {row["name"]: Datastore._of_row(workspace, row) for row in rows}

    @property
    def _store(self) -> data.Datastore:
        return data.Datastore(self.workspace._api, self.name)

    @property
    def name(self) -> str:
        return str(self._row["name"])

    @property
    def datastore_type(self) -> str:
        """Its kind in the studio's words: `studio` for the workspace's own, `folder` for one of the operator's."""
        return str(self._row["kind"])

    @property
    def is_default(self) -> bool:
        return bool(self._row["is_default"])

    # ---- Files ----------------------------------------------------------------------

    def upload(
        self, src_dir: str, target_path: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> DataReference:
        """Store a local folder's files below `target_path`; those that are there stay, unless it may `overwrite`."""
        with translated(UserErrorException):
            pairs = local_files(Path(src_dir), target_path or "")
        return self._put(pairs, target_path, overwrite, show_progress)

    def upload_files(
        self,
        files: list[str],
        relative_root: str | None = None,
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> DataReference:
        """Store files below `target_path`, each by its path from `relative_root`, or by its name without one."""
        missing = [str(one) for one in files if not Path(one).is_file()]
        if missing:
            raise UserErrorException(f"There is no file {', '.join(missing)}.")
        start = (target_path or "").strip("/").removeprefix("./")
        pairs = [(f"{start}/{inner(Path(one), relative_root)}".lstrip("/"), Path(one)) for one in files]
        return self._put(pairs, target_path, overwrite, show_progress)

    def _put(
        self, pairs: list[tuple[str, Path]], target_path: str | None, overwrite: bool, show_progress: bool
    ) -> DataReference:
        tell = print if show_progress else silent
        tell(f"Uploading {len(pairs)} files to {target_path or '/'}")
        with translated(UserErrorException):
            stored = self._store.put_all(pairs, replaces=overwrite, tell=tell)
        tell(f"Uploaded {stored} files")
        return self.path(target_path)

    def download(
        self, target_path: str, prefix: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> int:
        """Download the files whose path starts with `prefix`; gives how many. Those that are here stay."""
        tell, count = print if show_progress else silent, 0
        with translated(UserErrorException):
            for one in self._store.starting((prefix or "").lstrip("/")):
                to = Path(target_path) / one["path"]
                if to.exists() and not overwrite:
                    tell(f"{to} is there already. Skipping the download")
                    continue
                self._store.download(one["path"], to)
                tell(f"Downloaded {one['path']}")
                count += 1
        return count

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> DataReference:
        """Give a path in it, for a dataset or as an argument of a script."""
        return DataReference(self, data_reference_name, str(path or "").strip("/"))

    def as_mount(self) -> Any:
        return self.path().as_mount()

    def as_download(self, path_on_compute: str | None = None) -> Any:
        return self.path().as_download(path_on_compute)

    # ---- Opening and forgetting ----------------------------------------------------------------------

    @staticmethod
    def _register(workspace: Any, name: str, place: dict[str, Any], **secret: str | None) -> Datastore:
        """Open a datastore. Raises UserErrorException with the studio's reason when it does not open such ones."""
        asked = {"name": name, **{key: value for key, value in place.items() if value}}
        credentials = {key: value for key, value in secret.items() if value}
        with translated(UserErrorException):
            row = workspace._api.post("datastores", {**asked, **({"secret": credentials} if credentials else {})})
        return Datastore._of_row(workspace, row)

    @staticmethod
    def register_folder(workspace: Any, datastore_name: str, folder: str, path: str = "") -> Datastore:
        """Open a folder of the studio's machine that the operator offers, by its name there, or a folder below it."""
        return Datastore._register(workspace, datastore_name, {"kind": "folder", "folder": folder, "path": path})

    @staticmethod
    def register_azure_blob_container(
        workspace: Any,
        datastore_name: str,
        container_name: str,
        account_name: str,
        sas_token: str | None = None,
        account_key: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        **_more: Any,
    ) -> Datastore:
        """Open a container; without a token or key it is read as anybody may."""
        place = {"kind": "azure_blob", "container": container_name, "account": account_name, "endpoint": endpoint}
        return Datastore._register(workspace, datastore_name, place, sas_token=sas_token, account_key=account_key)

    @staticmethod
    def register_s3_bucket(
        workspace: Any,
        datastore_name: str,
        bucket: str,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        endpoint: str | None = None,
        region: str | None = None,
    ) -> Datastore:
        """Open a bucket of S3 or of a store that speaks as it does, at its `endpoint`; the original has none such."""
        place = {"kind": "s3", "container": bucket, "endpoint": endpoint, "region": region}
        keys = {"access_key_id": access_key_id, "secret_access_key": secret_access_key}
        return Datastore._register(workspace, datastore_name, place, **keys)

    @staticmethod
    def register_gcs_bucket(
        workspace: Any, datastore_name: str, bucket: str, service_account: str | None = None
    ) -> Datastore:
        """Open a bucket of Google's; `service_account` is the text of its JSON file. The original has none such."""
        place = {"kind": "gcs", "container": bucket}
        return Datastore._register(workspace, datastore_name, place, service_account=service_account)

    @staticmethod
    def register_azure_data_lake_gen2(*_given: Any, **_named: Any) -> Datastore:
        raise NotOffered("A studio opens no data lakes by a service principal: register its container as a blob's.")

    @staticmethod
    def register_azure_file_share(*_given: Any, **_named: Any) -> Datastore:
        raise NotOffered("A studio opens no file shares: mount it on the studio's machine and offer the folder.")

    @staticmethod
    def register_azure_sql_database(*_given: Any, **_named: Any) -> Datastore:
        raise NotOffered("A studio has no databases among its datastores: read with pandas, register the frame.")

    register_azure_postgre_sql = register_azure_my_sql = register_azure_sql_database
    register_azure_data_lake = register_azure_data_lake_gen2

    def set_as_default(self) -> None:
        """Do nothing for the workspace's own datastore. Raises UserErrorException for another."""
        if not self.is_default:
            raise UserErrorException("A workspace of the studio has its own datastore as the default, always.")

    def unregister(self) -> None:
        """Forget it; its files stay."""
        with translated(UserErrorException):
            self.workspace._api.delete(self._store.address)

    def __repr__(self) -> str:
        return f"Datastore({self.name}, {self.datastore_type})"


def inner(file: Path, relative_root: str | None) -> str:
    if relative_root is None:
        return file.name
    try:
        return file.resolve().relative_to(Path(relative_root).resolve()).as_posix()
    except ValueError:
        raise UserErrorException(f"“{file}” is not below {relative_root}.") from None


def silent(_line: str) -> None:
    """Print nothing."""
