"""What proves who asks: a token of the environment, or a login that makes short-lived tokens and renews them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from studio_sdk import folders
from studio_sdk.errors import NotConfigured

LOGINS = "logins.json"
RENEW_BEFORE_S = 60.0


class Credential(Protocol):
    def token(self) -> str:
        """Give a token that is valid now. Raises NotConfigured when there is none to be had."""

    def renew(self, refused: str) -> bool:
        """Say whether asking again may help after `refused` was answered with 401."""


@dataclass(frozen=True)
class FixedToken:
    secret: str

    def token(self) -> str:
        return self.secret

    def renew(self, refused: str) -> bool:
        return False


@dataclass
class CalledToken:
    """A token that a function gives, asked for anew when the studio refuses the last one."""

    function: Callable[[], str]
    known: str = ""

    def token(self) -> str:
        self.known = self.known or str(self.function())
        return self.known

    def renew(self, refused: str) -> bool:
        self.known = str(self.function())
        return self.known != refused


Refresh = Callable[[str], "tuple[str, float]"]


@dataclass
class LoginToken:
    """A login: `refresh` turns its secret into a token and the seconds that it lasts.

    Renewed when four fifths of them are over, by this machine's own steady clock: what the two clocks say of the date
    does not matter.
    """

    refresh_secret: str
    refresh: Refresh
    known: str = ""
    renew_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def token(self) -> str:
        with self.lock:
            if not self.known or time.monotonic() >= self.renew_at:
                self.known, lifetime_s = self.refresh(self.refresh_secret)
                self.renew_at = time.monotonic() + 0.8 * lifetime_s
            return self.known

    def renew(self, refused: str) -> bool:
        with self.lock:
            if self.known == refused:
                self.known = ""
        return True


def remembered_login(url: str) -> str:
    """Give the refresh secret kept for a studio, or nothing."""
    return str(folders.read(LOGINS).get(origin(url), {}).get("refresh_token", ""))


def remember_login(url: str, refresh_token: str) -> None:
    logins = folders.read(LOGINS)
    folders.write(LOGINS, {**logins, origin(url): {"refresh_token": refresh_token}})


def forget_login(url: str) -> bool:
    """Say whether there was one to forget."""
    logins = folders.read(LOGINS)
    known = logins.pop(origin(url), None)
    if known is not None:
        folders.write(LOGINS, logins)
    return known is not None


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def is_known(url: str) -> bool:
    """Say whether there is any credential for a studio."""
    return bool(os.environ.get("STUDIO_TOKEN") or remembered_login(url) or os.environ.get("MLFLOW_TRACKING_TOKEN"))


def find(url: str, refresh: Refresh) -> Credential:
    """Choose the credential for a studio: STUDIO_TOKEN, else a login kept for it, else MLflow's own variable.

    Raises NotConfigured, with what to do, when there is none.
    """
    if secret := os.environ.get("STUDIO_TOKEN"):
        return FixedToken(secret)
    if secret := remembered_login(url):
        return LoginToken(secret, refresh)
    if secret := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return FixedToken(secret)
    raise NotConfigured(
        f"No credential for {origin(url)}. Run “studio login {origin(url)}”, or set STUDIO_TOKEN to a token of your "
        "account page."
    )
