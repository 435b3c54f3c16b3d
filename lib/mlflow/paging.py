"""Pages as clients walk them: a limit that is checked, and a token while there is more."""

from __future__ import annotations

from typing import Any

from lib.errors import InvalidValue
from lib.mlflow import search


def page(rows: Any, *, token: str, limit: int, most: int, binding: str = "") -> tuple[list[Any], dict[str, str]]:
    """Give one page of rows and what the answer says of the next: nothing on the last page, an exactly full one too."""
    if not 1 <= limit <= most:
        raise InvalidValue(
            f"Invalid value {limit} for parameter 'max_results' supplied: it must be at least 1 and at most {most}.",
            field="max_results",
        )
    start = search.page_offset(token, binding)
    found = list(rows[start : start + limit + 1])
    more = {"next_page_token": search.page_token(start + limit, binding)} if len(found) > limit else {}
    return found[:limit], more
