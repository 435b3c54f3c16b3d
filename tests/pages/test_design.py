"""What must stay true of stylesheets, scripts and templates, also of those not written yet."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage

from lib.badges import BADGES, badge
from lib.staticfiles import ModuleStorage

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static/css").rglob("*.css"))
SPRITE = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static/img/icons.svg").read_text()))


def declarations(block: str) -> dict[str, str]:
    return dict(re.findall(r"(--[\w-]+):\s*([^;]+);", block))


def test_every_stylesheet_is_imported_and_collected_into_one(tmp_path):
    imported = re.findall(r'@import "\./([\w/-]+\.css)";', (ROOT / "static/css/studio.css").read_text())
    assert {"studio.css", *imported} == {str(path.relative_to(ROOT / "static/css")) for path in STYLES}

    storage = ModuleStorage(location=tmp_path, base_url="/static/")
    source = FileSystemStorage(location=ROOT / "static")
    paths = {name: (source, name) for name in (str(path.relative_to(ROOT / "static")) for path in STYLES)}
    done = {name: hashed for name, hashed, _processed in storage.post_process(paths)}
    text = (tmp_path / done["css/studio.css"]).read_text()
    assert "@import" not in text
    assert text.index("--series-1") < text.index(".nav") < text.index(".diff")


def test_both_dark_blocks_are_equal():
    text = (ROOT / "static/css/tokens.css").read_text()
    by_system = text[text.index(':root:not([data-theme="light"]) {') :].split("}")[0]
    by_choice = text[text.index(':root[data-theme="dark"] {') :].split("}")[0]
    assert declarations(by_system) == declarations(by_choice)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_charts_and_swatches_draw_a_run_in_the_same_colour(theme):
    text = (ROOT / "static/css/tokens.css").read_text()
    start = ":root {" if theme == "light" else ':root[data-theme="dark"] {'
    tokens = declarations(text[text.index(start) :].split("}")[0])
    slots = json.loads((ROOT / "static/js/plotly-theme.json").read_text())[theme]["slots"]
    assert [slot["color"] for slot in slots] == [tokens[f"--series-{n}"] for n in range(1, 11)]


@pytest.mark.parametrize("path", [path for path in STYLES if path.name != "tokens.css"], ids=lambda path: path.name)
def test_colours_are_tokens(path):
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(", path.read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_obeys_the_content_security_policy(path):
    text = path.read_text()
    assert not re.findall(r"<script(?![^>]*\bsrc=)", text)
    assert not re.findall(r"\son[a-z]+=\"|hx-on|javascript:", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_icons_are_in_the_sprite(path):
    assert set(re.findall(r'{% icon "([\w-]+)"', path.read_text())) <= SPRITE


def test_badges_have_icons_and_any_spelling_finds_them():
    assert {look.icon for look in BADGES.values()} <= SPRITE
    assert badge("NOT_RESPONDING") == badge("NotResponding") == badge("not responding")
    assert badge("something new").word == "something new"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_of_icon_buttons_are_said(path):
    for tag in re.findall(r'<(?:button|a)\b[^>]*class="[^"]*btn-icon[^"]*"[^>]*>', path.read_text()):
        assert "aria-label" in tag, tag
