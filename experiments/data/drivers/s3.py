"""Amazon S3, and what speaks its protocol at an endpoint of its own."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experiments.data.drivers.base import CONNECT_S, READ_S, Connection, require, require_secret

label = gettext_lazy("Amazon S3, or a store with its protocol")
container_label = gettext_lazy("Bucket")
facts = ("endpoint", "region")
secrets = (("access_key_id", "secret_access_key", "session_token"),)


def checked(connection: Connection) -> None:
    require(
        r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", connection.container, "container",
        _("A bucket's name has 3–63 lower-case letters, digits, “.” and “-”."),
    )  # fmt: skip
    require(r"[a-z0-9-]{0,40}", connection.region, "region", _("A region is written like “eu-central-1”."))
    require_secret(connection, secrets)


async def open(connection: Connection) -> Any:
    import s3fs

    secret = connection.secret
    style = {"addressing_style": "path"} if connection.endpoint else {}
    return s3fs.S3FileSystem(
        anon=not secret,
        key=secret.get("access_key_id"),
        secret=secret.get("secret_access_key"),
        token=secret.get("session_token"),
        endpoint_url=connection.endpoint or None,
        client_kwargs={"region_name": connection.region or "us-east-1"},
        config_kwargs={
            "connect_timeout": CONNECT_S,
            "read_timeout": READ_S,
            "retries": {"max_attempts": 2},
            "proxies": {},
            "s3": style,
        },
        cache_regions=not connection.endpoint and not connection.region,
        asynchronous=True,
        use_listings_cache=False,
        skip_instance_cache=True,
    )


def errors() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


async def address(filesystem: Any, connection: Connection, path: str, seconds: int) -> str:
    return str(await filesystem._url(path, expires=seconds))
