"""The client's requests, answered by the app in the same process: no server, no socket."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from django.test.client import ClientHandler
from requests.adapters import BaseAdapter


class AppAdapter(BaseAdapter):
    """Calls the app of this process, within the test's transaction; `asked` keeps method and path of each request."""

    def __init__(self) -> None:
        super().__init__()
        self.application = ClientHandler(enforce_csrf_checks=True)
        self.asked: list[tuple[str, str]] = []

    def send(self, request: requests.PreparedRequest, *_options: Any, **_more: Any) -> requests.Response:
        parts = urlsplit(request.url)
        self.asked.append((request.method, parts.path))
        body = read(request.body)
        environ = {
            "REQUEST_METHOD": request.method,
            "PATH_INFO": unquote(parts.path).encode().decode("latin-1"),
            "QUERY_STRING": parts.query,
            "SERVER_NAME": parts.hostname,
            "SERVER_PORT": str(parts.port or 80),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": parts.scheme,
            "wsgi.version": (1, 0),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()},
            "HTTP_HOST": parts.netloc,
        }
        given = self.application(environ)
        answer = requests.Response()
        answer.request, answer.url = request, request.url
        answer.status_code, answer.reason = given.status_code, given.reason_phrase
        answer.headers.update(dict(given.items()))
        answer.raw = io.BytesIO(b"".join(given.streaming_content) if given.streaming else given.content)
        return answer

    def close(self) -> None:
        pass


def read(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return body.read() if hasattr(body, "read") else bytes(body)
