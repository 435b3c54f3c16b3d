"""The cells of a table of runs, some hundred a page: written here, since a template a cell costs ten times as much."""

from __future__ import annotations

from collections.abc import Callable

from django import template
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from experiments.tables import Cell, Row, Shown
from lib import format as fmt
from lib.templatetags import ui

register = template.Library()

LONGEST = 40


@register.simple_tag
def run_cells(row: Row) -> SafeString:
    """Write a row's cells; what is rounded or cut stands whole in its cell's title."""
    return mark_safe("".join(map(cell_html, row.cells)))  # noqa: S308  each value is escaped below


def cell_html(cell: Cell) -> str:
    css = f"{cell.css} best".strip() if cell.is_best else cell.css
    shown, title = SHOWN[cell.shown](cell), title_html(cell)
    return f'<td class="{css}"{title}>{shown}</td>' if css else f"<td{title}>{shown}</td>"


def title_html(cell: Cell) -> str:
    whole = str(cell.value)
    is_rounded = cell.shown == "number" and fmt.number(cell.value) != whole
    is_cut = cell.shown == "text" and len(whole) > LONGEST
    return f' title="{escape(whole)}"' if is_rounded or is_cut else ""


def text(cell: Cell) -> str:
    whole = str(cell.value)
    return str(escape(whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 1]}…"))


def silence(cell: Cell) -> str:
    return render_to_string("experiments/_silence.html", {"silent_ms": cell.value}).strip()


SHOWN: dict[Shown, Callable[[Cell], str]] = {
    "missing": lambda _cell: f'<span class="none">{fmt.MISSING}</span>',
    "number": lambda cell: fmt.number(cell.value),
    "status": lambda cell: ui.status(cell.value),
    "silence": silence,
    "time": lambda cell: ui.time_tag(moment(cell)),
    "duration": lambda cell: fmt.duration(moment(cell)),
    "text": text,
}


def moment(cell: Cell) -> int | None:
    return cell.value if isinstance(cell.value, int) else None
