"""A place in a datastore as an argument of a script: the older way, before datasets."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from azureml.data.datapath import DataPath


class DataReference(DataPath):
    """What is below a path; among a script's arguments it becomes the folder that the files are copied to."""

    def __init__(
        self, datastore: Any, data_reference_name: str | None = None, path_on_datastore: str | None = None,
        mode: str = "mount", path_on_compute: str | None = None, overwrite: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(datastore, path_on_datastore)
        self.data_reference_name = data_reference_name or automatic_name(datastore.name, self._path)
        self.mode = mode

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> DataReference:
        """Give a place below this one."""
        inner = "/".join(one for one in (self._path.strip("/"), str(path or "").strip("/")) if one)
        return DataReference(self._datastore, data_reference_name, inner, self.mode)

    def as_mount(self) -> Any:
        return self._consumed("mount")

    def as_download(self, path_on_compute: str | None = None, overwrite: bool = False) -> Any:
        return self._consumed("download")

    def _consumed(self, mode: str) -> Any:
        from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
        from azureml.data.dataset_factory import FileDatasetFactory

        dataset = FileDatasetFactory.from_files(self, validate=False)
        return DatasetConsumptionConfig(self.data_reference_name, dataset, mode=mode)

    def to_config(self) -> Any:
        return self._as_input

    @cached_property
    def _as_input(self) -> Any:
        return self._consumed(self.mode)

    def _as_argument(self) -> str:
        return str(self._as_input._as_argument())


def automatic_name(*words: str) -> str:
    """Make a name of letters, digits and “_”, the same for the same words."""
    import hashlib

    digest = hashlib.sha256("\0".join(words).encode()).hexdigest()[:8]
    start = re.sub(r"\W+", "_", words[0], flags=re.ASCII)[:40]
    return f"{start if start[:1].isalpha() else f'data_{start}'}_{digest}"
