"""What the owner may choose: options of `script/run`, each also an environment variable."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.supervisor.problems import CannotStart

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_HOST = "127.0.0.1"
LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where one may call what listens everywhere
DEFAULT_PORT = 8642  # not 8000, 5000 or 8080: those are taken wherever people develop


@dataclass(frozen=True)
class Options:
    """Where the studio listens and keeps its data."""

    host: str
    port: int
    home: Path
    url: str  # public, without a trailing slash

    @property
    def internal_url(self) -> str:
        """Return the gateway's address for the studio's own parts."""
        host = LOOPBACK_OF.get(self.host, self.host)
        return f"http://{bracketed(host)}:{self.port}"


def parse(arguments: Sequence[str], env: Mapping[str, str]) -> Options:
    """Read options, falling back to the environment, falling back to what works."""
    parser = argparse.ArgumentParser(prog="script/run", description="Start the studio.")
    parser.add_argument("--host", default=env.get("STUDIO_HOST") or DEFAULT_HOST, help="address to listen on")
    parser.add_argument("--port", default=env.get("STUDIO_PORT") or str(DEFAULT_PORT), help="port to listen on")
    parser.add_argument("--home", default=env.get("STUDIO_HOME") or ROOT / "data", help="folder of all data")
    chosen = parser.parse_args(arguments)
    port = port_number(chosen.port)
    check_host(chosen.host)
    url = env.get("STUDIO_URL", "").rstrip("/") or public_url(chosen.host, port)
    return Options(chosen.host, port, Path(chosen.home).resolve(), url)


def port_number(text: str) -> int:
    """Read a port, or raise CannotStart."""
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise CannotStart(f"The port must be a number from 1 to 65535, not {text!r}.")


def check_host(host: str) -> None:
    """Raise CannotStart for a host that means no address here."""
    try:
        socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise CannotStart(f"The host {host!r} is not an address of this machine.") from error


def check_port_is_free(options: Options) -> None:
    """Raise CannotStart when another program listens where the gateway is to listen."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        # As the gateway itself does, or connections of a studio just stopped would look like a taken port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            raise CannotStart(
                f"Port {options.port} on {options.host} cannot be used ({error.strerror}): choose another with --port."
            ) from error


def public_url(host: str, port: int) -> str:
    """Return the address that people open."""
    name = socket.gethostname() if host in LOOPBACK_OF else host
    return f"http://{bracketed(name)}:{port}"


def bracketed(host: str) -> str:
    """Return a host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host
