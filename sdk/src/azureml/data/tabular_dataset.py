"""Rows and columns, read by pandas where they are needed."""

from __future__ import annotations

import hashlib
import io
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from studio_sdk.data import Datastore
from studio_sdk.files import write_whole

from azureml.data import _reading
from azureml.data._sources import DEFAULT, Placed
from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.file_dataset import positive
from azureml.exceptions import UserErrorException, translated

TIMESTAMP = "azureml.timestamp"
FOLDER = "managed-datasets"
Step = Callable[[Any], Any]  # a frame in, a frame out


class TabularDataset(AbstractDataset):
    """A table in text files or parquet; `to_pandas_dataframe` reads it.

    What selects rows or columns is kept as a step and done when it is read. Registering a dataset with steps, or with
    types of its own, stores its rows as parquet.
    """

    _kind = "tabular"
    _how = _reading.How()
    _steps: tuple[Step, ...] = ()
    _timestamp = ""

    @classmethod
    def _of_row(cls, workspace: Any, row: dict[str, Any]) -> TabularDataset:
        made = super()._of_row(workspace, row)
        made._how = _reading.How.of_options(row["options"])
        made._timestamp = (row.get("tags") or {}).get(TIMESTAMP, "")
        return made

    def _options(self) -> dict[str, Any]:
        return self._how.options() if self._how.form == "delimited" else {}

    def _kept_tags(self, tags: dict[str, str] | None) -> dict[str, str]:
        own = {TIMESTAMP: self._timestamp} if self._timestamp else {}
        return {**own, **super()._kept_tags(tags)}

    # ---- Reading ----------------------------------------------------------------------

    def to_pandas_dataframe(self, on_error: str = "null", out_of_range_datetime: str = "null") -> Any:
        """Read all rows. Raises DatasetExecutionError for files that are no such table."""
        frame = self._raw()
        for step in self._steps:
            frame = step(frame)
        return frame.reset_index(drop=True)

    def _raw(self) -> Any:
        with tempfile.TemporaryDirectory() as folder, translated(UserErrorException):
            frames = [
                _reading.read(write_whole(self._source.read(one), Path(folder) / str(place)), self._how, one.name)
                for place, one in enumerate(self._files())
            ]
        return _reading.joined(frames)

    # ---- Selecting ----------------------------------------------------------------------

    def _then(self, step: Step) -> TabularDataset:
        return self._other(_steps=(*self._steps, step))

    def take(self, count: int) -> TabularDataset:
        most = positive(count)
        return self._then(lambda frame: frame.head(most))

    def skip(self, count: int) -> TabularDataset:
        least = positive(count)
        return self._then(lambda frame: frame.iloc[least:])

    def take_sample(self, probability: float, seed: int | None = None) -> TabularDataset:
        return self.random_split(probability, seed)[0]

    def random_split(self, percentage: float, seed: int | None = None) -> tuple[TabularDataset, TabularDataset]:
        """Divide the rows in two by chance, the same by the same seed."""
        if not 0 <= percentage <= 1:
            raise UserErrorException("percentage is from 0 to 1.")
        chosen = seed if seed is not None else random.randrange(2**31)  # noqa: S311
        return self._then(Split(percentage, chosen)), self._then(Split(percentage, chosen, is_rest=True))

    def keep_columns(self, columns: Any, validate: bool = False) -> TabularDataset:
        wanted = names(columns)
        return self._then(lambda frame: frame[there(frame, wanted)])

    def drop_columns(self, columns: Any) -> TabularDataset:
        gone = names(columns)
        return self._then(lambda frame: frame.drop(columns=there(frame, gone)))

    # ---- Times ----------------------------------------------------------------------

    @property
    def timestamp_columns(self) -> tuple[str | None, str | None]:
        return self._timestamp or None, None

    def with_timestamp_columns(
        self, timestamp: str | None = None, partition_timestamp: str | None = None, validate: bool = False,
        **_more: Any,
    ) -> TabularDataset:  # fmt: skip
        """Say which column is the time of a row; `validate` reads the first rows to see that it is there."""
        if validate and timestamp:
            there(self.to_pandas_dataframe(), [timestamp])
        return self._other(_timestamp=timestamp or "")

    def time_before(self, end_time: datetime, include_boundary: bool = True, validate: bool = True) -> TabularDataset:
        return self._when(None, end_time, include_boundary)

    def time_after(self, start_time: datetime, include_boundary: bool = True, validate: bool = True) -> TabularDataset:
        return self._when(start_time, None, include_boundary)

    def time_between(
        self, start_time: datetime, end_time: datetime, include_boundary: bool = True, validate: bool = True
    ) -> TabularDataset:
        if start_time > end_time:
            raise UserErrorException("start_time is after end_time.")
        return self._when(start_time, end_time, include_boundary)

    def time_recent(
        self, time_delta: timedelta, include_boundary: bool = True, validate: bool = True
    ) -> TabularDataset:
        return self._when(datetime.now() - time_delta, None, include_boundary)

    def _when(self, start: datetime | None, end: datetime | None, include_boundary: bool) -> TabularDataset:
        if not self._timestamp:
            raise UserErrorException("Say first which column is the time: with_timestamp_columns(“name”).")
        return self._then(Between(self._timestamp, start, end, include_boundary))

    # ---- Registering ----------------------------------------------------------------------

    def register(
        self,
        workspace: Any,
        name: str,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        create_new_version: bool = False,
    ) -> TabularDataset:
        """Give it a name in the workspace, as `AbstractDataset.register`."""
        found = self._stored(workspace) if self._is_changed else self
        return AbstractDataset.register(found, workspace, name, description, tags, create_new_version)

    def _known(self, workspace: Any) -> TabularDataset:
        found = self._stored(workspace) if self._is_changed else self
        return AbstractDataset._known(found, workspace)

    @property
    def _is_changed(self) -> bool:
        """Say whether it is read otherwise than the studio can write down."""
        return bool(self._steps) or not self._how.is_plain

    def _stored(self, workspace: Any) -> TabularDataset:
        return self._other(
            _source=store_frame(workspace, self.to_pandas_dataframe()), _steps=(), _how=_reading.How(form="parquet")
        )


