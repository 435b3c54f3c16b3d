"""JSON and YAML as an outline that folds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experiments.artifacts import parsed_yaml
from experiments.viewers.source import NotShown, Source

LONGEST_JSON = 2_000_000
LONGEST_YAML = 256 * 1024
MOST_BRANCHES = 3000
DEEPEST = 40
OPEN_DEPTH = 2
LONGEST_VALUE = 2000
YAML = {".yaml", ".yml"}


@dataclass(frozen=True)
class Branch:
    """A name with a value, or with branches below. `kind` colours the value: s(tring), n(umber), k(eyword)."""

    name: str
    value: str = ""
    kind: str = ""
    note: str = ""
    branches: tuple[Branch, ...] = ()
    is_open: bool = False


@dataclass
class Budget:
    left: int = MOST_BRANCHES


def show(source: Source) -> Branch:
    """Show a document as branches. Raises NotShown for one that is too long or is not well formed."""
    budget = Budget()
    return branch("", read(source), 0, budget)


def read(source: Source) -> Any:
    if source.suffix in YAML:
        return parsed_yaml_or_not(source.text(LONGEST_YAML))
    return parsed_json(source.text(LONGEST_JSON))


def parsed_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise NotShown from None


def parsed_yaml_or_not(text: str) -> Any:
    content = parsed_yaml(text)
    if not isinstance(content, dict | list):
        raise NotShown
    return content


def branch(name: str, value: Any, depth: int, budget: Budget) -> Branch:
    budget.left -= 1
    if isinstance(value, dict | list):
        return folder(name, value, depth, budget)
    return Branch(name, *scalar(value))


def folder(name: str, value: dict[Any, Any] | list[Any], depth: int, budget: Budget) -> Branch:
    items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    below: list[Branch] = []
    for key, item in items:
        if depth >= DEEPEST or budget.left <= 0:
            break
        below.append(branch(str(key)[:LONGEST_VALUE], item, depth + 1, budget))
    if len(below) < len(value):
        below.append(Branch("…", note=_("%s more") % (len(value) - len(below))))
    return Branch(name, note=size_of(value), branches=tuple(below), is_open=depth < OPEN_DEPTH and len(value) <= 100)


def size_of(value: dict[Any, Any] | list[Any]) -> str:
    if isinstance(value, dict):
        return ngettext("%s entry", "%s entries", len(value)) % len(value)
    return ngettext("%s item", "%s items", len(value)) % len(value)


def scalar(value: Any) -> tuple[str, str]:
    if isinstance(value, str):
        cut = f"{value[:LONGEST_VALUE]}…" if len(value) > LONGEST_VALUE else value
        return json.dumps(cut, ensure_ascii=False), "s"
    if value is None or isinstance(value, bool):
        return json.dumps(value), "k"
    return str(value)[:LONGEST_VALUE], "n"
