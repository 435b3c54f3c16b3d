"""Parquet files as a grid, read in a process of its own: the reader is large, is compiled, and gets foreign bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from experiments.viewers.grid import MOST_COLUMNS, PAGE_ROWS, Grid, Order, filled, heads
from experiments.viewers.source import NotShown, Source

READER = Path(__file__).parent / "parquet_reader.py"
TIMEOUT_S = 20
AT_ONCE = BoundedSemaphore(2)


def show(source: Source) -> Grid:
    """Show a page of a parquet file. Raises NotShown for one that the reader cannot read within its limits."""
    order = Order.read(source.wanted.get("sort", ""), MOST_COLUMNS)
    page = source.number("page", most=10**9)
    found = ask(source, page * PAGE_ROWS, order)
    columns = [(one["name"], one["type"], one["is_number"]) for one in found["columns"]]
    used = order if order is not None and found["can_sort"] and order.column < len(columns) else None
    return Grid(
        heads=heads(columns, used),
        rows=tuple(filled(row, len(columns)) for row in found["rows"]),
        total=found["total"],
        page=found["offset"] // PAGE_ROWS,
        all_columns=found["all_columns"],
        can_sort=found["can_sort"],
        sort=str(used or ""),
    )


def ask(source: Source, offset: int, order: Order | None) -> dict[str, Any]:
    asked = json.dumps({"offset": offset, "rows": PAGE_ROWS, "columns": MOST_COLUMNS, "order": str(order or "")})
    with AT_ONCE, source.open() as file:
        try:
            answer = subprocess.run(
                [sys.executable, "-I", str(READER), asked],
                stdin=file,
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
                env={"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"},
            )
        except subprocess.TimeoutExpired:
            raise NotShown from None
    if answer.returncode != 0:
        raise NotShown
    found: dict[str, Any] = json.loads(answer.stdout)
    return found
