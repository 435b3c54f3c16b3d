"""Object stores on loopback, each with the same objects in `data`: emulators of S3 and of Google Cloud Storage, and for
Azure, of which the package index has no emulator, the four answers that reading takes.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

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
def azure_server(files: Mapping[str, bytes]) -> Iterator[str]:
    """Answer as Azure Blob Storage does what reading takes: List Blobs, Get Blob Properties, Get Blob (by ranges)."""

    class Handler(BlobHandler):
        blobs = files

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class BlobHandler(BaseHTTPRequestHandler):
    blobs: Mapping[str, bytes] = {}
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer_blob(with_body=False)

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        if "list" in asked.get("comp", []):
            prefix, delimiter = (asked.get(name, [""])[0] for name in ("prefix", "delimiter"))
            self.answer(200, self.listed(prefix, delimiter), {"Content-Type": "application/xml"})
        else:
            self.answer_blob(with_body=True)

    def listed(self, prefix: str, delimiter: str) -> bytes:
        blobs, folders = [], dict[str, None]()
        for name, body in sorted(self.blobs.items()):
            if not name.startswith(prefix):
                continue
            first, found, _rest = name.removeprefix(prefix).partition(delimiter) if delimiter else ("", "", "")
            if found:
                folders[f"{prefix}{first}/"] = None
            else:
                blobs.append(f"<Blob><Name>{name}</Name><Properties>{self.properties(body)}</Properties></Blob>")
        inner = "".join(blobs) + "".join(f"<BlobPrefix><Name>{one}</Name></BlobPrefix>" for one in folders)
        return (
            '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="data">'
            f"<Prefix>{prefix}</Prefix><Blobs>{inner}</Blobs><NextMarker /></EnumerationResults>"
        ).encode()

    def properties(self, body: bytes) -> str:
        return f"<Content-Length>{len(body)}</Content-Length><BlobType>BlockBlob</BlobType><Etag>0x1</Etag>"

    def answer_blob(self, *, with_body: bool) -> None:
        name = unquote(urlsplit(self.path).path).removeprefix("/data/")
        body = self.blobs.get(name)
        if body is None:
            self.answer(404, b"", {"x-ms-error-code": "BlobNotFound"}, with_body=with_body)
            return
        headers = {"ETag": "0x1", "x-ms-blob-type": "BlockBlob", "Last-Modified": "Sat, 21 Nov 2026 00:00:00 GMT"}
        range_asked = self.headers.get("x-ms-range") or self.headers.get("Range")
        if not range_asked:
            self.answer(200, body, headers, with_body=with_body)
            return
        start, _dash, end = range_asked.removeprefix("bytes=").partition("-")
        last = min(int(end) if end else len(body) - 1, len(body) - 1)
        headers["Content-Range"] = f"bytes {start}-{last}/{len(body)}"
        self.answer(206, body[int(start) : last + 1], headers)

    def answer(self, status: int, body: bytes, headers: Mapping[str, str], *, with_body: bool = True) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "x-ms-version": "2026-02-06"}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:
        pass


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
