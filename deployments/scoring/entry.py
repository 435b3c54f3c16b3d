"""Serve a script of the author's: `init()` once, `run(…)` for each request.

`run` gets the body as text and may give back anything that JSON can say. With the decorators of `inference-schema` it
gets the named values of the body instead; with `@rawhttp` it gets the whole request and may answer with an
`AMLResponse`.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import json
import os
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import signature as signatures
from .http import Answer, ModelFailed, Refusal
from .wire import dump_json, parse_json

RAW_MARK = "__studio_rawhttp__"
# What the author's code is found by, as it always was.
MODEL_VARIABLE = "AZUREML_MODEL_DIR"
ENTRY_VARIABLE = "AZUREML_ENTRY_SCRIPT"


@dataclass(frozen=True)
class AMLRequest:
    """A request as `@rawhttp` functions see it."""

    method: str
    path: str
    headers: Mapping[str, str]
    query_string: str
    data: bytes

    @property
    def args(self) -> dict[str, str]:
        from urllib.parse import parse_qsl

        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def json(self) -> Any:
        return self.get_json()

    def get_data(self, as_text: bool = False) -> Any:
        return self.data.decode("utf-8") if as_text else self.data

    def get_json(self, force: bool = False, silent: bool = False) -> Any:
        try:
            return json.loads(self.data)
        except ValueError:
            if silent:
                return None
            raise


@dataclass
class AMLResponse:
    """An answer with a status and headers of its own; `json_str`: the message is still to be written as JSON."""

    message: Any
    status_code: int
    response_headers: Mapping[str, str] = field(default_factory=dict)
    json_str: bool = False


def rawhttp(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark `run` as one that wants the request itself."""
    setattr(function, RAW_MARK, True)
    return function


@dataclass
class EntryModel:
    """The author's script, loaded and started."""

    run: Callable[..., Any]
    signature: signatures.Signature | None = None
    mlflow_version: str = ""

    def __post_init__(self) -> None:
        self.is_raw = bool(getattr(self.run, RAW_MARK, False))
        self._is_named = not self.is_raw and is_decorated(self.run)

    def answer(self, request: AMLRequest) -> Answer:
        """Call `run`; what it raises is its own failure."""
        if self.is_raw:
            return as_answer(self._called(request))
        if self._is_named:
            named = parse_json(request.data)
            if not isinstance(named, dict):
                raise Refusal(400, "The body must be a JSON object with the script's named inputs.")
            self._check(named)
            return as_answer(self._called(**named))
        try:
            text = request.data.decode("utf-8")
        except UnicodeDecodeError:
            raise Refusal(400, "The body is not in UTF-8.") from None
        return as_answer(self._called(text))

    def schemas(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Give the schemas of input and output that the decorators hold; None for what they do not say."""
        if not self._is_named:
            return None, None
        from inference_schema import schema_util  # type: ignore[import-not-found]

        return schema_util.get_input_schema(self.run), schema_util.get_output_schema(self.run)

    def _check(self, named: dict[str, Any]) -> None:
        takes = inspect.signature(inspect.unwrap(self.run)).parameters
        unknown = [name for name in named if name not in takes]
        missing = [name for name, one in takes.items() if one.default is one.empty and name not in named]
        if unknown or missing:
            raise Refusal(
                400, f"The script's run() takes {', '.join(takes)}; the body has {', '.join(named) or 'none'}."
            )

    def _called(self, *given: Any, **named: Any) -> Any:
        try:
            return self.run(*given, **named)
        except Exception as error:
            raise ModelFailed(f"{type(error).__name__}: {error}") from error


def as_answer(result: Any) -> Answer:
    """Write what `run` gave back: as JSON, text too, unless it is a response of the author's own."""
    if type(result).__name__ == "AMLResponse":
        message = result.message
        if not isinstance(message, bytes):
            message = (
                dump_json(message) if getattr(result, "json_str", False) or not isinstance(message, str) else message
            )
        body = message.encode() if isinstance(message, str) else message
        headers = {str(name).lower(): str(value) for name, value in dict(result.response_headers or {}).items()}
        kind = headers.pop("content-type", "application/json")
        headers.pop("content-length", None)
        return Answer(int(result.status_code), body, kind, headers)
    try:
        return Answer(200, dump_json(result))
    except (TypeError, ValueError) as error:
        raise ModelFailed(f"TypeError: run() gave back what JSON cannot say: {error}") from error


def load(model: Path, code: Path, entry: str) -> EntryModel:
    """Run the script and its `init()`. Raises what they raise, AttributeError for a script without `run`."""
    script = (code / entry).resolve()
    if not script.is_file():
        raise FileNotFoundError(f"The entry script {entry} is not there.")
    os.environ.setdefault(MODEL_VARIABLE, str(model))
    os.environ.setdefault(ENTRY_VARIABLE, str(script))
    offer_old_names()
    sys.path[:0] = [str(script.parent), *([str(code)] if code.resolve() != script.parent else [])]
    os.chdir(code)
    spec = importlib.util.spec_from_file_location("entry_module", script)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["entry_module"] = module
    spec.loader.exec_module(module)
    if not callable(getattr(module, "run", None)):
        raise AttributeError(f"The entry script {entry} has no function run().")
    if callable(getattr(module, "init", None)):
        module.init()
    return EntryModel(module.run)


def is_decorated(run: Callable[..., Any]) -> bool:
    """Say whether `run` has an input schema of `inference-schema`."""
    if importlib.util.find_spec("inference_schema") is None:
        return False
    from inference_schema import schema_util

    return bool(schema_util.is_schema_decorated(run))


def offer_old_names() -> None:
    """Let scripts import `rawhttp`, `AMLRequest` and `AMLResponse` from where they always were."""
    base = "azureml.contrib.services"
    try:
        found = importlib.util.find_spec(f"{base}.aml_request")
    except ImportError:  # a client that has some of these names says in its own words which it has not
        found = None
    if found is not None:
        return
    for name, members in (
        (f"{base}.aml_request", {"AMLRequest": AMLRequest, "rawhttp": rawhttp}),
        (f"{base}.aml_response", {"AMLResponse": AMLResponse}),
    ):
        module = types.ModuleType(name)
        module.__dict__.update(members)
        sys.modules[name] = module
    for name in ("azureml", "azureml.contrib", base):
        if _is_missing(name):
            package = types.ModuleType(name)
            package.__path__ = []
            sys.modules[name] = package


@functools.cache
def _is_missing(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is None
    except (ImportError, ValueError):
        return True
