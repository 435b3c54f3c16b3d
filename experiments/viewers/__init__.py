"""How a file is looked at: each viewer reads a bounded part of it and gives what its template shows, never more.

`show` asks the viewers that fit the name, in order, until one takes the file; the reader may ask for another of them.
No viewer loads a model, unpickles, or runs anything of the file (docs/decisions/0005).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from experiments.viewers import code, documents, grid, kinds, maps, outline, parquet, pictures, raw
from experiments.viewers.kinds import icon
from experiments.viewers.source import NotShown, Source

__all__ = ["Offer", "Shown", "Source", "icon", "show"]


@dataclass(frozen=True)
class Viewer:
    """`label` is the word on its tab, `template` stands in templates/experiments/viewers, `show` may raise NotShown."""

    label: str | Promise
    template: str
    show: Callable[[Source], Any]


VIEWERS: dict[str, Viewer] = {
    "text": Viewer(_("Text"), "code", code.show),
    "outline": Viewer(_("Outline"), "outline", outline.show),
    "table": Viewer(_("Table"), "grid", grid.separated),
    "lines": Viewer(_("Table"), "grid", grid.lines),
    "log-table": Viewer(_("Table"), "grid", grid.table),
    "parquet": Viewer(_("Table"), "grid", parquet.show),
    "notebook": Viewer(_("Notebook"), "notebook", documents.show_notebook),
    "markdown": Viewer(_("Page"), "markdown", documents.show_markdown),
    "map": Viewer(_("Map"), "map", maps.show),
    "picture": Viewer(_("Picture"), "picture", pictures.show),
    "drawn-elsewhere": Viewer(_("Picture"), "described", pictures.describe),
    "sound": Viewer(_("Sound"), "sound", raw.nothing),
    "film": Viewer(_("Film"), "film", raw.nothing),
    "page": Viewer(_("Page"), "page", raw.nothing),
    "pdf": Viewer(_("Page"), "pdf", raw.portable_document),
    "bytes": Viewer(_("Bytes"), "bytes", raw.show),
    "runs-code": Viewer(_("File"), "runs_code", raw.nothing),
}


@dataclass(frozen=True)
class Offer:
    """A way to look at the file that the reader may choose."""

    name: str
    label: str | Promise
    is_chosen: bool


@dataclass(frozen=True)
class Shown:
    """A file as one viewer shows it; `view` is what that viewer's template needs."""

    name: str
    template: str
    view: Any
    offers: tuple[Offer, ...]


def show(source: Source) -> Shown:
    """Show a file by the viewer that is asked for, or by the first that takes it."""
    names = kinds.viewers(source.path)
    asked = source.wanted.get("view", "")
    order = [asked, *names] if asked in names else list(names)
    for name in dict.fromkeys([*order, "bytes"]):
        view = taken(source, name)
        if view is not None:
            return Shown(name, f"experiments/viewers/{VIEWERS[name].template}.html", view, offers(source, names, name))
    raise AssertionError("bytes can always be shown")


def taken(source: Source, name: str) -> Any:
    """Give what a viewer shows of the file, or None when it does not take it."""
    try:
        return VIEWERS[name].show(source)
    except NotShown:
        return None


def offers(source: Source, names: tuple[str, ...], chosen: str) -> tuple[Offer, ...]:
    """Offer the chosen viewer, and beside it those that take the file: of a json file not every one does."""
    if chosen not in names:
        return ()
    first = names.index(chosen)
    known = (
        names
        if len(names) == 2
        else [one for one in names[:first] if taken(source, one) is not None] + [*names[first:]]
    )
    made = tuple(Offer(name, VIEWERS[name].label, name == chosen) for name in known)
    return made if len(made) > 1 else ()
