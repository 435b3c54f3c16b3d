"""A scoring application in this process, around a model that a test makes."""

from __future__ import annotations

import io
import json
from hashlib import sha256
from typing import Any

import numpy

from deployments.scoring import signature
from deployments.scoring.application import Application
from deployments.scoring.capture import Capture
from deployments.scoring.models import SklearnModel
from deployments.scoring.settings import SettingsFile
from deployments.scoring.tally import Tally

KEY = "the primary key"
OTHER_KEY = "the secondary key"


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """Sends requests to an application, with the primary key unless told otherwise."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def __call__(
        self, path: str = "/score", body: Any = None, *, method: str = "POST", key: str | None = KEY, **headers: str
    ) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        path, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(raw)),
            "CONTENT_TYPE": headers.pop("content_type", "application/json"),
            "wsgi.input": io.BytesIO(raw),
        }
        if key is not None:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {key}"
        environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        seen: dict[str, Any] = {}

        def start_response(status: str, sent: list[tuple[str, str]]) -> None:
            seen.update(status=int(status.split()[0]), headers=dict(sent))

        answered = b"".join(self._app(environ, start_response))
        return Answer(seen["status"], seen["headers"], answered)


class Sum:
    """An estimator that adds up each row: what it got is seen in what it says."""

    def predict(self, table: Any) -> Any:
        self.got = table
        return numpy.asarray(table).sum(axis=1)


class Raises:
    def predict(self, table: Any) -> Any:
        raise KeyError("the author's secret")


def described(*fields: dict[str, Any], outputs: Any = None, params: Any = None) -> signature.Signature:
    """Make a signature as MLmodel has it."""
    texts = {"inputs": json.dumps(list(fields)), "outputs": json.dumps(outputs or [])}
    read = signature.read({**texts, "params": json.dumps(params) if params else None})
    assert read is not None
    return read


def column(name: str, kind: str = "double", required: bool = True) -> dict[str, Any]:
    return {"type": kind, "name": name, "required": required}


AB = described(column("a"), column("b"))


def make_caller(
    tmp_path: Any,
    model: Any = None,
    *,
    signed: Any = AB,
    tally: Tally | None = None,
    capture: Capture | None = None,
    **settings: Any,
) -> Caller:
    path = tmp_path / "settings.json"
    hashes = [sha256(key.encode()).hexdigest() for key in (KEY, OTHER_KEY)]
    path.write_text(json.dumps({"endpoint": "sums", "auth": "key", "key_hashes": hashes, **settings}))
    loaded = SklearnModel(model or Sum(), signed, mlflow_version="3.17.2")
    return Caller(Application(loaded, SettingsFile(str(path)), tally=tally, capture=capture))


__all__ = ["AB", "KEY", "OTHER_KEY", "Answer", "Caller", "Raises", "Sum", "column", "described", "make_caller"]
