"""What goes, or went, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class Tally:
    """Rows of the kinds that people count, points of metrics, files and their bytes."""

    experiments: int = 0
    runs: int = 0
    logged_models: int = 0
    models: int = 0
    versions: int = 0
    metrics: int = 0
    points: int = 0
    files: int = 0
    size_bytes: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})

    def __sub__(self, other: Tally) -> Tally:
        return Tally(**{one.name: getattr(self, one.name) - getattr(other, one.name) for one in fields(self)})

    def as_json(self) -> dict[str, int]:
        return asdict(self)

    @classmethod
    def of(cls, kept: Mapping[str, int] | None) -> Tally:
        known = {one.name for one in fields(cls)}
        return cls(**{name: count for name, count in (kept or {}).items() if name in known})

    @property
    def things(self) -> int:
        """Count the rows by which progress is measured."""
        return self.experiments + self.runs + self.logged_models + self.models + self.versions
