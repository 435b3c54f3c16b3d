"""The cells of a comparison, some thousand a page: written here, since a template a cell costs ten times as much."""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from experiments.diff import Cell, Row
from lib import format as fmt

register = template.Library()

LONGEST, LONGEST_TITLE = 60, 500


@dataclass(frozen=True)
class Words:
    """What is said of cells, looked up once a row."""

    differs: str
    absent: str
    better: str
    worse: str


@register.simple_tag
def diff_cells(row: Row, kind: str) -> SafeString:
    """Write a row's cells: the base's first, then the others, each with how it differs."""
    words = Words(_("differs:"), _("not set"), _("better"), _("worse"))
    cells = [cell_html(cell, kind == "metrics", not place, words) for place, cell in enumerate(row.cells)]
    return mark_safe("".join(cells))  # noqa: S308  each value is escaped below


def cell_html(cell: Cell, is_metric: bool, is_base: bool, words: Words) -> str:
    css = ' class="is-base"' if is_base else ' class="differs"' if cell.differs else ""
    mark = f'<span class="sr-only">{words.differs} </span>' if cell.differs else ""
    if cell.value is None:
        return f'<td{css}>{mark}<span class="none">{words.absent}</span></td>'
    whole = str(cell.value)
    shown = fmt.number(cell.value) if is_metric else whole
    shown = shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
    title = f' title="{escape(whole[:LONGEST_TITLE])}"' if shown != whole else ""
    return f"<td{css}{title}>{mark}{escape(shown)}{delta_html(cell, words)}</td>"


def delta_html(cell: Cell, words: Words) -> str:
    if cell.delta is None:
        return ""
    sign = "+" if cell.delta > 0 else ""
    if cell.is_better is None:
        return f'<span class="delta">{sign}{fmt.number(cell.delta)}</span>'
    css, word = ("is-better" if cell.is_better else "is-worse"), (words.better if cell.is_better else words.worse)
    said = f'<span class="sr-only">, {word}</span>'
    return f'<span class="delta {css}">{sign}{fmt.number(cell.delta)}{said}</span>'
