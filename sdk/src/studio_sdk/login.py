"""Signing in from a terminal: a code is shown, a person confirms it in a browser, a login is kept."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable

from studio_sdk import addresses, credentials
from studio_sdk.client import Client
from studio_sdk.errors import Denied, NotConfigured

Say = Callable[[str], None]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def log_in(url: str, *, say: Say = say, sleep: Callable[[float], None] = time.sleep) -> None:
    """Ask for a login, wait until it is confirmed, and keep it in the user's folder.

    Raises Denied when it was refused or nobody confirmed it in time, NotConfigured where nobody can read the code.
    """
    client = Client(url.rstrip("/"))
    started = client.post("api/v1/logins", {"client_name": f"studio on {platform.node() or 'a machine'}"[:80]})
    say(f"To sign in, open {client.url}{started['verification_path']}")
    say(f"and confirm the code {started['user_code']}. It is valid for {started['expires_s'] // 60} minutes.")
    deadline = time.monotonic() + started["expires_s"]
    while time.monotonic() < deadline:
        given = client.post("api/v1/logins/tokens", {"device_code": started["device_code"]})
        if given is not None:
            credentials.remember_login(client.url, given["refresh_token"])
            addresses.remember_host(client.url)
            say(f"Signed in to {client.url}.")
            return
        sleep(started["interval_s"])
    raise Denied("Nobody confirmed the login in time. Start it again.")


def log_in_if_somebody_is_there(url: str) -> None:
    """Log in where a person sits at the terminal. Raises NotConfigured elsewhere: a script must not wait for ever."""
    if not sys.stdin.isatty():
        raise NotConfigured(
            f"No credential for {url}. Run “studio login {url}” in a terminal, or set STUDIO_TOKEN to a token of your "
            "account page."
        )
    log_in(url)
