"""The process that profiles a table: open files are its descriptors, how to read them its argument, the answer JSON.

It has none of the studio's secrets, and limits of its own. It reads rows one after the other, for so many seconds and
no more: what it says is of the rows read, and how many those are. Of each column it holds a sample of the numbers
(for the quantiles) and the first thousand different values (for the most frequent).
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

MEMORY_BYTES = 3 * 1024**3
CPU_S = 60
READ_S = 20.0
MOST_COLUMNS = 500
SAMPLE = 10_000
DISTINCT_MAX = 1_000
TOP = 5
LONGEST_VALUE = 100
LONGEST_FIELD = 1024 * 1024
LOOKS_EVERY = 256
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "#n/a"})
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Column:
    """What is known of a column so far. Mean and variance by Welford's method, the quantiles of a random sample."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.known = self.missing = self.numbers = 0
        self.is_whole = self.is_boolean = True
        self.least, self.most = math.inf, -math.inf
        self.mean = self.squares = 0.0
        self.sample: list[float] = []
        self.values: Counter[str] = Counter()
        self.all_values = True
        self.chance = random.Random(0)  # noqa: S311  a sample, no secret

    def see(self, value: Any) -> None:
        text = value if isinstance(value, str) else "" if value is None else str(value)
        if text.strip().lower() in MISSING:
            self.missing += 1
            return
        self.known += 1
        self.count(text[:LONGEST_VALUE])
        self.is_boolean = self.is_boolean and text.strip().lower() in ("true", "false")
        number = as_number(text)
        if number is not None:
            self.see_number(number, text)

    def count(self, text: str) -> None:
        if text in self.values or len(self.values) < DISTINCT_MAX:
            self.values[text] += 1
        else:
            self.all_values = False

    def see_number(self, number: float, text: str) -> None:
        self.numbers += 1
        self.is_whole = self.is_whole and text.strip().lstrip("+-").isdecimal()
        self.least, self.most = min(self.least, number), max(self.most, number)
        away = number - self.mean
        self.mean += away / self.numbers
        self.squares += away * (number - self.mean)
        if len(self.sample) < SAMPLE:
            self.sample.append(number)
        elif (place := self.chance.randrange(self.numbers)) < SAMPLE:
            self.sample[place] = number

    @property
    def type(self) -> str:
        if not self.known:
            return "empty"
        if self.is_boolean:
            return "boolean"
        if self.numbers < self.known:
            return "text"
        return "integer" if self.is_whole else "number"

    def said(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "name": self.name[:300],
            "type": self.type,
            "count": self.known,
            "missing": self.missing,
            "distinct": len(self.values),
            "knows_all_values": self.all_values,
            "top": [[value, times] for value, times in self.values.most_common(TOP)],
        }
        if self.type in ("integer", "number"):
            found |= {"min": self.least, "max": self.most, "mean": self.mean, "std": self.deviation()}
            found |= {"quantiles": quantiles(self.sample), "histogram": histogram(self.sample)}
        return found

    def deviation(self) -> float | None:
        """Give the sample's standard deviation (n - 1)."""
        return math.sqrt(self.squares / (self.numbers - 1)) if self.numbers > 1 else None


def as_number(text: str) -> float | None:
    """Give a finite number; an infinity, and digits with underscores, are text."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def quantiles(sample: Sequence[float]) -> dict[str, float]:
    """Interpolate linearly between the order statistics."""
    ordered = sorted(sample)
    found = {}
    for share in QUANTILES:
        place = share * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        found[str(share)] = ordered[low] + (ordered[high] - ordered[low]) * (place - low)
    return found


def histogram(sample: Sequence[float], bins: int = 20) -> list[int]:
    """Count the sample in bins of one width between its least and its largest."""
    low, high = min(sample), max(sample)
    counts = [0] * bins
    width = (high - low) / bins
    for number in sample:
        counts[min(bins - 1, int((number - low) / width)) if width > 0 and math.isfinite(width) else 0] += 1
    return counts


# ---- Rows -----------------------------------------------------------------------------------------------------------


def delimited(handle: int, asked: dict[str, Any]) -> tuple[list[str], Iterator[Sequence[Any]]]:
    csv.field_size_limit(LONGEST_FIELD)
    file = io.TextIOWrapper(os.fdopen(handle, "rb"), encoding=asked["encoding"], errors="replace", newline="")
    rows = filter(None, csv.reader(file, delimiter=asked["separator"]))
    first = next(rows, [])
    if first:
        first[0] = first[0].removeprefix("\ufeff")
    if asked["has_header"]:
        return first, rows
    return [f"Column{at + 1}" for at in range(len(first))], chained(first, rows)


def chained(first: list[str], rows: Iterator[list[str]]) -> Iterator[list[str]]:
    if first:
        yield first
    yield from rows


def parquet(handle: int) -> tuple[list[str], Iterator[Sequence[Any]]]:
    import pyarrow as arrow  # after the limits
    from pyarrow import parquet as reader

    arrow.set_cpu_count(1)
    arrow.set_io_thread_count(1)
    file = reader.ParquetFile(os.fdopen(handle, "rb"), pre_buffer=False)
    names = [field.name for field in file.schema_arrow][:MOST_COLUMNS]
    return names, batches(file, names)


def batches(file: Any, names: list[str]) -> Iterator[Sequence[Any]]:
    for batch in file.iter_batches(1000, columns=names, use_threads=False):
        columns = [batch.column(at).to_pylist() for at in range(batch.num_columns)]
        yield from zip(*columns, strict=True)


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024**2, 64 * 1024**2))
    asked = json.loads(sys.argv[1])
    try:
        answer = profile(asked)
    except (csv.Error, UnicodeError, ValueError, OSError) as error:
        answer = {"error": f"The files cannot be read as a table: {str(error)[:300]}"}
    sys.stdout.write(json.dumps(answer))


def profile(asked: dict[str, Any]) -> dict[str, Any]:
    """Go over the rows of all files until their end, or until time is up. Columns are those of the first file."""
    began, rows, is_whole, odd = time.monotonic(), 0, bool(asked["is_whole"]), 0
    columns: list[Column] = []
    all_columns = 0
    for handle in asked["files"]:
        names, found = parquet(handle) if asked["format"] == "parquet" else delimited(handle, asked)
        if not columns:
            all_columns = len(names)
            columns = [Column(name) for name in names[:MOST_COLUMNS]]
        for row in found:
            if rows % LOOKS_EVERY == 0 and time.monotonic() - began > READ_S:
                return said(columns, all_columns, rows, odd, is_whole=False)
            rows += 1
            odd += len(row) != len(names)
            for at, column in enumerate(columns):
                column.see(row[at] if at < len(row) else None)
    return said(columns, all_columns, rows, odd, is_whole=is_whole)


def said(columns: list[Column], all_columns: int, rows: int, odd: int, *, is_whole: bool) -> dict[str, Any]:
    """`odd_rows` are those with more or fewer cells than the header."""
    return {
        "rows": rows,
        "is_whole": is_whole,
        "odd_rows": odd,
        "all_columns": all_columns,
        "columns": [column.said() for column in columns],
    }


if __name__ == "__main__":
    main()
