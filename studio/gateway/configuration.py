"""Writes nginx's configuration for one home."""

from __future__ import annotations

import json
import os
import resource
from dataclasses import dataclass
from pathlib import Path
from string import Template

TEMPLATE = Path(__file__).with_name("nginx.conf.template")
MOST_WORKERS = 4
WANTED_FILES = 16384

PROXY = Template("""\
proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_set_header Host $$http_host;
proxy_set_header X-Request-ID $$studio_request_id;
proxy_set_header X-Forwarded-For $$remote_addr;
proxy_set_header X-Forwarded-Host $$http_host;
proxy_set_header X-Forwarded-Proto ${scheme};
proxy_connect_timeout 5s;
proxy_read_timeout 300s;
proxy_send_timeout 300s;
proxy_buffers 16 32k;
proxy_buffer_size 32k;
""")

MIME = """\
types {
    text/html html htm;
    text/css css;
    text/plain txt map;
    text/javascript js mjs;
    application/json json;
    application/wasm wasm;
    image/svg+xml svg;
    image/png png;
    image/jpeg jpg jpeg;
    image/webp webp;
    image/gif gif;
    image/x-icon ico;
    font/woff2 woff2;
    font/woff woff;
}
"""

PAGES = {
    "unavailable.json": {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "This part of the studio is starting."},
    "no-endpoint.json": {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "There is no such endpoint."},
    "too-large.json": {"error_code": "INVALID_PARAMETER_VALUE", "message": "The body of the request is too large."},
}
UNAVAILABLE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="2">
<title>Starting</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 20vh auto; max-width: 32rem; padding: 0 1rem }
</style>
</head>
<body>
<h1>The studio is starting</h1>
<p>This page tries again by itself.</p>
</body>
</html>
"""


class GatewayError(Exception):
    """Says what nginx has against its configuration, or that it does not run."""


@dataclass(frozen=True)
class Listening:
    """Where the gateway listens and what it stands before."""

    host: str
    port: int
    url: str  # public
    web_socket: Path

    @property
    def address(self) -> str:
        """Return host and port as nginx writes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def write(home: Path, listening: Listening, version: tuple[int, ...]) -> None:
    """Write all but the routes, whose files are others'."""
    folder = home / "gateway"
    for name in ("routes", "pages", "temp"):
        (folder / name).mkdir(exist_ok=True)
    # The address proves itself by the public URL's scheme: whoever set https there has put TLS in front.
    scheme = "https" if listening.url.startswith("https://") else "$scheme"
    (folder / "nginx.conf").write_text(main_file(listening, version))
    (folder / "proxy.conf").write_text(PROXY.substitute(scheme=scheme))
    (folder / "mime.conf").write_text(MIME)
    (folder / "pages/unavailable.html").write_text(UNAVAILABLE)
    for name, words in PAGES.items():
        (folder / "pages" / name).write_text(json.dumps(words) + "\n")
    write_generation(folder, read_generation(folder))


def main_file(listening: Listening, version: tuple[int, ...]) -> str:
    """Return the text of nginx.conf."""
    files = file_limit()
    return Template(TEMPLATE.read_text()).substitute(
        # As root, nginx's workers would be nobody, who cannot read the artifacts.
        user="user root;" if os.geteuid() == 0 else "",
        workers=min(MOST_WORKERS, os.cpu_count() or 1),
        files=files,
        connections=files // 2,
        # Since 1.27.4: an idle connection is not closed under a client that has just taken it from its pool.
        keepalive_min_timeout="keepalive_min_timeout 10s;" if version >= (1, 27, 4) else "",
        web_socket=listening.web_socket,
        listen=listening.address,
    )


def file_limit() -> int:
    """Return how many files a worker may open, of what this process may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)


def read_generation(folder: Path) -> int:
    """Return the number of the configuration last written; 1 when there is none."""
    try:
        return int((folder / "generation.conf").read_text().split('"')[1])
    except (OSError, IndexError, ValueError):
        return 1


def write_generation(folder: Path, number: int) -> None:
    """Number the configuration, so that one can ask the gateway which one it serves."""
    (folder / "generation.conf").write_text(f'set $studio_generation "{number}";\n')
