"""Run a WSGI application on granian in this very process.

granian's command line forks a worker from a supervising parent; here the launcher already supervises, a second process
a replica would be waste, and the model would have to be loaded again in the child. So the worker runs in the main
thread, as granian's own child does it. The serving layer pins the version that this was written against.
"""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

BACKLOG = 1024
# Connections, idle ones of the gateway's pool among them: the queue is the gateway's to limit (`max_conns`).
MOST_CONNECTIONS = 4096
IDLE_THREAD_S = 30


def run(app: Callable[..., Any], path: str | None, port: int | None, *, threads: int, queue: int) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was begun."""
    from granian._futures import _new_cbscheduler
    from granian._loops import loops
    from granian._signals import set_sync_signals
    from granian.wsgi import _callback_wrapper

    native: Any = importlib.import_module("granian._granian")  # its type stubs lag behind it
    schedule: Callable[..., Any] = _new_cbscheduler
    logging.basicConfig(level=logging.WARNING)
    opened = listener(path, port)
    callback = _callback_wrapper(app, {"url_path_prefix": None}, None)
    set_signals: Callable[[], Any] = set_sync_signals
    stop = set_signals()
    stopped = threading.Event()
    stop.add_cb(stopped.set)
    tls: tuple[Any, ...] = (False, None, None, None, "tls1.3", None, [], False)
    most = max(MOST_CONNECTIONS, threads + queue)
    # worker, socket, ipc, runtime threads, their blocking threads, Python threads and how long they idle, most requests
    # at once, HTTP version, its settings for 1 and 2, static files, TLS, metrics
    sizes = (1, (None, opened), None, 1, 16, threads, IDLE_THREAD_S, most, "1", None, None, None)
    worker = native.WSGIWorker(*sizes, *tls, (None, None))
    serve = worker.serve_mtr_uds if path else worker.serve_mtr
    serve(schedule(loops.get("auto"), callback, impl_asyncio=True), loops.get("auto"), stop)
    stopped.wait()


def listener(path: str | None, port: int | None) -> Any:
    from granian._granian import ListenerSpec, UnixListenerSpec

    if path is None:
        return ListenerSpec("127.0.0.1", port or 0, BACKLOG).build()
    # A socket file left by a killed process refuses connections for ever and cannot be bound again.
    Path(path).unlink(missing_ok=True)
    # The gateway runs as another user; what guards the endpoint is its key.
    return UnixListenerSpec(path, BACKLOG, 0o666).build()
