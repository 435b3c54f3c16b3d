"""The gateway's routes to endpoints: nginx text, written whole, taken only when nginx accepts it.

    <home>/gateway/routes/endpoint-<id>.upstream.conf     the ready replicas
    <home>/gateway/routes/endpoint-<id>.location.conf     the scoring address

A request goes from nginx straight to a replica; the studio's web processes have no part in it.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

BODY_BYTES = 100 * 1024 * 1024
AWAY = "No replica of this endpoint is ready, or all are busy. Try again."


@dataclass(frozen=True)
class Replica:
    """Where a ready replica listens (`unix:/path` or `host:port`), its share among the others, and its queue's end."""

    url: str
    weight: int = 1
    most_requests: int = 0


@dataclass(frozen=True)
class Mirror:
    """Replicas that are shown so many per cent of the requests; nobody waits for what they answer.

    The gateway hands what it shows to itself at `socket`.
    """

    replicas: tuple[Replica, ...]
    per_cent: int
    socket: Path


@dataclass(frozen=True)
class Route:
    """An endpoint as the gateway sees it; without replicas it answers 503 until there are some."""

    endpoint_id: int
    workspace: str
    name: str
    replicas: tuple[Replica, ...]
    timeout_s: float = 60.0
    body_bytes: int = BODY_BYTES
    mirror: Mirror | None = None

    @property
    def prefix(self) -> str:
        return f"/endpoints/{self.workspace}/{self.name}"

    @property
    def key(self) -> str:
        return f"endpoint-{self.endpoint_id}"


