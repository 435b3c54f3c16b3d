"""Pages as clients walk them: a limit that is checked, and a token while there is more."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from django.utils.translation import gettext as _

from lib.errors import InvalidValue
from lib.search.bounds import limited
from lib.search.ordering import read

LARGEST_OFFSET = 10_000_000


def page(rows: Any, *, token: str, limit: int, most: int, binding: str = "") -> tuple[list[Any], dict[str, str]]:
    """Give one page of rows and what the answer says of the next: nothing on the last page, an exactly full one too."""
    if not 1 <= limit <= most:
        raise InvalidValue(
            f"Invalid value {limit} for parameter 'max_results' supplied: it must be at least 1 and at most {most}.",
            field="max_results",
        )
    start = page_offset(token, binding)
    with limited():
        found = read(rows, start, start + limit + 1)
    more = {"next_page_token": page_token(start + limit, binding)} if len(found) > limit else {}
    return found[:limit], more


def page_token(offset: int, binding: str = "") -> str:
    """Make the token of the page that starts at `offset`; `binding` ties it to the query that it goes on with."""
    content = {"offset": offset, **({"query": binding} if binding else {})}
    return base64.b64encode(json.dumps(content).encode()).decode()


def page_offset(token: str, binding: str = "") -> int:
    """Read a token, strictly. Raises InvalidValue for one that this server did not make for this query."""
    if not token:
        return 0
    try:
        content = json.loads(base64.b64decode(token, validate=True)) if len(token) < 1000 else None
    except (binascii.Error, ValueError, RecursionError):
        content = None
    offset = content.get("offset") if isinstance(content, dict) else None
    if not isinstance(offset, int) or isinstance(offset, bool) or not 0 < offset <= LARGEST_OFFSET:
        raise InvalidValue(_("Invalid page token."), field="page_token")
    if isinstance(content, dict) and content.get("query", "") != binding:
        raise InvalidValue(_("The page token belongs to another query."), field="page_token")
    return offset
