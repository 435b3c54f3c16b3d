"""Serve an entry script on this computer: `python -m studio_sdk.local_service score.py 8000`."""

from __future__ import annotations

import importlib.util
import json
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LARGEST_BYTES = 100 * 1024 * 1024


def load(script: str) -> Any:
    sys.path.insert(0, str(Path(script).resolve().parent))
    spec = importlib.util.spec_from_file_location("entry_script", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Handler(BaseHTTPRequestHandler):
    module: Any = None
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(200 if self.path == "/" else 404, b"Healthy")

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if self.path.split("?")[0] != "/score" or size > LARGEST_BYTES:
            self.answer(404 if size <= LARGEST_BYTES else 413, b"{}")
            return
        body = self.rfile.read(size).decode(errors="replace")
        try:
            self.answer(200, json.dumps(self.module.run(body), default=plain).encode())
        except Exception as error:  # noqa: BLE001  the script's own; its user reads it in the log
            traceback.print_exc()
            self.answer(500, json.dumps({"message": str(error)}).encode())

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        print(format % arguments, flush=True)


def plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def main() -> None:
    script, port = sys.argv[1], int(sys.argv[2])
    Handler.module = load(script)
    Handler.module.init()
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
