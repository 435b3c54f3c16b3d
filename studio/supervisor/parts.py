"""The parts of the studio, as a table: what runs, as whom, after what, and how one knows that it is ready."""

from __future__ import annotations

import http.client
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from studio.gateway import server as gateway
from studio.supervisor.broker import Broker
from studio.supervisor.database import Database
from studio.supervisor.home import Home
from studio.supervisor.options import ROOT, Options

Probe = Callable[[], bool]

WEB_WORKERS = 2
WEB_THREADS = 8
CONTROL_THREADS = 8


@dataclass(frozen=True)
class Part:
    """One supervised process group."""

    name: str
    command: list[str]
    folder: Path
    is_ready: Probe
    is_studio: bool = False  # our own program, which gets the studio's environment; servers get none of its secrets
    env: Mapping[str, str] = field(default_factory=dict)
    withheld: tuple[str, ...] = ()  # what of the studio's environment it does not get
    user: tuple[int, int] | None = None
    stop_signal: str = "TERM"
    stop_within_s: float = 10.0
    clear: Callable[[], None] = lambda: None  # what else an earlier life may have left


def database_part(database: Database) -> Part:
    """Return the part that serves the embedded database."""
    account = database.account
    return Part(
        "database",
        database.command,
        database.folder,
        database.is_ready,
        user=(account.uid, account.gid) if account else None,
        stop_signal="INT",  # "fast": sessions end, nothing is lost, no waiting for clients to leave
        stop_within_s=30,
        clear=database.clear,
    )


def broker_part(broker: Broker) -> Part:
    """Return the part that serves the embedded broker."""
    return Part("broker", broker.command, broker.home / "valkey", broker.is_ready)


def gateway_part(home: Home, options: Options) -> Part:
    """Return the front door."""
    return Part(
        "gateway",
        gateway.command(home.path),
        home / "gateway",
        lambda: gateway.serving(options.internal_url) > 0,
        stop_signal="QUIT",  # requests under way end first
        stop_within_s=5,
    )


def web_part(home: Home) -> Part:
    """Return the web workers."""
    command = [
        *module("granian", "studio.wsgi:application"),
        *("--interface", "wsgi", "--uds", str(home.web_socket), "--uds-permissions", "0600"),
        *("--workers", str(WEB_WORKERS), "--blocking-threads", str(WEB_THREADS)),
        *("--respawn-failed-workers", "--respawn-interval", "0.2", "--workers-kill-timeout", "8"),
        *("--no-ws", "--log-level", "warning", "--http", "1"),
    ]
    return Part(
        "web",
        command,
        ROOT,
        lambda: answers_by_socket(home.web_socket),
        is_studio=True,
        clear=lambda: home.web_socket.unlink(missing_ok=True),
    )


def control_part(is_ready: Probe) -> Part:
    """Return the worker of short steps and environment builds."""
    options = ("-Q", "control,build", "-P", "threads", "-c", str(CONTROL_THREADS), "-n", "control@%h")
    return celery_part("control", is_ready, "worker", *options, "--without-gossip", "--without-mingle")


def beat_part(is_ready: Probe) -> Part:
    """Return the clock, which keeps nothing: what is due is due again two seconds later."""
    return celery_part("beat", is_ready, "beat", "--scheduler", "celery.beat:Scheduler", "--pidfile=", app="clock")


def celery_part(name: str, is_ready: Probe, *arguments: str, app: str = "celery") -> Part:
    """Return a process of one of the studio's Celery applications."""
    command = [*module("celery", "-A", f"studio.{app}", *arguments), "-l", "WARNING"]
    # Celery would have Django check itself, for which every page and API is loaded; script/check does that.
    return Part(name, command, ROOT, is_ready, is_studio=True, env={"CELERY_SKIP_CHECKS": "1"})


def node_part(is_ready: Probe, token: str, broker_url: str) -> Part:
    """Return the embedded compute node, which like any node has its own credentials and no database."""
    return Part(
        "node",
        module("compute.node"),
        ROOT,
        is_ready,
        is_studio=True,
        env={"STUDIO_NODE_TOKEN": token, "REDIS_URL": broker_url},
        withheld=(
            "DATABASE_URL",
            "STUDIO_SECRET_KEY",
            "STUDIO_SECRET_KEY_FALLBACKS",
            "DATABASE_URL_FILE",
            "REDIS_URL_FILE",
        ),
    )


def module(name: str, *arguments: str) -> list[str]:
    """Return a command that runs a module by this interpreter: no script whose first line holds a path."""
    return [sys.executable, "-m", name, *arguments]


def answers_by_socket(path: Path) -> bool:
    """Say whether an HTTP server answers by a Unix socket, whatever it answers."""
    connection = http.client.HTTPConnection("localhost", timeout=5)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(5)
    try:
        connection.sock.connect(str(path))
        connection.request("GET", "/health")
        return connection.getresponse().status in (200, 503)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
