"""Object stores on loopback: emulators of S3 and of Google Cloud Storage, each with the same objects in `data`."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote

import httpx

S3_SECRET = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "a-secret-of-the-store"}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def s3_server(files: Mapping[str, bytes]) -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    try:
        url = f"http://127.0.0.1:{server._server.server_port}"
        with httpx.Client(base_url=url, trust_env=False) as client:
            client.put("/data").raise_for_status()
            for path, body in files.items():
                client.put(f"/data/{quote(path)}", content=body).raise_for_status()
        yield url
    finally:
        server.stop()


@contextmanager
def google_server(files: Mapping[str, bytes]) -> Iterator[str]:
    from gcp_storage_emulator.server import create_server

    port = free_port()
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket="data")
    server.start()
    try:
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, trust_env=False) as client:
            for path, body in files.items():
                where = f"/upload/storage/v1/b/data/o?uploadType=media&name={quote(path, safe='')}"
                client.post(where, content=body, headers={"Content-Type": "text/plain"}).raise_for_status()
        yield url
    finally:
        server.stop()
