"""How the files of a table are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azureml.data.dataset_error_handling import DatasetExecutionError

# The names that the original has for encodings, and those that the studio and Python have.
ENCODINGS = {
    "utf8": "utf-8", "utf8bom": "utf-8", "iso88591": "latin-1", "latin1": "latin-1", "ascii": "ascii",
    "utf16": "utf-16", "windows1252": "cp1252",
}  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
LOOKED_AT = 20


@dataclass(frozen=True)
class How:
    """`infers` types of columns; `types` are those that were named, by column."""

    form: str = "delimited"
    separator: str = ","
    has_header: bool = True
    encoding: str = "utf-8"
    infers: bool = True
    types: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_options(cls, options: Mapping[str, Any]) -> How:
        """Read what the studio says of a version."""
        if options.get("format") == "parquet":
            return cls(form="parquet")
        return cls(
            separator=options.get("separator", ","),
            has_header=options.get("has_header", True),
            encoding=options.get("encoding", "utf-8"),
        )

    def options(self) -> dict[str, Any]:
        return {"separator": self.separator, "has_header": self.has_header, "encoding": self.encoding}

    @property
    def is_plain(self) -> bool:
        """Say whether the studio can write it down."""
        return self.infers and not self.types


def read(file: Path, how: How, name: str) -> Any:
    """Read a file. Raises DatasetExecutionError with its name when it is no such table."""
    import pandas

    try:
        if how.form == "parquet":
            frame = pandas.read_parquet(file)
        else:
            frame = pandas.read_csv(
                file,
                sep=how.separator,
                header=0 if how.has_header else None,
                # A mark at the start, as some programs write it, is no part of the first column's name.
                encoding="utf-8-sig" if how.encoding == "utf-8" else how.encoding,
                dtype=None if how.infers else str,
            )
    except (ValueError, OSError) as error:  # pandas' and pyarrow's own are ValueErrors
        raise DatasetExecutionError(f"{name} cannot be read as a table: {error}") from None
    if how.form == "delimited" and not how.has_header:
        frame.columns = [f"Column{place + 1}" for place in range(len(frame.columns))]
    return typed(frame, how)


def typed(frame: Any, how: How) -> Any:
    for column, kind in how.types.items():
        if column not in frame.columns:
            raise DatasetExecutionError(f"There is no column {column} for which a type was given.")
        frame[column] = kind.of(frame[column])
    if how.infers and how.form == "delimited":
        for column in frame.columns:
            if column not in how.types and looks_like_times(frame[column]):
                frame[column] = as_times(frame[column])
    return frame


def looks_like_times(column: Any) -> bool:
    from pandas.api.types import is_numeric_dtype

    if is_numeric_dtype(column):
        return False
    first = column.dropna().head(LOOKED_AT)
    return len(first) > 0 and all(isinstance(one, str) and TIME.fullmatch(one) for one in first)


def as_times(column: Any) -> Any:
    """Read times; the column stays as it is when one of them is none."""
    import pandas

    try:
        return pandas.to_datetime(column, format="ISO8601")
    except (ValueError, TypeError):
        return column


def joined(frames: list[Any]) -> Any:
    import pandas

    return frames[0] if len(frames) == 1 else pandas.concat(frames, ignore_index=True)
