"""A dataset as the input of a run."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING

from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.data.abstract_dataset import AbstractDataset

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
DIRECT, MOUNT, DOWNLOAD = "direct", "mount", "download"


class DatasetConsumptionConfig:
    """`direct`: the script gets the dataset's id; `mount` and `download`: a folder, which both are copies here.

    Raises UserErrorException for a name that is not letters, digits and “_”.
    """

    def __init__(
        self, name: str, dataset: AbstractDataset, mode: str = DIRECT, path_on_compute: str | None = None
    ) -> None:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise UserErrorException(f"“{name}” cannot name an input: use letters, digits and “_”, first a letter.")
        if mode not in (DIRECT, MOUNT, DOWNLOAD):
            raise UserErrorException(f"The mode is direct, mount or download, not “{mode}”.")
        self.name, self.dataset, self.mode, self.path_on_compute = name, dataset, mode, path_on_compute

    def as_mount(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        return self._with(MOUNT, path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        return self._with(DOWNLOAD, path_on_compute)

    def as_hdfs(self) -> DatasetConsumptionConfig:
        raise UserErrorException("A studio has no Spark: use as_mount() or as_download().")

    def _with(self, mode: str, path_on_compute: str | None) -> DatasetConsumptionConfig:
        if self.dataset._kind != "file":
            raise UserErrorException("Only a FileDataset is mounted or downloaded; a table is read by its id.")
        made = copy.copy(self)
        made.mode, made.path_on_compute = mode, path_on_compute
        return made

    @property
    def _as_input(self) -> DatasetConsumptionConfig:
        return self

    def _as_argument(self) -> str:
        """Write it as the script's argument: its id, or what the folder is put in the place of."""
        return str(self.dataset.id) if self.mode == DIRECT else f"${{{{inputs.{self.name}}}}}"
