"""The process that reads a parquet file: the file is its standard input, what is wanted its argument, the answer JSON.

It has none of the studio's secrets, and limits of its own: a file made to fill the memory ends this process alone.
"""

from __future__ import annotations

import json
import math
import resource
import sys
from typing import Any

MEMORY_BYTES = 3 * 1024**3
CPU_S = 15
LARGEST_SORTED = 256 * 1024**2
LONGEST_CELL = 301
BATCH_ROWS = 1000


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024**2, 64 * 1024**2))
    asked = json.loads(sys.argv[1])
    import pyarrow as arrow  # after the limits
    from pyarrow import parquet

    arrow.set_cpu_count(1)
    arrow.set_io_thread_count(1)
    file = parquet.ParquetFile(sys.stdin.buffer, pre_buffer=False)
    schema = list(file.schema_arrow)
    # The name of a column may hold dots, or stand twice: columns are chosen by their place.
    wanted = schema[: asked["columns"]]
    names = [field.name for field in wanted]
    total = file.metadata.num_rows
    offset = min(asked["offset"], max(0, total - 1) // asked["rows"] * asked["rows"])
    can_sort = size_of(file) <= LARGEST_SORTED and len(set(names)) == len(names)
    if asked["order"] and can_sort and int(asked["order"].removeprefix("-")) < len(names):
        rows = sorted_rows(file, names, asked["order"], offset, asked["rows"])
    else:
        rows = rows_at(file, names, offset, asked["rows"])
    answer = {
        "columns": [described(field, arrow) for field in wanted],
        "all_columns": len(schema),
        "rows": rows,
        "total": total,
        "offset": offset,
        "can_sort": can_sort,
    }
    sys.stdout.write(json.dumps(answer))


def size_of(file: Any) -> int:
    groups = range(file.metadata.num_row_groups)
    return sum(file.metadata.row_group(at).total_byte_size for at in groups)


def described(field: Any, arrow: Any) -> dict[str, Any]:
    kinds = arrow.types
    is_number = kinds.is_integer(field.type) or kinds.is_floating(field.type) or kinds.is_decimal(field.type)
    return {"name": field.name[:LONGEST_CELL], "type": str(field.type)[:60], "is_number": is_number}


def rows_at(file: Any, names: list[str], offset: int, most: int) -> list[list[str]]:
    """Read some rows; row groups before them are passed over unread."""
    group, before = 0, 0
    while group < file.metadata.num_row_groups and before + file.metadata.row_group(group).num_rows <= offset:
        before += file.metadata.row_group(group).num_rows
        group += 1
    rows: list[list[str]] = []
    groups = list(range(group, file.metadata.num_row_groups))
    for batch in file.iter_batches(BATCH_ROWS, row_groups=groups, columns=names, use_threads=False):
        if before + batch.num_rows > offset:
            part = batch.slice(max(0, offset - before), most - len(rows))
            rows += written(part, names)
        before += batch.num_rows
        if len(rows) >= most:
            break
    return rows


def sorted_rows(file: Any, names: list[str], order: str, offset: int, most: int) -> list[list[str]]:
    """Read some rows in the order of a column; empty ones come last."""
    from pyarrow import compute

    name = names[int(order.removeprefix("-"))]
    direction = "descending" if order.startswith("-") else "ascending"
    column = file.read(columns=[name], use_threads=False).column(0)
    places = compute.sort_indices(column, sort_keys=[("", direction)], null_placement="at_end")
    table = file.read(columns=names, use_threads=False)
    return written(table.take(places.slice(offset, most)), names)


def written(table: Any, names: list[str]) -> list[list[str]]:
    columns = [[text(value) for value in table.column(at).to_pylist()] for at in range(len(names))]
    return [list(row) for row in zip(*columns, strict=True)] if columns else []


def text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, bytes):
        return f"{value[:40].hex(' ')}{'…' if len(value) > 40 else ''}"
    return str(value)[:LONGEST_CELL]


if __name__ == "__main__":
    main()
