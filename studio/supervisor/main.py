"""The start, the wait, the stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from studio.gateway import GatewayError
from studio.supervisor import home as homes
from studio.supervisor import options as choices
from studio.supervisor.console import Console
from studio.supervisor.problems import CannotStart
from studio.supervisor.studio import Studio


def main() -> int:
    """Run the studio until it is told to stop; return the exit status."""
    os.umask(0o022)
    try:
        options = choices.parse(sys.argv[1:], os.environ)
        homes.make(options.home)
        with homes.Lock(options.home):
            return asyncio.run(serve(Studio(homes.furnish(options.home), options, Console())))
    except (CannotStart, GatewayError) as problem:
        print(f"studio: {problem}", file=sys.stderr)
        return 1


async def serve(studio: Studio) -> int:
    """Start the studio, wait for a signal, stop it."""
    told = asyncio.Event()
    listen(told, studio)
    starting = asyncio.create_task(studio.start())
    telling = asyncio.create_task(told.wait())
    try:
        await asyncio.wait({starting, telling}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await telling
    finally:
        for task in (starting, telling):
            task.cancel()
        await asyncio.gather(starting, telling, return_exceptions=True)
        await studio.stop()
    return 0


def listen(told: asyncio.Event, studio: Studio) -> None:
    """Hear the signals that mean stop; the second one means at once."""

    def stop() -> None:
        if told.is_set():
            studio.hurry()
        told.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup: the terminal may close
            loop.add_signal_handler(number, stop)
