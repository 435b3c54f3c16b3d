"""Start a compute node: a loop that asks the studio for work, and a Celery worker whose messages wake it."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from typing import NoReturn
from urllib.parse import urlsplit

from compute.node.client import Refused, StudioAway
from compute.node.host import Host
from compute.node.loop import Loop
from compute.node.settings import NodeSettings, read_settings


def main() -> None:
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel("WARNING")
    settings = read_settings()
    loop = Loop(settings)
    if settings.hosts:
        threading.Thread(target=Host(settings).run, name="host", daemon=True).start()
    # Until the worker takes them over: before the first hello there is nothing to end gently.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    queue = loop.hello()
    thread = threading.Thread(target=loop.run, name="loop", daemon=True)
    thread.start()
    signal.signal(signal.SIGTERM, lambda *_said: end())
    threading.Thread(target=end_with, args=[loop], name="end", daemon=True).start()
    address = settings.broker_url or (broker_of(loop) if settings.cluster else "")
    if address and listen(settings, address, queue, loop):
        return
    signal.signal(signal.SIGTERM, lambda *_said: end())  # the worker of messages had it
    thread.join()


def end() -> NoReturn:
    """End at once and well: what runs goes on under its runners."""
    os._exit(0)


def end_with(loop: Loop) -> None:
    """End this program, the worker of messages too, once the loop has been let go."""
    loop.over.wait()
    os.kill(os.getpid(), signal.SIGTERM)


def broker_of(loop: Loop) -> str:
    """Ask for credentials of the broker, and give its address if it can be reached from here; polling does without."""
    try:
        address = str(loop.client.post("/api/v1/node/broker", {})["url"])
    except (StudioAway, Refused):
        return ""
    place = urlsplit(address)
    try:
        socket.create_connection((place.hostname or "", place.port or 6379), timeout=3).close()
    except OSError:
        return ""
    return address


def listen(settings: NodeSettings, address: str, queue: str, loop: Loop) -> bool:
    """Run the Celery worker of the cluster's queue; its task wakes the loop, and while the broker is away, time does.

    False when it broke off by itself: a node works without it, only a little slower.
    """
    from celery import Celery
    from celery.signals import worker_shutting_down

    asked = threading.Event()
    worker_shutting_down.connect(lambda **_said: asked.set(), weak=False)

    app = Celery("compute.node", broker=address)
    app.conf.update(
        task_default_queue=queue,
        task_ignore_result=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        # What it holds unacknowledged lies under its own queue's name, as its credentials reach nothing else.
        broker_transport_options={
            "unacked_key": f"{queue}.unacked",
            "unacked_index_key": f"{queue}.unacked_index",
            "unacked_mutex_key": f"{queue}.unacked_mutex",
        },
    )

    @app.task(name="compute.node.look")
    def look() -> None:
        loop.woken.set()

    options = ["-Q", queue, "-P", "solo", "-n", f"node-{settings.name}@%h", "-l", "WARNING"]
    with contextlib.suppress(SystemExit):
        app.worker_main(["worker", *options, "--without-gossip", "--without-mingle"])
    return asked.is_set() or loop.over.is_set()


if __name__ == "__main__":
    main()
