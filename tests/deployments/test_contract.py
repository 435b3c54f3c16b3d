"""The table of docs/deployments.md that says which test holds which sentence of the scoring contract is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| ([^|]+) \| (`test_\w+`(?:, `test_\w+`)*) \|$", re.MULTILINE)
DEFINED = re.compile(r"^def (test_\w+)\(", re.MULTILINE)


def rows() -> list[tuple[str, list[str]]]:
    text = (ROOT / "docs/deployments.md").read_text()
    section = text.split("## The contract, row by row", 1)[1].split("\n## ", 1)[0]
    return [(claim, re.findall(r"`(test_\w+)`", names)) for claim, names in ROW.findall(section)]


@pytest.fixture(scope="module")
def defined() -> set[str]:
    files = [*ROOT.glob("tests/deployments/test_*.py"), ROOT / "tests/live/test_endpoints_flow.py"]
    return {name for file in files for name in DEFINED.findall(file.read_text())}


def test_the_table_is_there():
    assert len(rows()) >= 25


@pytest.mark.parametrize(("claim", "names"), rows(), ids=[claim for claim, _names in rows()])
def test_each_row_names_tests_that_exist(claim, names, defined):
    assert set(names) <= defined, claim
