"""Markdown and notebooks. Markup of their author's is never part of the page: it is text, or stands in a frame."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from experiments.viewers.code import coloured, plain
from experiments.viewers.outline import parsed_json
from experiments.viewers.source import NotShown, Source
from lib import markdown

LONGEST_MARKDOWN = 512 * 1024
LONGEST_NOTEBOOK = 8 * 1024 * 1024
MOST_CELLS = 300
LONGEST_OUTPUT = 100_000
LONGEST_PICTURE = 2 * 1024 * 1024
PICTURES = ("image/png", "image/jpeg", "image/gif")
TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
LANGUAGES = {"python": ".py", "r": ".r", "julia": ".jl", "scala": ".scala", "bash": ".sh", "javascript": ".js"}


@dataclass(frozen=True)
class Output:
    """One thing that a cell put out: `kind` is text, error, picture (a data: address) or page (to stand in a frame)."""

    kind: str
    text: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook: `prose` is safe markup, `lines` are safe lines of code."""

    kind: str
    number: str = ""
    prose: SafeString | None = None
    lines: tuple[SafeString, ...] = ()
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True)
class Notebook:
    cells: tuple[Cell, ...]
    rest: int
    language: str


def show_markdown(source: Source) -> SafeString:
    return markdown.render(source.text(LONGEST_MARKDOWN), longest=LONGEST_MARKDOWN)


def show_notebook(source: Source) -> Notebook:
    """Show a notebook of format 4. Raises NotShown for anything else."""
    content = parsed_json(source.text(LONGEST_NOTEBOOK))
    if not (isinstance(content, dict) and content.get("nbformat") == 4 and isinstance(content.get("cells"), list)):
        raise NotShown
    language = language_of(content.get("metadata"))
    cells = [one for one in content["cells"] if isinstance(one, dict)]
    return Notebook(tuple(cell(one, language) for one in cells[:MOST_CELLS]), max(0, len(cells) - MOST_CELLS), language)


def language_of(metadata: Any) -> str:
    known = metadata.get("language_info") or metadata.get("kernelspec") if isinstance(metadata, dict) else None
    name = known.get("name") or known.get("language") if isinstance(known, dict) else None
    return str(name or "python").lower()[:40]


def cell(written: dict[str, Any], language: str) -> Cell:
    text = joined(written.get("source"))
    if written.get("cell_type") == "markdown":
        return Cell("markdown", prose=markdown.render(text, longest=LONGEST_MARKDOWN))
    if written.get("cell_type") != "code":
        return Cell("raw", lines=plain(text))
    outputs = [one for one in written.get("outputs") or [] if isinstance(one, dict)]
    return Cell(
        "code",
        number=str(written.get("execution_count") or "")[:8],
        lines=coloured(text, "", LANGUAGES.get(language.removeprefix("i"), LANGUAGES.get(language, ""))),
        outputs=tuple(made for one in outputs[:100] for made in output(one)),
    )


def output(written: dict[str, Any]) -> Iterator[Output]:
    kind = written.get("output_type")
    if kind == "stream":
        yield Output("text", legible(joined(written.get("text"))))
    elif kind == "error":
        yield Output("error", legible(joined(written.get("traceback"), "\n")))
    elif isinstance(data := written.get("data"), dict):
        yield richest(data)


def richest(data: dict[str, Any]) -> Output:
    """Choose of several forms of one output the one that tells most."""
    for kind in PICTURES:
        body = joined(data.get(kind))
        if body and len(body) <= LONGEST_PICTURE and BASE64.fullmatch(body):
            return Output("picture", f"data:{kind};base64,{''.join(body.split())}")
    if page := joined(data.get("text/html")):
        return Output("page", page) if len(page) <= LONGEST_NOTEBOOK // 4 else Output("text", "…")
    return Output("text", legible(joined(data.get("text/plain"))))


def joined(written: Any, between: str = "") -> str:
    """Give a text that a notebook may keep as a list of pieces."""
    if isinstance(written, list):
        return between.join(one for one in written if isinstance(one, str))
    return written if isinstance(written, str) else ""


def legible(text: str) -> str:
    return TERMINAL_CODES.sub("", text)[:LONGEST_OUTPUT]