def weigh(shares: Mapping[str, tuple[int, Sequence[str]]], most_requests: int = 0) -> tuple[Replica, ...]:
    """Give replicas such weights that each group of them gets its share (per cent), however many each has."""
    groups = [(share, urls) for share, urls in shares.values() if share and urls]
    if len(groups) == 1:
        return tuple(Replica(url, 1, most_requests) for url in groups[0][1])
    common = math.lcm(*(len(urls) for _, urls in groups)) if groups else 1
    weights = [(share * common // len(urls), urls) for share, urls in groups]
    least = math.gcd(*(weight for weight, _ in weights)) or 1
    return tuple(Replica(url, weight // least, most_requests) for weight, urls in weights for url in urls)


def upstream(route: Route) -> str:
    """Write the group of replicas; an endpoint without any has no group, as nginx refuses an empty one."""
    if not route.replicas:
        return ""
    text = _group(route.key, route.replicas)
    if route.mirror:
        text += _group(f"{route.key}-mirror", route.mirror.replicas)
        # A request's id is as good as random, and each worker of nginx comes to the same result.
        shown = f"    {route.mirror.per_cent}% 1;\n" if route.mirror.per_cent < 100 else ""
        rest = "0" if route.mirror.per_cent < 100 else "1"
        text += f'split_clients "$request_id" ${_variable(route)} {{\n{shown}    * {rest};\n}}\n'
        text += _mirroring(route, route.mirror)
    return text


def _mirroring(route: Route, mirror: Mirror) -> str:
    """Write a server that says yes at once and asks the mirror's replicas afterwards.

    nginx takes no further request from a connection while a mirror of its last one is open; here that connection is one
    of its own, and no caller's.
    """
    key = f"{route.key}-mirror"
    return f"""\
server {{
    listen "unix:{mirror.socket}";
    access_log off;
    client_max_body_size {route.body_bytes};
    client_body_buffer_size 256k;
    location = /score {{
        mirror /shown;
        error_page 405 = @seen;
    }}
    location @seen {{ return 204; }}
    location = /shown {{
        internal;
        proxy_pass http://{key}/score;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        proxy_connect_timeout 1s;
        proxy_read_timeout {route.timeout_s:g}s;
    }}
}}
"""


def _group(key: str, replicas: tuple[Replica, ...]) -> str:
    servers = "\n".join(f"    {_server(replica)}" for replica in replicas)
    # The workers of nginx share the counts (zone), or each would allow a whole queue of its own.
    return f"upstream {key} {{\n    zone {key} 128k;\n{servers}\n    keepalive 32;\n    keepalive_timeout 60s;\n}}\n"


def _server(replica: Replica) -> str:
    most = f" max_conns={replica.most_requests}" if replica.most_requests else ""
    return f'server "{replica.url}" weight={replica.weight}{most} max_fails=2 fail_timeout=5s;'


def _variable(route: Route) -> str:
    return f"studio_mirror_{route.endpoint_id}"


def location(route: Route) -> str:
    """Write the address: to the replicas, or 503 while there are none."""
    return (_serving if route.replicas else _waiting)(route)


def _serving(route: Route) -> str:
    key = route.key
    if route.mirror is None:
        return f"""\
location ^~ "{route.prefix}/" {{
    proxy_pass http://{key}/;
{_proxy(route)}}}
{_refusals(route)}"""
    return f"""\
location ^~ "{route.prefix}/" {{
    proxy_pass http://{key}/;
{_proxy(route)}
    location = "{route.prefix}/score" {{
        mirror /_mirror/{key};
        proxy_pass http://{key}/score;
{_proxy(route)}    }}
}}
location = /_mirror/{key} {{
    internal;
    if (${_variable(route)} = 0) {{ return 204; }}
    proxy_pass "http://unix:{route.mirror.socket}:/score";
    proxy_set_header Host $http_host;
    proxy_set_header X-Request-Start $msec;
    proxy_set_header X-Request-ID $studio_request_id;
    # A caller's next request on the same connection waits for this one, which is answered at once.
    proxy_read_timeout 1s;
    proxy_connect_timeout 1s;
}}
{_refusals(route)}"""


def _proxy(route: Route) -> str:
    key = route.key
    return f"""\
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Request-ID $studio_request_id;
    proxy_set_header X-Request-Start $msec;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Prefix "{route.prefix}";
    # A scoring request changes nothing, so one that a dying replica did not answer is sent to another; one that took
    # too long has used up the time for another.
    proxy_next_upstream error timeout non_idempotent;
    proxy_next_upstream_tries 3;
    proxy_next_upstream_timeout {route.timeout_s:g}s;
    proxy_connect_timeout 2s;
    proxy_read_timeout {route.timeout_s:g}s;
    proxy_send_timeout {route.timeout_s:g}s;
    client_max_body_size {route.body_bytes};
    client_body_buffer_size 256k;
    gzip off;
    error_page 502 503 = @{key}-away;
    error_page 504 = @{key}-late;
    error_page 413 = @{key}-large;
"""


def _refusals(route: Route) -> str:
    key = route.key
    return f"""\
location @{key}-away {{ {_refusal(503, "TEMPORARILY_UNAVAILABLE", AWAY)} }}
location @{key}-late {{ {_refusal(504, "DEADLINE_EXCEEDED", "The model did not answer in time.")} }}
location @{key}-large {{ {_refusal(413, "REQUEST_LIMIT_EXCEEDED", "The body is too large.")} }}
"""


def _waiting(route: Route) -> str:
    refusal = _refusal(503, "TEMPORARILY_UNAVAILABLE", AWAY)
    return f'location ^~ "{route.prefix}/" {{ {refusal} }}\n'


def _refusal(status: int, code: str, message: str) -> str:
    body = f'{{"error_code":"{code}","message":"{message}"}}'
    retry = " add_header Retry-After 2 always;" if status == 503 else ""
    safe = "add_header X-Content-Type-Options nosniff always; add_header X-Ms-Request-Id $studio_request_id always;"
    return f"default_type application/json;{retry} {safe} return {status} '{body}';"


@dataclass(frozen=True)
class Routes:
    """The route files of one gateway. `reload` makes nginx take them, and raises when it will not."""

    home: Path
    reload: Callable[[Path], Any]
    sockets: Path | None = None  # where the gateway talks to itself; `<home>/run` unless its path is too long

    def mirror_socket(self, endpoint_id: int) -> Path:
        return (self.sockets or self.home / "run") / f"mirror-{endpoint_id}.sock"

    @property
    def folder(self) -> Path:
        return self.home / "gateway" / "routes"

    def put(self, route: Route) -> bool:
        """Bring the files to the route; say whether anything changed. A refused route leaves the old one."""
        files = self._files(route.endpoint_id)
        return self._change(dict(zip(files, (upstream(route), location(route)), strict=True)))

    def remove(self, endpoint_id: int) -> bool:
        """Take an endpoint off the gateway; its address is then unknown."""
        return self._change(dict.fromkeys(self._files(endpoint_id), ""))

    def known(self) -> set[int]:
        """List the endpoints that have a route."""
        if not self.folder.is_dir():
            return set()
        numbers = (path.name.removeprefix("endpoint-").split(".")[0] for path in self.folder.glob("endpoint-*.conf"))
        return {int(number) for number in numbers if number.isdigit()}

    def _files(self, endpoint_id: int) -> tuple[Path, Path]:
        key = f"endpoint-{endpoint_id}"
        return self.folder / f"{key}.upstream.conf", self.folder / f"{key}.location.conf"

    def _change(self, wanted: dict[Path, str]) -> bool:
        # The gateway reads all routes at once: two writers must not reload each other's half.
        with self._locked():
            before = {path: _text(path) for path in wanted}
            if before == wanted:
                return False
            _write_all(wanted)
            try:
                self.reload(self.home)
            except Exception:
                _write_all(before)
                raise
        logger.info("routes changed files=%s", ",".join(path.name for path in wanted))
        return True

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        import fcntl

        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _write_all(texts: dict[Path, str]) -> None:
    for path, text in texts.items():
        if not text:
            path.unlink(missing_ok=True)
            continue
        draft = path.with_suffix(".draft")
        with draft.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
