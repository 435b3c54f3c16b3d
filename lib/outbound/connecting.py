"""Connections to the addresses that were checked, and to no others, until a moment."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from functools import cache
from typing import Any

import certifi
import httpcore

from lib.outbound.urls import Address


class Deadline:
    """A moment after which every step fails, however small: a server that sends a byte a second gains nothing."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds

    def left(self, at_most: float | None) -> float:
        """Give the seconds that a step may take. Raises httpcore.ReadTimeout when none are left."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the whole request took too long")
        return left if at_most is None else min(left, at_most)


class BoundedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self.stream = stream
        self.deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, self.deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, self.deadline.left(timeout))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self.stream.start_tls(ssl_context, server_hostname, self.deadline.left(timeout))
        return BoundedStream(stream, self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


class PinnedNetwork(httpcore.NetworkBackend):
    """Connects to given addresses whatever the name: none is resolved a second time, so none can be rebound."""

    def __init__(self, network: httpcore.NetworkBackend, addresses: list[Address], deadline: Deadline) -> None:
        self.network = network
        self.addresses = addresses
        self.deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        error: Exception = httpcore.ConnectError("no address")
        for address in self.addresses:
            try:
                stream = self.network.connect_tcp(str(address), port, self.deadline.left(timeout))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
            else:
                return BoundedStream(stream, self.deadline)
        raise error


@cache
def trust() -> ssl.SSLContext:
    """Make the context that checks certificates: by the system's authorities, and certifi's where a system has none."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
