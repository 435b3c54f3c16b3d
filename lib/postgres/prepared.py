"""Statements that each connection parses and plans once: of a short one, planning is half of the database's work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Prepared:
    """SQL with `%(name)s` for parameters, of the PostgreSQL types given by name.

    It must not matter to its plan what the values are: after five uses the database keeps one plan for all.
    """

    name: str
    sql: str
    types: Mapping[str, str]
    definition: str = field(init=False)
    call: str = field(init=False)

    def __post_init__(self) -> None:
        numbered = {name: f"${number}" for number, name in enumerate(self.types, start=1)}
        given = ", ".join(f"%({name})s::{kind}" for name, kind in self.types.items())
        object.__setattr__(
            self, "definition", f"PREPARE {self.name} ({', '.join(self.types.values())}) AS {self.sql % numbered}"
        )
        object.__setattr__(self, "call", f"EXECUTE {self.name} ({given})")

    def execute(self, cursor: Any, values: Mapping[str, Any]) -> None:
        """Run it on one of Django's cursors."""
        if self.name not in cursor.db.prepared:
            cursor.execute(self.definition)
            cursor.db.prepared.add(self.name)
        cursor.execute(self.call, values)
