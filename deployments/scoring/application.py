"""Answer HTTP requests for one model (WSGI).

Order of the checks: path, method, key, size, type, body. Nothing of a body is looked at before the key is good, and
nothing a caller sends can stop the process.
"""

from __future__ import annotations

import csv
import io
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from . import payload, swagger
from .call import Call
from .capture import Capture
from .entry import AMLRequest, EntryModel
from .http import Answer, ModelFailed, Refusal, error_body, status_line
from .models import Model
from .settings import Settings, SettingsFile
from .tally import Tally
from .turns import Turns
from .wire import dump_json, plain

Environ = dict[str, Any]
Handler = Callable[["Application", Environ, Settings], Answer]

SERVICE_PREFIX = re.compile(r"^/api/v1/service/([^/]+)(?=/|$)")
LONGEST_ID = 100
PIECE_BYTES = 64 * 1024
LARGE_BODY = 256 * 1024
PRINTABLE = re.compile(r"[\x21-\x7e]+")
HEALTHY = b"Healthy"


@dataclass(frozen=True)
class Route:
    method: str
    handler: Handler
    is_open: bool = False


class Application:
    def __init__(
        self,
        model: Model | EntryModel,
        settings: SettingsFile,
        example: Any = None,
        *,
        tally: Tally | None = None,
        capture: Capture | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._model = model
        self._settings = settings
        self._example = example
        self._tally = tally or Tally()
        self._capture = capture
        self._turns = turns or Turns(settings.current.threads)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_scoring = environ.get("REQUEST_METHOD") == "POST"
        if not is_scoring:
            answer, request_id = self._safely(environ, 0.0)
            return send(answer, request_id, environ, start_response)
        waited_ms = waited(environ)
        self._tally.begin()
        status = 500
        try:
            answer, request_id = self._safely(environ, waited_ms)
            status = answer.status
            return send(answer, request_id, environ, start_response)
        finally:
            self._tally.end(status, waited_ms, is_kept=self._settings.current.has_telemetry)

    def _safely(self, environ: Environ, waited_ms: float) -> tuple[Answer, str]:
        """Answer, whatever happens."""
        request_id = ""
        try:
            request_id = request_id_of(environ)
            environ["studio.request_id"] = request_id
            self._check_patience(waited_ms)
            return self._answer(environ), request_id
        except Refusal as refusal:
            drain(environ, self._settings.current.max_body_bytes)
            return refused(refusal), request_id or new_request_id()
        except ModelFailed as failure:
            return model_failed(failure, request_id), request_id
        except Exception:  # noqa: BLE001  a request, whatever it is, must not end the process
            return server_failed(request_id), request_id or new_request_id()

    def _check_patience(self, waited_ms: float) -> None:
        """Refuse what has waited too long: its caller was told, or should try again rather than wait on."""
        settings = self._settings.current
        if waited_ms >= settings.timeout_ms:
            raise Refusal(504, "The request waited longer than the model may take.")
        if settings.max_wait_ms and waited_ms > settings.max_wait_ms:
            raise Refusal(503, "Too many requests wait for this replica; try again.", {"retry-after": "1"})

    def _answer(self, environ: Environ) -> Answer:
        settings = self._settings.current
        path = service_path(environ.get("PATH_INFO", ""), settings.endpoint)
        route = ROUTES.get(path)
        if route is None:
            raise Refusal(404, f"There is nothing at {path!r}; score with POST /score.")
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return Answer(200, b"", headers={"allow": allowed(route)})
        is_raw_get = method == "GET" and path == "/score" and getattr(self._model, "is_raw", False)
        if method != route.method and not (method == "HEAD" and route.method == "GET") and not is_raw_get:
            raise Refusal(405, f"{path} takes {route.method}, not {method}.", {"allow": allowed(route)})
        if not route.is_open and not settings.admits(environ.get("HTTP_AUTHORIZATION", "")):
            word = "token" if settings.auth == "token" else "key"
            message = f"A valid {word} is needed: Authorization: Bearer <{word}>."
            raise Refusal(401, message, {"www-authenticate": "Bearer"})
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
        schemas = self._model.schemas() if isinstance(self._model, EntryModel) else (None, None)
        document = swagger.document(
            int(asked[0]), settings.endpoint, base, self._model.signature, self._example, schemas
        )
        return Answer(200, dump_json(document))

    def score(self, environ: Environ, settings: Settings) -> Answer:
        if isinstance(self._model, EntryModel):
            return self._run_script(self._model, environ, settings)
        asked, result, headers = self._scored(self._model, environ, settings)
        if wants_csv(environ):
            answer = Answer(200, as_csv(result), "text/csv; charset=utf-8", headers)
        else:
            body = dump_json(by_row(result) if asked.method is None else {asked.method: by_row(result)})
            answer = Answer(200, body, headers=headers)
        return self._kept(environ, settings, environ["studio.body"], answer)

    def _run_script(self, model: EntryModel, environ: Environ, settings: Settings) -> Answer:
        raw = read_body(environ, settings.max_body_bytes)
        request = AMLRequest(
            method=environ["REQUEST_METHOD"],
            path=environ.get("PATH_INFO", ""),
            headers=headers_of(environ),
            query_string=environ.get("QUERY_STRING", ""),
            data=raw,
        )
        started = time.perf_counter()
        answer = model.answer(request)
        spent = {"x-ms-run-fn-exec-ms": f"{(time.perf_counter() - started) * 1000:.3f}"}
        return self._kept(environ, settings, raw, replace(answer, headers={**answer.headers, **spent}))

    def invoke(self, environ: Environ, settings: Settings) -> Answer:
        if isinstance(self._model, EntryModel):
            return self._run_script(self._model, environ, settings)
        _, result, headers = self._scored(self._model, environ, settings)
        if wants_csv(environ):
            answer = Answer(200, as_csv(result), "text/csv; charset=utf-8", headers)
        else:
            answer = Answer(200, dump_json({"predictions": by_row(result)}), headers=headers)
        return self._kept(environ, settings, environ["studio.body"], answer)

    def _kept(self, environ: Environ, settings: Settings, raw: bytes, answer: Answer) -> Answer:
        """Offer what was asked and answered to the sample, where one is kept."""
        if settings.collects_data and self._capture is not None and answer.status == 200:
            request_id = environ.get("studio.request_id", "")
            self._capture.offer(settings.sample_rate, settings.revision, request_id, raw, answer.body)
        return answer

    def _scored(self, model: Model, environ: Environ, settings: Settings) -> tuple[payload.Asked, Any, dict[str, str]]:
        def still_due() -> None:
            self._check_patience(waited(environ))

        if is_large(environ):
            with self._turns.lane(still_due):
                asked = self._asked(environ, settings)
                result, spent_s = timed(model.prepare(asked.payload, asked.params, asked.method))
        else:
            asked = self._asked(environ, settings)
            call = model.prepare(asked.payload, asked.params, asked.method)
            result, spent_s = self._turns.run(call, still_due)
        return asked, result, {"x-ms-run-fn-exec-ms": f"{spent_s * 1000:.3f}"}

    def _asked(self, environ: Environ, settings: Settings) -> payload.Asked:
        raw = environ["studio.body"] = read_body(environ, settings.max_body_bytes)
        return payload.read(content_type(environ), raw)


ROUTES: dict[str, Route] = {
    "/": Route("GET", Application.health, is_open=True),
    "/health": Route("GET", Application.health, is_open=True),
    "/ping": Route("GET", Application.ping, is_open=True),
    "/version": Route("GET", Application.version),
    "/swagger.json": Route("GET", Application.describe),
    "/score": Route("POST", Application.score),
    "/invocations": Route("POST", Application.invoke),
}


def is_large(environ: Environ) -> bool:
    """Say whether a body is one of which few may be in memory at once; one of unknown length may be."""
    announced = environ.get("CONTENT_LENGTH") or ""
    return not announced.isdigit() or int(announced) > LARGE_BODY


def timed(call: Call) -> tuple[Any, float]:
    started = time.perf_counter()
    return call.run(), time.perf_counter() - started


def waited(environ: Environ) -> float:
    """Say how many milliseconds a request stood before this server: the gateway writes when it sent it."""
    sent = environ.get("HTTP_X_REQUEST_START", "")
    try:
        return max(0.0, (time.time() - float(sent)) * 1000) if sent else 0.0
    except ValueError:
        return 0.0


def headers_of(environ: Environ) -> dict[str, str]:
    """Give a request's headers by their usual names; the key stays here."""
    found = {
        name[5:].replace("_", "-").title(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") and name != "HTTP_AUTHORIZATION"
    }
    return {**found, "Content-Type": environ.get("CONTENT_TYPE", "")}


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
    return os.urandom(16).hex()


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
