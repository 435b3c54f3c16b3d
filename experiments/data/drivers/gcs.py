"""Google Cloud Storage."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experiments.data.drivers.base import READ_S, Connection, require, require_secret
from lib.errors import InvalidValue

label = gettext_lazy("Google Cloud Storage")
container_label = gettext_lazy("Bucket")
facts = ("endpoint",)
secrets = (("service_account",),)
SCOPES = ("https://www.googleapis.com/auth/devstorage.read_only",)
# A key file names where its tokens come from, and other kinds of it programs to run; only Google's own place is asked.
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  an address


def checked(connection: Connection) -> None:
    require(
        r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", connection.container, "container",
        _("A bucket's name has 3–222 lower-case letters, digits, “.”, “_” and “-”."),
    )  # fmt: skip
    require_secret(connection, secrets)
    if connection.secret:
        service_account(connection)


def service_account(connection: Connection) -> dict[str, str]:
    """Read the key of a service account. Raises InvalidValue for any other kind of credential."""
    try:
        found = json.loads(connection.secret["service_account"])
        needed = {name: str(found[name]) for name in ("type", "client_email", "private_key", "private_key_id")}
    except (ValueError, KeyError, TypeError):
        needed = {}
    if needed.get("type") != "service_account":
        raise InvalidValue(_("Give the JSON key of a service account, as the console saves it."), field="secret")
    return {**needed, "token_uri": TOKEN_URI}


async def open(connection: Connection) -> Any:
    from gcsfs.core import GCSFileSystem

    return GCSFileSystem(
        token=credentials(connection) if connection.secret else "anon",
        project="",
        access="read_only",
        endpoint_url=connection.endpoint or "https://storage.googleapis.com",
        session_kwargs={"trust_env": False},
        requests_timeout=READ_S,
        asynchronous=True,
        use_listings_cache=False,
        skip_instance_cache=True,
    )


def credentials(connection: Connection) -> Any:
    from google.oauth2.service_account import Credentials

    try:
        made: Any = Credentials
        return made.from_service_account_info(service_account(connection), scopes=SCOPES)
    except ValueError:
        raise InvalidValue(_("The private key of the service account cannot be read."), field="secret") from None


def errors() -> tuple[type[Exception], ...]:
    from google.auth.exceptions import GoogleAuthError

    return (GoogleAuthError,)


async def address(filesystem: Any, connection: Connection, path: str, seconds: int) -> str:
    """Sign with the account's own key, which asks nobody."""
    if connection.endpoint or not connection.secret:
        return ""
    return str(await asyncio.to_thread(filesystem.sign, path, seconds, version="v4"))
