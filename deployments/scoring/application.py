"""Answer HTTP requests for one model (WSGI).

Order of the checks: path, method, key, size, type, body. Nothing of a body is looked at before the key is good, and
nothing a caller sends can stop the process.
"""

from __future__ import annotations

import csv
import io
import re
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from . import payload, swagger
from .http import Answer, ModelFailed, Refusal, error_body, status_line
from .models import Model
from .settings import Settings, SettingsFile
from .wire import dump_json, plain

Environ = dict[str, Any]
Handler = Callable[["Application", Environ, Settings], Answer]

SERVICE_PREFIX = re.compile(r"^/api/v1/service/([^/]+)(?=/|$)")
LONGEST_ID = 100
PIECE_BYTES = 64 * 1024
PRINTABLE = re.compile(r"[\x21-\x7e]+")
HEALTHY = b"Healthy"


@dataclass(frozen=True)
class Route:
    method: str
    handler: Handler
    is_open: bool = False


class Application:
    def __init__(self, model: Model, settings: SettingsFile, example: Any = None) -> None:
        self._model = model
        self._settings = settings
        self._example = example

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        request_id = ""
        try:
            request_id = request_id_of(environ)
            answer = self._answer(environ)
        except Refusal as refusal:
            answer = refused(refusal)
            drain(environ, self._settings.current.max_body_bytes)
        except ModelFailed as failure:
            answer = model_failed(failure, request_id)
        except Exception:  # noqa: BLE001  a request, whatever it is, must not end the process
            answer = server_failed(request_id)
        return send(answer, request_id or new_request_id(), environ, start_response)

    def _answer(self, environ: Environ) -> Answer:
        settings = self._settings.current
        path = service_path(environ.get("PATH_INFO", ""), settings.endpoint)
        route = ROUTES.get(path)
        if route is None:
            raise Refusal(404, f"There is nothing at {path!r}; score with POST /score.")
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return Answer(200, b"", headers={"allow": allowed(route)})
        if method != route.method and not (method == "HEAD" and route.method == "GET"):
            raise Refusal(405, f"{path} takes {route.method}, not {method}.", {"allow": allowed(route)})
        if not route.is_open and not settings.admits(environ.get("HTTP_AUTHORIZATION", "")):
            raise Refusal(401, "A valid key is needed: Authorization: Bearer <key>.", {"www-authenticate": "Bearer"})
        return route.handler(self, environ, settings)

    def health(self, environ: Environ, settings: Settings) -> Answer:
        return Answer(200, HEALTHY, "text/plain; charset=utf-8")

    def ping(self, environ: Environ, settings: Settings) -> Answer:
        return Answer(200, b"\n", "application/json")

    def version(self, environ: Environ, settings: Settings) -> Answer:
        return Answer(200, self._model.mlflow_version.encode(), "text/plain; charset=utf-8")

    def describe(self, environ: Environ, settings: Settings) -> Answer:
        query = environ.get("QUERY_STRING", "")
        asked = next((part[8:] for part in query.split("&") if part.startswith("version=")), "2")
        if asked not in ("2", "2.0", "3", "3.0"):
            raise Refusal(404, f"Swagger version {asked!r} is not offered; ask for 2 or 3.")
        base = environ.get("HTTP_X_FORWARDED_PREFIX", "")
        document = swagger.document(int(asked[0]), settings.endpoint, base, self._model.signature, self._example)
        return Answer(200, dump_json(document))

    def score(self, environ: Environ, settings: Settings) -> Answer:
        asked, result, headers = self._scored(environ, settings)
        if wants_csv(environ):
            return Answer(200, as_csv(result), "text/csv; charset=utf-8", headers)
        body = dump_json(by_row(result) if asked.method is None else {asked.method: by_row(result)})
        return Answer(200, body, headers=headers)

    def invoke(self, environ: Environ, settings: Settings) -> Answer:
        _, result, headers = self._scored(environ, settings)
        if wants_csv(environ):
            return Answer(200, as_csv(result), "text/csv; charset=utf-8", headers)
        return Answer(200, dump_json({"predictions": by_row(result)}), headers=headers)

    def _scored(self, environ: Environ, settings: Settings) -> tuple[payload.Asked, Any, dict[str, str]]:
        asked = payload.read(content_type(environ), read_body(environ, settings.max_body_bytes))
        started = time.perf_counter()
        result = self._model.score(asked.payload, asked.params, asked.method)
        spent_ms = (time.perf_counter() - started) * 1000
        return asked, result, {"x-ms-run-fn-exec-ms": f"{spent_ms:.3f}"}


