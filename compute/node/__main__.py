"""Start a compute node: a loop that asks the studio for work, and a Celery worker whose messages wake it."""

from __future__ import annotations

import logging
import signal
import threading

from compute.node.loop import Loop
from compute.node.settings import NodeSettings, read_settings


def main() -> None:
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel("WARNING")
    settings = read_settings()
    loop = Loop(settings)
    # Until the worker takes them over: before the first hello there is nothing to end gently.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    queue = loop.hello()
    thread = threading.Thread(target=loop.run, name="loop", daemon=True)
    thread.start()
    if settings.broker_url:
        listen(settings, queue, loop)
    else:
        thread.join()


def listen(settings: NodeSettings, queue: str, loop: Loop) -> None:
    """Run the Celery worker of the cluster's queue. Its task wakes the loop; while the broker is away, time does."""
    from celery import Celery

    app = Celery("compute.node", broker=settings.broker_url)
    app.conf.update(
        task_default_queue=queue,
        task_ignore_result=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_hijack_root_logger=False,
    )

    @app.task(name="compute.node.look")
    def look() -> None:
        loop.woken.set()

    options = ["-Q", queue, "-P", "solo", "-n", f"node-{settings.name}@%h", "-l", "WARNING"]
    app.worker_main(["worker", *options, "--without-gossip", "--without-mingle"])


if __name__ == "__main__":
    main()
