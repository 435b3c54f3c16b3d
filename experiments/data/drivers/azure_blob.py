"""Azure Blob Storage."""

from __future__ import annotations

import asyncio
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experiments.data.drivers.base import CONNECT_S, READ_S, Connection, require, require_secret

label = gettext_lazy("Azure Blob Storage")
container_label = gettext_lazy("Container")
facts = ("account", "endpoint")
secrets = (("account_key",), ("sas_token",))


def checked(connection: Connection) -> None:
    require(
        r"[a-z0-9]{3,24}", connection.account, "account",
        _("A storage account's name has 3–24 lower-case letters and digits."),
    )  # fmt: skip
    require(
        r"[a-z0-9$](?:[a-z0-9-]{1,61})[a-z0-9]", connection.container, "container",
        _("A container's name has 3–63 lower-case letters, digits and “-”."),
    )  # fmt: skip
    require_secret(connection, secrets)


async def open(connection: Connection) -> Any:
    from adlfs import AzureBlobFileSystem
    from azure.core.pipeline.transport import AioHttpTransport
    from azure.storage.blob.aio import BlobServiceClient

    secret = connection.secret
    token = secret.get("sas_token", "").removeprefix("?")
    key = secret.get("account_key")
    if key and connection.endpoint:  # with an address that does not begin with the account's name it has to be told
        credential: Any = {"account_name": connection.account, "account_key": key}
    else:
        credential = key or token or None

    class Filesystem(AzureBlobFileSystem):  # type: ignore[misc]
        """Connects without what the environment says of proxies, and gives up in time."""

        def do_connect(self) -> None:
            self.service_client = BlobServiceClient(
                account_url=connection.endpoint or f"https://{connection.account}.blob.core.windows.net",
                credential=credential,
                transport=AioHttpTransport(use_env_settings=False, connection_timeout=CONNECT_S, read_timeout=READ_S),
                retry_total=1,
                permit_redirects=False,
            )

    return Filesystem(
        account_name=connection.account,
        account_key=key,
        sas_token=token or None,
        anon=not secret,
        loop=asyncio.get_running_loop(),  # it closes its connections there when it goes
        use_listings_cache=False,
        skip_instance_cache=True,
    )


def errors() -> tuple[type[Exception], ...]:
    from azure.core.exceptions import AzureError

    return (AzureError,)


async def address(filesystem: Any, connection: Connection, path: str, seconds: int) -> str:
    return str(await filesystem._url(path, expires=seconds)) if connection.secret.get("account_key") else ""
