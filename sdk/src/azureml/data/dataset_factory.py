"""`Dataset.Tabular` and `Dataset.File`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio_sdk.data import local_files

from azureml.data._reading import ENCODINGS, How
from azureml.data._sources import Placed, pair, source_of
from azureml.data.dataset_error_handling import DatasetValidationError
from azureml.data.file_dataset import FileDataset
from azureml.data.tabular_dataset import TabularDataset, store_frame
from azureml.exceptions import NotOffered, UserErrorException, translated


@dataclass(frozen=True)
class DataType:
    """The type that a column is read as, for `set_column_types`."""

    kind: str
    formats: tuple[str, ...] = ()

    @staticmethod
    def to_string() -> DataType:
        return DataType("string")

    @staticmethod
    def to_long() -> DataType:
        return DataType("Int64")

    @staticmethod
    def to_float(decimal_mark: str = ".") -> DataType:
        return DataType("float64", (decimal_mark,))

    @staticmethod
    def to_bool() -> DataType:
        return DataType("boolean")

    @staticmethod
    def to_datetime(formats: str | list[str] | None = None) -> DataType:
        return DataType("datetime", tuple([formats] if isinstance(formats, str) else formats or ()))

    def of(self, column: Any) -> Any:
        """Give a column as this type; what cannot be is missing."""
        import pandas

        if self.kind == "string":
            return column.map(str, na_action="ignore")
        if self.kind == "boolean":
            words = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
            return column.map(lambda one: words.get(str(one).lower())).astype("boolean")
        if self.kind == "datetime":
            found = pandas.to_datetime(column, errors="coerce", format=self.formats[0] if self.formats else None)
            for form in self.formats[1:]:
                found = found.fillna(pandas.to_datetime(column, errors="coerce", format=form))
            return found
        if self.formats == (",",):
            column = column.map(lambda one: one.replace(",", ".") if isinstance(one, str) else one)
        numbers = pandas.to_numeric(column, errors="coerce")
        return numbers if self.kind == "float64" else numbers.round().astype(self.kind)


class TabularDatasetFactory:
    @staticmethod
    def from_delimited_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        infer_column_types: bool = True,
        set_column_types: Mapping[str, DataType] | None = None,
        separator: str = ",",
        header: Any = True,
        partition_format: str | None = None,
        support_multi_line: bool = False,
        empty_as_string: bool = False,
        encoding: str = "utf8",
    ) -> TabularDataset:
        """Make a dataset of text files; `path` is an address of the web, (datastore, path), or a list of them.

        `validate` looks whether the files are there. Raises DatasetValidationError for what cannot be.
        """
        refuse(include_path=include_path, partition_format=partition_format, empty_as_string=empty_as_string)
        if not isinstance(separator, str) or len(separator) != 1:
            raise DatasetValidationError(f"The separator is one character, not “{separator}”.")
        if encoding not in ENCODINGS:
            raise DatasetValidationError(f"The encoding is one of {', '.join(ENCODINGS)}, not “{encoding}”.")
        types = dict(set_column_types or {})
        how = How("delimited", separator, has_header(header), ENCODINGS[encoding], bool(infer_column_types), types)
        return TabularDatasetFactory._made(path, how, validate)

    @staticmethod
    def from_parquet_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Mapping[str, DataType] | None = None,
        partition_format: str | None = None,
    ) -> TabularDataset:
        """Make a dataset of parquet files; `path` as of `from_delimited_files`."""
        refuse(include_path=include_path, partition_format=partition_format)
        return TabularDatasetFactory._made(path, How("parquet", types=dict(set_column_types or {})), validate)

    @staticmethod
    def _made(path: Any, how: How, validate: bool) -> TabularDataset:
        made = TabularDataset(source_of(path))
        made._how = how
        if validate:
            made._files()
        return made

    @staticmethod
    def register_pandas_dataframe(
        dataframe: Any,
        target: Any,
        name: str,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        show_progress: bool = True,
        row_group_size: int | None = None,
        make_target_path_unique: bool = True,
    ) -> TabularDataset:
        """Store a frame as parquet below `target`, a datastore or a path in one, and register it."""
        store, folder = pair(target)
        placed = store_frame(store.workspace, dataframe, store.name, folder or "managed-datasets")
        if show_progress:
            print(f"Uploaded {placed.paths[0]}", flush=True)
        made = TabularDataset(placed)
        made._how = How("parquet")
        return made.register(store.workspace, name, description, tags, create_new_version=True)

    @staticmethod
    def from_sql_query(*_given: Any, **_named: Any) -> Any:
        raise NotOffered("A studio has no databases among its datastores: read with pandas, register the frame.")

    @staticmethod
    def from_json_lines_files(*_given: Any, **_named: Any) -> Any:
        raise NotOffered("A table of a studio is delimited text or parquet: read JSON lines with pandas.")


class FileDatasetFactory:
    @staticmethod
    def from_files(
        path: Any, validate: bool = True, partition_format: str | None = None, is_file: bool = False
    ) -> FileDataset:
        """Make a dataset of files; `path` is an address of the web, (datastore, path or pattern), or a list of them."""
        refuse(partition_format=partition_format)
        made = FileDataset(source_of(path))
        if validate:
            made._files()
        return made

    @staticmethod
    def upload_directory(
        src_dir: str, target: Any, pattern: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> FileDataset:
        """Store a local folder's files below `target`, a datastore or a path in one, and make a dataset of them."""
        store, folder = pair(target)
        with translated(UserErrorException):
            pairs = local_files(Path(src_dir), folder, pattern)
            store._store.put_all(pairs, replaces=overwrite, tell=print if show_progress else lambda line: None)
        return FileDataset(Placed(store.workspace, store.name, (f"{folder}/{pattern or '**'}".lstrip("/"),)))


def has_header(header: Any) -> bool:
    """Read True, False, or a word of the original's enumeration."""
    if isinstance(header, bool):
        return header
    return str(getattr(header, "name", header)).upper() not in ("NO_HEADERS", "NONE", "0")


def refuse(**named: Any) -> None:
    """Raise DatasetValidationError for an option that is given and not offered."""
    for name, value in named.items():
        if value:
            raise DatasetValidationError(f"{name} is not offered by the studio: make the column with pandas.")
