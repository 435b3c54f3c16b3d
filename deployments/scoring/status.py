"""Say how a replica is doing, on a socket of its own.

Requests may stand in a queue before every thread of the HTTP server; who must tell a busy replica from a dead one asks
here, and is answered by a thread that does nothing else. A stopped process does not answer.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

BACKLOG = 16
PATIENCE_S = 2.0


def listen(path: str, say: Callable[[], dict[str, Any]]) -> threading.Thread:
    """Answer everyone who connects to a unix socket with one JSON object; gives the thread that does it."""
    Path(path).unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    Path(path).chmod(0o600)
    server.listen(BACKLOG)
    thread = threading.Thread(target=_serve, args=(server, say), name="status", daemon=True)
    thread.start()
    return thread


def _serve(server: socket.socket, say: Callable[[], dict[str, Any]]) -> None:
    while True:
        try:
            asker, _ = server.accept()
        except OSError:
            return
        # One who went away before the answer is no trouble of ours.
        with asker, contextlib.suppress(OSError):
            asker.settimeout(PATIENCE_S)
            asker.sendall(json.dumps(say()).encode())
