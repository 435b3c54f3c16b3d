"""What the parts of a run know of the whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from studio_sdk.files import RunFiles
from studio_sdk.tracking import Tracking

from azureml._runs import values
from azureml.core.workspace import Workspace


class PartOfRun(ABC):
    """A base of `Run`; `_row` is what the studio said last, `_series` what is known of its series: None until asked."""

    _id: str
    _workspace: Workspace
    _tracking: Tracking
    _row: dict[str, Any]
    _series: values.Series | None

    @abstractmethod
    def _load(self) -> dict[str, Any]:
        """Ask the studio for the run anew."""

    @abstractmethod
    def _job(self) -> dict[str, Any] | None:
        """Give the job that the run is, None for a script's own run."""

    @abstractmethod
    def get_children(self, recursive: bool = False) -> Iterator[Any]:
        """Give the runs below this one."""

    @abstractmethod
    def _log(self, points: Iterable[tuple[str, float, int]] = (), tags: dict[str, str] | None = None) -> None:
        """Send points (key, value, step) and tags."""

    @abstractmethod
    def _keep_snapshot(self, digest: str) -> None:
        """Write down the folder of code."""

    @property
    @abstractmethod
    def _info(self) -> dict[str, Any]:
        """What MLflow calls the run's info."""

    @property
    @abstractmethod
    def _tags(self) -> dict[str, str]:
        """All tags, the studio's own too."""

    @property
    @abstractmethod
    def _files(self) -> RunFiles:
        """The run's files."""
