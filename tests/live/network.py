"""A network of its own for a process: a namespace whose only way out is a wire to ours, over which one port is reached.

`python -m tests.live.network LISTEN:PORT CONNECT:PORT` hands connections on, and is all that runs on either end.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class NotHere(Exception):
    """This machine makes no network namespaces for us; the message says why."""


def ip(*words: str) -> None:
    try:
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NotHere("there is no ip command") from None
    if done.returncode:
        raise NotHere(done.stderr.strip()[:200])


@contextmanager
def apart(port: int) -> Iterator[tuple[str, ...]]:
    """Give words to put before a command so that it runs in a namespace where only this port of ours is reached.

    Raises NotHere where there can be none: no root, no command, a kernel or a container that refuses.
    """
    if os.getuid() != 0:
        raise NotHere("only root makes network namespaces")
    number = os.getpid() % 60_000
    name, outer, inner = f"studio-{number}", f"st{number}o", f"st{number}i"
    here, there = (f"10.{200 + number % 50}.{number // 256 % 256}.{last}" for last in (1, 2))
    with ExitStack() as undo:
        ip("netns", "add", name)
        undo.callback(ip, "netns", "delete", name)  # the wire goes with it
        ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name)
        ip("address", "add", f"{here}/30", "dev", outer)
        ip("link", "set", outer, "up")
        inside = ("netns", "exec", name, "ip")
        ip(*inside, "address", "add", f"{there}/30", "dev", inner)
        ip(*inside, "link", "set", inner, "up")
        ip(*inside, "link", "set", "lo", "up")
        prefix = ("ip", "netns", "exec", name)
        undo.enter_context(relay((), f"{here}:{port}", f"127.0.0.1:{port}"))
        undo.enter_context(relay(prefix, f"127.0.0.1:{port}", f"{here}:{port}"))
        yield prefix


@contextmanager
def relay(prefix: tuple[str, ...], listen: str, connect: str) -> Iterator[None]:
    command = [*prefix, sys.executable, "-m", "tests.live.network", listen, connect]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        process.kill()
        process.wait()


async def serve(listen: str, connect: str) -> None:
    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _colon, port = connect.rpartition(":")
        try:
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(pour(reader, far_writer), pour(far_reader, writer))

    host, _colon, port = listen.rpartition(":")
    server = await asyncio.start_server(hand_on, host, int(port))
    print("ready", flush=True)
    await server.serve_forever()


async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
