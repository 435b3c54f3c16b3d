"""Files as they are."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

from studio_sdk.data import Named
from studio_sdk.files import write_whole

from azureml.data._sources import Placed
from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.data_reference import automatic_name
from azureml.data.dataset_consumption_config import DOWNLOAD, MOUNT, DatasetConsumptionConfig
from azureml.exceptions import UserErrorException, translated


class FileDataset(AbstractDataset):
    """Files, each with a path below the dataset."""

    _kind = "file"

    def to_path(self) -> list[str]:
        """List the files by their paths below the dataset, each with a leading “/”."""
        return [f"/{one.name}" for one in self._files()]

    def download(
        self, target_path: str | None = None, overwrite: bool = False, ignore_not_found: bool = False
    ) -> list[str]:
        """Download the files below a folder, a temporary one unless it is named; gives their local paths.

        Raises UserErrorException for a file that is there already, unless it may `overwrite`.
        """
        root = Path(target_path or tempfile.mkdtemp())
        pairs = [(one, root / one.name) for one in self._files()]
        taken = [str(to) for _one, to in pairs if to.exists()]
        if taken and not overwrite:
            raise UserErrorException(f"There already: {', '.join(taken[:5])}. Pass overwrite=True to write over it.")
        with translated(UserErrorException):
            return [str(write_whole(self._source.read(one), to)) for one, to in pairs]

    def take(self, count: int) -> FileDataset:
        """Give the first files, by name."""
        return self._of_files(self._files()[: positive(count)])

    def skip(self, count: int) -> FileDataset:
        """Give the files without the first ones."""
        return self._of_files(self._files()[positive(count) :])

    def random_split(self, percentage: float, seed: int | None = None) -> tuple[FileDataset, FileDataset]:
        """Divide the files in two by chance, the same by the same seed."""
        if not 0 <= percentage <= 1:
            raise UserErrorException("percentage is from 0 to 1.")
        files = self._files()
        chance = random.Random(seed)  # noqa: S311
        drawn = {one.name for one in files if chance.random() < percentage}
        both = ([one for one in files if one.name in drawn], [one for one in files if one.name not in drawn])
        return self._of_files(both[0]), self._of_files(both[1])

    def _of_files(self, files: list[Named]) -> FileDataset:
        return self._other(_source=Some(self._source, tuple(files)))

    # ---- In runs ----------------------------------------------------------------------

    def as_mount(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        return self._unnamed(MOUNT, path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        return self._unnamed(DOWNLOAD, path_on_compute)

    def _unnamed(self, mode: str, path_on_compute: str | None) -> DatasetConsumptionConfig:
        name = automatic_name("input", *(self.to_path() if self._row is None else [str(self.id)]))
        return DatasetConsumptionConfig(name, self, mode, path_on_compute)

    def mount(self, mount_point: str | None = None, **_more: Any) -> MountContext:
        """Give a context with the files in a folder: a copy, for a studio mounts nothing."""
        return MountContext(self, mount_point)


class Some:
    """Some files of a source."""

    def __init__(self, whole: Any, kept: tuple[Named, ...]) -> None:
        self.whole, self.kept = whole, kept

    def files(self) -> list[Named]:
        return list(self.kept)

    def read(self, file: Named) -> Any:
        return self.whole.read(file)

    def placed(self, workspace: Any) -> Placed:
        all_of_it = self.whole.placed(workspace)
        paths = {one.name: one.path for one in all_of_it.files()}
        return Placed(workspace, all_of_it.datastore, tuple(paths[one.name] for one in self.kept))


class MountContext:
    """A folder with a dataset's files, from `start` to `stop`."""

    def __init__(self, dataset: FileDataset, mount_point: str | None) -> None:
        self.dataset, self._named = dataset, mount_point
        self._own: tempfile.TemporaryDirectory[str] | None = None
        self.mount_point = mount_point or ""

    def start(self) -> None:
        if not self._named:
            self._own = tempfile.TemporaryDirectory(prefix="dataset-")
            self.mount_point = self._own.name
        self.dataset.download(self.mount_point, overwrite=True)

    def stop(self) -> None:
        """Remove a folder that was made for it; one that was named stays."""
        if self._own is not None:
            self._own.cleanup()
            self._own = None

    def __enter__(self) -> MountContext:
        self.start()
        return self

    def __exit__(self, *_error: Any) -> None:
        self.stop()


def positive(count: int) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise UserErrorException(f"The count is a whole number from 0, not “{count}”.")
    return count