ROUTES: dict[str, Route] = {
    "/": Route("GET", Application.health, is_open=True),
    "/health": Route("GET", Application.health, is_open=True),
    "/ping": Route("GET", Application.ping, is_open=True),
    "/version": Route("GET", Application.version),
    "/swagger.json": Route("GET", Application.describe),
    "/score": Route("POST", Application.score),
    "/invocations": Route("POST", Application.invoke),
}


def service_path(path: str, endpoint: str) -> str:
    """Strip the address that AKS services had, which names the service once more."""
    alias = SERVICE_PREFIX.match(path)
    if alias and alias.group(1) == endpoint:
        return path[alias.end() :] or "/"
    return path or "/"


def allowed(route: Route) -> str:
    return f"{route.method}, OPTIONS" if route.method == "POST" else "GET, HEAD, OPTIONS"


def content_type(environ: Environ) -> str:
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
        raise Refusal(415, "A compressed body is not accepted; send it as it is.")
    return environ.get("CONTENT_TYPE") or ""


def read_body(environ: Environ, limit: int) -> bytes:
    """Read a body of at most `limit` bytes, whether or not its length was announced."""
    announced = environ.get("CONTENT_LENGTH") or ""
    if announced.isdigit() and int(announced) > limit:
        raise Refusal(413, f"The body is larger than {limit} bytes.")
    size = int(announced) if announced.isdigit() else limit + 1
    body: bytes = environ["wsgi.input"].read(size)
    if len(body) > limit:
        raise Refusal(413, f"The body is larger than {limit} bytes.")
    return body


def drain(environ: Environ, most: int) -> None:
    """Read what is left of a refused body: on an unread one the connection is closed, and the answer may be lost."""
    announced = environ.get("CONTENT_LENGTH") or "0"
    if announced.isdigit() and int(announced) > most:
        return
    while most > 0 and (piece := environ["wsgi.input"].read(min(most, PIECE_BYTES))):
        most -= len(piece)


def wants_csv(environ: Environ) -> bool:
    accepted: str = environ.get("HTTP_ACCEPT", "")
    return accepted.split(";")[0].strip().lower() == "text/csv"


def by_row(result: Any) -> Any:
    """Give one entry a row: records for a frame, the values of anything else."""
    if hasattr(result, "to_dict") and hasattr(result, "columns"):
        return result.to_dict(orient="records")
    return result


def as_csv(result: Any) -> bytes:
    """Write a result as CSV: a frame with its header, an array without."""
    if hasattr(result, "to_csv"):
        return result.to_csv(index=False).encode()  # type: ignore[no-any-return]
    rows = result if isinstance(result, list) else plain(result)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(row if isinstance(row, list) else [row] for row in rows)
    return text.getvalue().encode()


def request_id_of(environ: Environ) -> str:
    """Take the caller's id for this request, or make one."""
    given = environ.get("HTTP_X_MS_CLIENT_REQUEST_ID") or environ.get("HTTP_X_REQUEST_ID") or ""
    if len(given) > LONGEST_ID:
        raise Refusal(431, f"The request id is longer than {LONGEST_ID} characters.")
    return given if PRINTABLE.fullmatch(given) else new_request_id()


def new_request_id() -> str:
    return uuid.uuid4().hex


def refused(refusal: Refusal) -> Answer:
    return Answer(refusal.status, dump_json(error_body(refusal.status, refusal.message)), headers=refusal.headers)


def model_failed(failure: ModelFailed, request_id: str) -> Answer:
    """Tell the caller which error it was; the stack goes to the log only."""
    print(f"scoring failed request={request_id}", file=sys.stderr)
    traceback.print_exception(failure.__cause__, file=sys.stderr)
    sys.stderr.flush()
    body = error_body(500, f"The model raised {failure}")
    return Answer(500, dump_json(body), headers={"x-ms-run-function-failed": "True"})


def server_failed(request_id: str) -> Answer:
    print(f"the server failed request={request_id}", file=sys.stderr)
    traceback.print_exc()
    return Answer(500, dump_json(error_body(500, "The scoring server failed; its log says why.")))


def send(answer: Answer, request_id: str, environ: Environ, start_response: Callable[..., Any]) -> list[bytes]:
    headers = [
        ("content-type", answer.content_type),
        ("content-length", str(len(answer.body))),
        ("x-ms-request-id", request_id),
        ("x-content-type-options", "nosniff"),
        *answer.headers.items(),
    ]
    start_response(status_line(answer.status), headers)
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body]
