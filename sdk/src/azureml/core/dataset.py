"""`Dataset`: where datasets are made and found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from studio_sdk.data import Datasets

from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.dataset_factory import FileDatasetFactory, TabularDatasetFactory
from azureml.data.file_dataset import FileDataset
from azureml.data.tabular_dataset import TabularDataset
from azureml.exceptions import UserErrorException, translated

KINDS: dict[str, type[AbstractDataset]] = {"file": FileDataset, "tabular": TabularDataset}


class Dataset:
    """`Dataset.Tabular` and `Dataset.File` make datasets; `get_by_name` and `get_by_id` find registered ones."""

    Tabular = TabularDatasetFactory
    File = FileDatasetFactory

    @staticmethod
    def get_by_name(workspace: Any, name: str, version: int | str = "latest") -> Any:
        """Give a registered version, the newest by default. Raises UserErrorException when there is none."""
        with translated(UserErrorException):
            row = Datasets(workspace._api).version(name, version)
        return of_row(workspace, row)

    @staticmethod
    def get_by_id(workspace: Any, id: str, **_more: Any) -> Any:
        """Give a version by its id, `name@version`, which scripts get as the argument of a named input."""
        name, _at, version = str(id).rpartition("@")
        if not name:
            raise UserErrorException(f"“{id}” is not the id of a dataset: those look like iris@2.")
        return Dataset.get_by_name(workspace, name, version)

    @staticmethod
    def get_all(workspace: Any) -> Mapping[str, Any]:
        """Give the newest version of each dataset, by name."""
        return Named(workspace)

    get = get_by_name


class Named(Mapping[str, Any]):
    """Datasets by name; each is asked for when it is taken out."""

    def __init__(self, workspace: Any) -> None:
        self._workspace = workspace
        with translated(UserErrorException):
            self._names = [str(row["name"]) for row in Datasets(workspace._api).all()]

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return Dataset.get_by_name(self._workspace, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def of_row(workspace: Any, row: dict[str, Any]) -> Any:
    return KINDS[row["kind"]]._of_row(workspace, row)
