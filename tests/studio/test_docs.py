"""The documents keep up with the code."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [ROOT / "studio/settings.py", ROOT / "compute/node/settings.py", *(ROOT / "studio/supervisor").glob("*.py")]
READ = r'(?:env_\w+\(|environ\.get\(|env\.get\(|environ\[)"((?:STUDIO_|DATABASE_|REDIS_)\w+)"'
SETTINGS = [name for file in SOURCES for name in re.findall(READ, file.read_text())]


@pytest.mark.parametrize("name", sorted(set(SETTINGS)))
def test_every_setting_is_in_the_operators_page(name):
    assert f"`{name}`" in (ROOT / "docs" / "operators.md").read_text()


@pytest.mark.parametrize(
    "page", sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]), ids=lambda page: page.name
)
def test_no_link_of_a_page_leads_nowhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists() or target.startswith("docs/images/"), target


def test_every_dependency_says_what_it_is_for():
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith(("#", "-r")):
                assert re.fullmatch(r"[A-Za-z0-9_.-]+==\S+\s+# .+", line), line
