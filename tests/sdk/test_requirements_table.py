"""The table of docs/azureml.md: every requirement is there, and every test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
TABLE = (TESTS.parent / "docs" / "azureml.md").read_text()
ROWS = dict(re.findall(r"^\| (R\d\d) \|[^|]*\| (.*) \|$", TABLE, re.MULTILINE))
NAMED = re.compile(r"`((?:\w+/)*\w+\.py)::(\w+)`")
FLOW = re.compile(r"\bF([1-9])\b")
# Drift, and the administrator's monitoring.
MAY_BE_OPEN = {"R26", "R28"}


def test_every_requirement_has_its_row():
    assert list(ROWS) == [f"R{number:02}" for number in range(1, 53)]


@pytest.mark.parametrize("row", sorted(set(ROWS) - MAY_BE_OPEN))
def test_a_row_names_tests_that_are_there(row):
    found = NAMED.findall(ROWS[row])
    flows = FLOW.findall(ROWS[row])
    assert found or flows, ROWS[row]
    assert "open" not in ROWS[row] and "in part" not in ROWS[row]
    for file, name in found:
        assert f"def {name}(" in (TESTS / file).read_text(), name
    for number in flows:
        assert (TESTS / "live" / "azureml_flows" / f"f{number}.py").is_file()
