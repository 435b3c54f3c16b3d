"""One call of a model, ready to be made; several can be one where the model looks at each row by itself."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .http import ModelFailed


@dataclass(frozen=True)
class Call:
    """What is called with which table. Calls with the same `key` can be one; None: never."""

    function: Callable[..., Any]
    table: Any
    named: Mapping[str, Any] = field(default_factory=dict)
    key: Hashable | None = None

    @property
    def rows(self) -> int:
        return len(self.table)

    def run(self) -> Any:
        """Call the model's code; what it raises is the model's failure, not the server's."""
        try:
            return self.function(self.table, **self.named)
        except Exception as error:
            raise ModelFailed(f"{type(error).__name__}: {error}") from error


def key_of(method: str, table: Any, named: Mapping[str, Any]) -> Hashable | None:
    """Name what two calls must share to be one: the method, the parameters, the table's columns and their types."""
    shape = getattr(table, "shape", None)
    if shape is None or len(shape) != 2:
        return None
    given = repr(sorted(named.items())) if named else ""
    if hasattr(table, "dtypes"):
        return method, given, tuple(table.columns), tuple(str(kind) for kind in table.dtypes)
    return None if table.dtype.hasobject else (method, given, shape[1], table.dtype.str)


def join(calls: Sequence[Call]) -> Call:
    """Make one call of several with the same key."""
    tables = [call.table for call in calls]
    if hasattr(tables[0], "dtypes"):
        import pandas

        return replace(calls[0], table=pandas.concat(tables, ignore_index=True))
    import numpy

    return replace(calls[0], table=numpy.concatenate(tables))


def divide(result: Any, sizes: Sequence[int]) -> list[Any] | None:
    """Cut a result into the parts of those that asked, in order; None for one without an entry a row."""
    shape = getattr(result, "shape", None)
    if not shape or shape[0] != sum(sizes):
        return None
    rows = getattr(result, "iloc", result)
    parts, start = [], 0
    for size in sizes:
        parts.append(rows[start : start + size])
        start += size
    return parts
