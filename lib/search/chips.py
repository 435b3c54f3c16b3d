"""A filter as the conditions that all must hold, and back: what the filter box shows as chips."""

from __future__ import annotations

from collections.abc import Sequence

from lib.errors import InvalidValue
from lib.search.dialects import Dialect
from lib.search.parser import parse_filter
from lib.search.tokens import tokens
from lib.search.tree import Or


def split(text: str, dialect: Dialect) -> list[str]:
    """Cut a filter at its outer ANDs. Raises InvalidValue for one that cannot be read.

    Joined again, the parts mean what the filter meant. A filter that is an OR on the outside is one part.
    """
    if not text.strip():
        return []
    if isinstance(parse_filter(text, dialect), Or):
        return [text.strip()]
    cuts, depth, is_between = [0], 0, False
    for token in tokens(text, is_mlflow=dialect.is_mlflow):
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if token.word == "BETWEEN":
            is_between = True
        elif token.word == "AND" and is_between:
            is_between = False
        elif token.word == "AND" and depth == 0:
            cuts += [token.column - 1, token.column - 1 + len(token.text)]
    cuts.append(len(text))
    return [text[start:end].strip() for start, end in zip(cuts[::2], cuts[1::2], strict=True)]


def join(parts: Sequence[str], dialect: Dialect) -> str:
    """Write the filter that holds where all the parts do. A part that cannot be read is left as it is."""
    kept = [part.strip() for part in parts if part.strip()]
    return " AND ".join(kept if len(kept) == 1 else [bracketed(part, dialect) for part in kept])


def bracketed(part: str, dialect: Dialect) -> str:
    try:
        return f"({part})" if isinstance(parse_filter(part, dialect), Or) else part
    except InvalidValue:
        return part
