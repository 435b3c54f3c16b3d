"""The left side of a comparison: which kind of thing, by which key."""

from __future__ import annotations

import re
from collections.abc import Collection

from django.utils.translation import gettext as _

from lib.search.dialects import DATASET_KEYS, Dialect
from lib.search.errors import SearchError, one_of
from lib.search.tokens import Token
from lib.search.tree import Field

QUOTES = "`\"'"
# What MLflow's clients may write bare; anything else needs backticks there.
PLAIN_KEY = re.compile(r"[\w.]+")


def read_field(token: Token, dialect: Dialect, attributes: Collection[str]) -> Field:
    """Read `kind.key`, or the bare name of one of the attributes. Raises SearchError."""
    if token.kind == "path":
        return path(token, dialect, attributes)
    is_name = token.kind in ("word", "quoted_name") or (token.kind == "text" and token.text[0] == '"')
    if not is_name:
        raise SearchError(token.column, expected_field(dialect, attributes), token.found)
    name = token.text if token.kind == "word" else token.text[1:-1]
    return attribute(name, token.column, token.column, dialect, attributes)


def path(token: Token, dialect: Dialect, attributes: Collection[str]) -> Field:
    kind_name, _dot, key = token.text.partition(".")
    column = token.column + len(kind_name) + 1
    kind = dialect.kinds.get(kind_name.strip("`"))
    if kind is None:
        names = [f"{name}." for name in dialect.kind_names]
        raise SearchError(token.column, one_of(names), f"“{kind_name[:40]}.”")
    if key[0] in QUOTES:
        key = unquoted(key)
    elif dialect.is_mlflow and not PLAIN_KEY.fullmatch(key):
        raise SearchError(
            column, _("a key of letters, digits, “_” and “.”, or any key in `backticks`"), f"“{key[:40]}”"
        )
    if kind == "attribute":
        return attribute(key, token.column, column, dialect, attributes)
    if kind == "dataset" and key not in DATASET_KEYS:
        raise SearchError(column, one_of(list(DATASET_KEYS)), f"“{key[:40]}”")
    return Field(kind, key, column=token.column)


def unquoted(key: str) -> str:
    """Take off quotes, then backticks: MLflow's clients may nest the two in this order."""
    for quotes in ("\"'", "`"):
        if len(key) > 1 and key[0] in quotes and key[0] == key[-1]:
            key = key[1:-1]
    return key


def attribute(name: str, start: int, column: int, dialect: Dialect, attributes: Collection[str]) -> Field:
    known = dialect.aliases.get(name, name)
    if known not in attributes:
        is_bare = start == column
        expected = expected_field(dialect, attributes) if is_bare else one_of(sorted(attributes))
        raise SearchError(column, expected, f"“{name[:40]}”")
    return Field("attribute", known, column=start)


def expected_field(dialect: Dialect, attributes: Collection[str]) -> str:
    names = [f"{name}.…" for name in dialect.kind_names if name not in ("attribute", "attributes")]
    return one_of([*names, *sorted(attributes)])
