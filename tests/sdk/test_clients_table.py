"""The table of what each client can do, in docs/azureml.md: a cell names a test, and the test is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
SECTION = (
    (TESTS.parent / "docs" / "azureml.md").read_text().partition("## What each client can do")[2].partition("## ")[0]
)
ROWS = [line.strip("| ").split(" | ") for line in SECTION.splitlines() if line.startswith("| ") and "---" not in line][
    1:
]
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
# What the original's own table has: MLflow four, the SDK all nine, the command line five, the studio five.
WANTED = {
    "workspaces": (0, 1, 1, 1), "datastores": (0, 1, 1, 0), "log metrics": (1, 1, 0, 0),
    "upload artifacts": (1, 1, 0, 0), "view metrics": (1, 1, 1, 1), "compute": (0, 1, 1, 1), "deploy": (1, 1, 1, 1),
    "monitor services": (0, 1, 0, 0), "drift": (0, 1, 0, 1),
}  # fmt: skip


def test_the_table_has_every_function():
    assert [row[0] for row in ROWS] == list(WANTED)
    assert sum(map(sum, WANTED.values())) == 4 + 9 + 5 + 5


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_cell_names_a_test_that_is_there(row):
    for cell, is_wanted in zip(row[1:], WANTED[row[0]], strict=True):
        found = NAMED.findall(cell)
        assert found or not is_wanted or (row[0] == "drift" and "R26" in cell), cell
        for file, name in found:
            assert f"def {name}(" in (TESTS / file).read_text(), name
