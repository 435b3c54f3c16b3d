"""Where the files of a dataset come from: a version of the studio, paths of a datastore, addresses of the web."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from studio_sdk.data import Datasets, Datastore, Named
from studio_sdk.errors import InvalidValue
from studio_sdk.files import CHUNK_BYTES, write_whole

from azureml.data.datapath import DataPath
from azureml.data.dataset_error_handling import DatasetExecutionError, DatasetValidationError
from azureml.exceptions import UserErrorException, translated

DEFAULT = "workspaceblobstore"
WEB_FOLDER = "web"
TIMEOUT_S = (10.0, 120.0)


class Source(Protocol):
    """Gives the files of a dataset, their bytes, and where they lie in a workspace's datastore."""

    def files(self) -> list[Named]: ...

    def read(self, file: Named) -> Iterator[bytes]: ...

    def placed(self, workspace: Any) -> Placed: ...


@dataclass(frozen=True)
class Placed:
    """Paths in a datastore of a workspace."""

    workspace: Any
    datastore: str
    paths: tuple[str, ...]

    @property
    def store(self) -> Datastore:
        return Datastore(self.workspace._api, self.datastore)

    def files(self) -> list[Named]:
        try:
            with translated(UserErrorException):
                return self.store.chosen(self.paths)
        except UserErrorException as error:
            if isinstance(error.inner_exception, InvalidValue) or "There is no file" in str(error):
                raise DatasetValidationError(str(error)) from None
            raise

    def read(self, file: Named) -> Iterator[bytes]:
        return self.store.read(file.path)

    def placed(self, workspace: Any) -> Placed:
        if workspace.name != self.workspace.name or workspace._studio.url != self.workspace._studio.url:
            raise UserErrorException(
                f"The dataset's files are in the workspace {self.workspace.name}; register it there."
            )
        return self


@dataclass(frozen=True)
class Version:
    """A version that the studio knows."""

    workspace: Any
    name: str
    number: int
    datastore: str
    paths: tuple[str, ...]

    @property
    def rows(self) -> Datasets:
        return Datasets(self.workspace._api)

    def files(self) -> list[Named]:
        with translated(UserErrorException):
            return self.rows.files(self.name, self.number)

    def read(self, file: Named) -> Iterator[bytes]:
        return self.rows.read(self.name, self.number, file.name)

    def placed(self, workspace: Any) -> Placed:
        return Placed(self.workspace, self.datastore, self.paths).placed(workspace)


@dataclass(frozen=True)
class Web:
    """Addresses of the web, fetched by this computer; a dataset made of them keeps a copy in the datastore."""

    urls: tuple[str, ...]

    def files(self) -> list[Named]:
        return [Named(unquote(urlsplit(url).path).rpartition("/")[2] or "data", url, 0) for url in self.urls]

    def read(self, file: Named) -> Iterator[bytes]:
        import requests

        try:
            with requests.get(file.path, stream=True, timeout=TIMEOUT_S) as answer:
                answer.raise_for_status()
                yield from answer.iter_content(CHUNK_BYTES)
        except requests.RequestException as error:
            raise DatasetExecutionError(f"{file.path} cannot be fetched: {error}") from None

    def placed(self, workspace: Any) -> Placed:
        """Copy the files into the workspace's own datastore; those that were copied before stay."""
        store, paths = Datastore(workspace._api, DEFAULT), []
        with tempfile.TemporaryDirectory() as folder, translated(UserErrorException):
            for file in self.files():
                path = f"{WEB_FOLDER}/{hashlib.sha256(file.path.encode()).hexdigest()[:12]}/{file.name}"
                store.put_all([(path, write_whole(self.read(file), Path(folder) / file.name))])
                paths.append(path)
        return Placed(workspace, DEFAULT, tuple(paths))


def source_of(path: Any) -> Source:
    """Read what factories take: an address, a DataPath, (datastore, path), or a list of them of one kind.

    Raises DatasetValidationError for anything else, and for paths of several datastores.
    """
    given = path if isinstance(path, list) else [path]
    if given and all(isinstance(one, str) for one in given):
        return web(given)
    pairs = [pair(one) for one in given]
    stores = {(store.workspace.name, store.name) for store, _inner in pairs}
    if len(stores) != 1:
        raise DatasetValidationError("A dataset is made of paths in one datastore.")
    store = pairs[0][0]
    return Placed(store.workspace, store.name, tuple(inner for _store, inner in pairs))


def web(urls: list[str]) -> Web:
    for url in urls:
        if urlsplit(url).scheme not in ("http", "https"):
            raise DatasetValidationError(
                f"“{url}” is no address of the web. Files of this computer are uploaded first: "
                "datastore.upload_files(…), then path=(datastore, “folder/file.csv”)."
            )
    return Web(tuple(urls))


def pair(one: Any) -> tuple[Any, str]:
    """Give the datastore and the path in it."""
    if isinstance(one, DataPath):
        one = (one.datastore, one.path_on_datastore)
    if isinstance(one, tuple) and len(one) == 2 and hasattr(one[0], "datastore_type"):
        store, inner = one
        parts = [inner] if isinstance(inner, str) else []
        if parts:
            return store, parts[0].strip("/")
    elif hasattr(one, "datastore_type"):
        return one, ""
    raise DatasetValidationError("path is an address, a DataPath, (datastore, “path”), or a list of them.")