def store_frame(workspace: Any, frame: Any, store: str = DEFAULT, folder: str = FOLDER) -> Placed:
    """Store a frame as parquet, named by its content."""
    body = io.BytesIO()
    frame.to_parquet(body, index=False)
    path = f"{folder.strip('/')}/{hashlib.sha256(body.getvalue()).hexdigest()[:16]}/part-00000.parquet"
    found = Placed(workspace, store, (path,))
    with translated(UserErrorException):
        store_once(found.store, path, body)
    return found


def store_once(store: Datastore, path: str, body: io.BytesIO) -> None:
    from studio_sdk.errors import AlreadyExists

    body.seek(0)
    try:
        store.put(path, body)
    except AlreadyExists:  # the name is the content's
        return


@dataclass(frozen=True)
class Split:
    """The rows that chance draws, or the rest of them."""

    percentage: float
    seed: int
    is_rest: bool = False

    def __call__(self, frame: Any) -> Any:
        drawn = frame.sample(frac=self.percentage, random_state=self.seed).index
        return frame.loc[~frame.index.isin(drawn)] if self.is_rest else frame.loc[frame.index.isin(drawn)]


@dataclass(frozen=True)
class Between:
    """The rows of a span of time, its ends among them or not."""

    column: str
    start: datetime | None
    end: datetime | None
    include_boundary: bool

    def __call__(self, frame: Any) -> Any:
        import pandas

        there(frame, [self.column])
        times = pandas.to_datetime(frame[self.column], errors="coerce")
        kept = times.notna()
        if self.start is not None:
            start = as_of(times, self.start)
            kept &= (times >= start) if self.include_boundary else (times > start)
        if self.end is not None:
            end = as_of(times, self.end)
            kept &= (times <= end) if self.include_boundary else (times < end)
        return frame[kept]


def as_of(times: Any, moment: datetime) -> Any:
    """Give a moment with the column's zone or without one, so that they compare."""
    import pandas

    found = pandas.Timestamp(moment)
    zone = getattr(times.dt, "tz", None)
    if zone is None:
        return found.tz_convert("UTC").tz_localize(None) if found.tzinfo else found
    return found.tz_convert(zone) if found.tzinfo else found.tz_localize(zone)


def names(columns: Any) -> list[str]:
    return [columns] if isinstance(columns, str) else [str(one) for one in columns]


def there(frame: Any, wanted: list[str]) -> list[str]:
    """Give column names that are there. Raises UserErrorException with those that are not."""
    missing = [one for one in wanted if one not in frame.columns]
    if missing:
        raise UserErrorException(
            f"There is no column {', '.join(missing)}; there are: {', '.join(map(str, frame.columns))}."
        )
    return wanted
