"""Markdown of notes: what is drawn, and what never reaches a page."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.markdown import TAGS, render


def test_what_people_write_is_drawn():
    html = render(
        "# Top\n\n*a* **b** ~~c~~ `d`\n\n- one\n- two\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n[l](https://e.org)"
    )
    for part in ("<h3>Top</h3>", "<em>a</em>", "<s>c</s>", "<li>one</li>", "<td>1</td>", 'href="https://e.org"'):
        assert part in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        '<img src=x onerror="alert(1)">',
        "![x](https://elsewhere.example/pixel.png)",
        '[x](https://e.org "\\" onmouseover=alert(1)")',
        "<a href='https://e.org' style='position:fixed'>x</a>",
        "<iframe src=https://e.org></iframe>",
    ],
)
def test_what_does_harm_is_not(text):
    html = str(render(text))
    for bad in (
        "<script",
        "<img",
        "<iframe",
        "<style",
        'href="javascript:',
        'href="data:',
        "<a href='",
        " onmouseover=alert(1)>",
    ):
        assert bad not in html


@given(st.text(alphabet="<>\"'`*_[]()!&;:/=ab \n#|-~\\", max_size=200))
def test_no_text_makes_an_attribute_or_tag_of_its_own(text):
    found = re.findall(r"<(/?[a-zA-Z0-9]+)", str(render(text)))
    assert {name.lstrip("/").lower() for name in found} <= TAGS
    assert not re.search(r"<[^>]*\son\w+=", str(render(text)))
