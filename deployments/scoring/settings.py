"""Read the settings a replica is run with, and read them again within a second of a change.

The file holds hashes of keys, never keys. It is re-read on the scoring path (one `stat` a half second), so a key made
or revoked in the studio counts at once, and scoring goes on while the rest of the studio is down.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECK_EVERY_S = 0.5
MAX_BODY_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True)
class Settings:
    endpoint: str = ""
    revision: str = ""
    auth: str = "key"
    key_hashes: tuple[str, ...] = ()
    max_body_bytes: int = MAX_BODY_BYTES
    threads: int = 2
    queue: int = 128
    token_secrets: tuple[str, ...] = ()
    timeout_ms: int = 60_000
    max_wait_ms: int = 0
    has_telemetry: bool = True
    collects_data: bool = False
    sample_rate: float = 0.1
    merges_requests: bool = True

    def admits(self, authorization: str) -> bool:
        """Say whether an Authorization header opens this endpoint, in the same time for every wrong key."""
        if self.auth == "none":
            return True
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return False
        if self.auth == "token":
            return self._is_token(key.strip())
        digest = hashlib.sha256(key.strip().encode("utf-8", "replace")).hexdigest()
        matches = [hmac.compare_digest(digest, known) for known in self.key_hashes]
        return any(matches)

    def _is_token(self, token: str) -> bool:
        """Check a JWT of this endpoint: the signature first, and of the header only that it is the one we write."""
        signed, _, signature = token.rpartition(".")
        raw = signed.encode("ascii", "replace")
        good = [hmac.digest(secret.encode(), raw, "sha256") for secret in self.token_secrets]
        given = _decoded(signature)
        matches = [hmac.compare_digest(given, one) for one in good]
        if not any(matches):
            return False
        header, _, claims = signed.partition(".")
        try:
            said = json.loads(_decoded(claims))
            is_ours = json.loads(_decoded(header)).get("alg") == "HS256" and said.get("aud") == self.endpoint
            return is_ours and time.time() < float(said["exp"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return False


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return b""


def parse(content: dict[str, Any]) -> Settings:
    """Take the known fields; raises ValueError or TypeError for a file that cannot be meant."""
    auth = content.get("auth", "key")
    if auth not in ("key", "token", "none"):
        raise ValueError(f"unknown auth {auth!r}")
    return Settings(
        endpoint=str(content.get("endpoint", "")),
        revision=str(content.get("revision", "")),
        auth=auth,
        key_hashes=tuple(str(known) for known in content.get("key_hashes", ())),
        max_body_bytes=int(content.get("max_body_bytes", MAX_BODY_BYTES)),
        threads=int(content.get("threads", 2)),
        queue=int(content.get("queue", 128)),
        token_secrets=tuple(str(secret) for secret in content.get("token_secrets", ())),
        timeout_ms=int(content.get("timeout_ms", 60_000)),
        max_wait_ms=int(content.get("max_wait_ms", 0)),
        has_telemetry=bool(content.get("has_telemetry", True)),
        collects_data=bool(content.get("collects_data", False)),
        sample_rate=float(content.get("sample_rate", 0.1)),
        merges_requests=bool(content.get("merges_requests", True)),
    )


class SettingsFile:
    """Hold the newest good settings of a file; a broken or missing file changes nothing."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._stamp = self._stat()
        self._checked = time.monotonic()
        self._settings = self._read()

    @property
    def current(self) -> Settings:
        now = time.monotonic()
        if now - self._checked >= CHECK_EVERY_S:
            self._checked = now
            self._refresh()
        return self._settings

    def _refresh(self) -> None:
        try:
            stamp = self._stat()
            if stamp != self._stamp:
                self._settings = self._read()
                self._stamp = stamp
        except (OSError, ValueError, TypeError) as error:
            print(f"settings not read again: {error}", flush=True)

    def _stat(self) -> tuple[int, int, int]:
        info = self._path.stat()
        return info.st_mtime_ns, info.st_ino, info.st_size

    def _read(self) -> Settings:
        content = json.loads(self._path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("the settings are not an object")
        return parse(content)
