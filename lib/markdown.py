"""Markdown of notes, of files and of notebooks, as HTML that can do no harm."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import nh3
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

LONGEST = 100_000
TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
# The page's own headings are h1 and h2: what a text calls its first is the third.
DEEPER = {f"h{level}": f"h{min(level + 2, 6)}" for level in range(1, 7)}


@cache
def parser() -> MarkdownIt:
    """CommonMark with tables and strikethrough; no HTML, and no pictures: a text must not call other hosts."""
    from markdown_it import MarkdownIt  # on first use: not in every worker's memory

    return (
        MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"]).disable("image")
    )


def render(text: str, *, longest: int = LONGEST) -> SafeString:
    """Give a text's Markdown as clean HTML; what is longer than `longest` characters ends there."""
    found = parser().parse(text[:longest])
    for token in found:
        token.tag = DEEPER.get(token.tag, token.tag)
    html = parser().renderer.render(found, parser().options, {})
    clean = nh3.clean(
        html, tags=TAGS, attributes=ATTRIBUTES, url_schemes={"http", "https", "mailto"}, link_rel="noopener noreferrer"
    )
    return SafeString(clean)
