"""Servers of the owner's own, for a studio that does not start the embedded ones."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
import redis

SKIPPED = "this studio is on servers of DATABASE_URL and REDIS_URL, which are not the studio's to start or stop"


def are_given() -> bool:
    """Say whether whoever runs the tests named both servers; else the embedded ones are what is tested."""
    return "STUDIO_TESTS_OWN_DATABASE" not in os.environ and bool(os.environ.get("REDIS_URL"))


@contextmanager
def settings() -> Iterator[dict[str, str]]:
    """Give what a studio is to be told: a database of its own on the one server, a numbered one on the other."""
    with database() as database_url:
        broker_url = numbered(os.environ["REDIS_URL"])
        flush(broker_url)
        yield {"DATABASE_URL": database_url, "REDIS_URL": broker_url}
        flush(broker_url)


@contextmanager
def database() -> Iterator[str]:
    """Make a database on the server that the unit tests use, and drop it."""
    base, name = os.environ["DATABASE_URL"], f"studio_live_{uuid.uuid4().hex[:8]}"
    execute(base, f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(base)._replace(path=f"/{name}"))
    finally:
        execute(base, f"DROP DATABASE {name} WITH (FORCE)")


def numbered(url: str) -> str:
    """Return the address with a number for each process of the tests, after the one that was given."""
    parts = urlsplit(url)
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return urlunsplit(parts._replace(path=f"/{int(parts.path.strip('/') or 0) + worker}"))


def flush(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushdb()


def execute(url: str, *statements: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def skip_unless_embedded(part: str, parts: object) -> None:
    """Skip what is about a part that outside servers stand in for; any other part must be there."""
    if are_given() and part in ("database", "broker"):
        pytest.skip(SKIPPED)
    assert part in parts
