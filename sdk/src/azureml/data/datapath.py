"""A path in a datastore."""

from __future__ import annotations

from typing import Any


class DataPath:
    """`path_on_datastore` is a file, a folder or a pattern in `datastore`."""

    def __init__(self, datastore: Any = None, path_on_datastore: str | None = None, name: str | None = None) -> None:
        self._datastore, self._path, self.name = datastore, str(path_on_datastore or ""), name

    @property
    def datastore(self) -> Any:
        return self._datastore

    @property
    def path_on_datastore(self) -> str:
        return self._path

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self._datastore, 'name', None)}, {self._path})"
