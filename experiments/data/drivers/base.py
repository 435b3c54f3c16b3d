"""What the drivers of object stores have in common.

A driver is a module: `fields` it needs, `checked(connection)` that judges their shape, `open(connection)` that makes an
fsspec filesystem inside the guarded loop, `errors()` that its library raises, and `address` for a signed URL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from lib.errors import InvalidValue

CONNECT_S, READ_S = 5, 20
ENDPOINT_PATH = re.compile(r"(/[A-Za-z0-9._-]+)*/?")


class Secret(dict[str, str]):
    """Credentials; what prints them, the audit log for one, gets their names."""

    def __str__(self) -> str:
        return ", ".join(sorted(self))

    __repr__ = __str__


@dataclass(frozen=True)
class Connection:
    """How a store is reached: `container` is its bucket, no `endpoint` means the cloud's own, no secret anonymously."""

    kind: str
    container: str
    account: str = ""
    endpoint: str = ""
    region: str = ""
    secret: Mapping[str, str] = field(default_factory=Secret)


class Driver(Protocol):
    label: str | Promise
    container_label: str | Promise
    facts: tuple[str, ...]
    secrets: tuple[tuple[str, ...], ...]

    def checked(self, connection: Connection) -> None: ...
    async def open(self, connection: Connection) -> Any: ...
    def errors(self) -> tuple[type[Exception], ...]: ...
    async def address(self, filesystem: Any, connection: Connection, path: str, seconds: int) -> str: ...


def require(pattern: str, text: str, field: str, words: str) -> None:
    """Raise InvalidValue with the words for a text that the pattern does not fit."""
    if not re.fullmatch(pattern, text):
        raise InvalidValue(words, field=field)


def require_secret(connection: Connection, ways: tuple[tuple[str, ...], ...]) -> None:
    """Raise InvalidValue unless the credentials are those of one of the ways, or there are none."""
    given = set(connection.secret)
    if given and not any(given <= set(way) and given >= {one for one in way if one != "session_token"} for way in ways):
        said = _(" or ").join(" + ".join(way) for way in ways)
        raise InvalidValue(_("The credentials are %s, or none for a store that is public.") % said, field="secret")
