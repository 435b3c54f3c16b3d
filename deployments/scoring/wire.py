"""Turn bytes into JSON values and back, as fast as the environment allows.

orjson comes with the serving layer; without it the standard library does the same, with the same strictness
(no NaN, no Infinity in a body; never in an answer).
"""

from __future__ import annotations

import base64
import datetime
import math
from typing import Any

from .http import Refusal

try:
    import orjson
except ImportError:  # the layer is optional: a model's environment alone must be able to answer
    orjson = None  # type: ignore[assignment]


def parse_json(raw: bytes) -> Any:
    """Parse a body; 400 for anything that is not strict JSON in UTF-8."""
    try:
        return orjson.loads(raw) if orjson is not None else _parse_slowly(raw)
    except RecursionError:
        raise Refusal(400, "The body is not valid JSON: it is nested too deeply.") from None
    except ValueError as error:
        raise Refusal(400, f"The body is not valid JSON: {error}.") from None


def dump_json(value: Any) -> bytes:
    """Write an answer; NaN and infinities become null, so that it is JSON to everyone."""
    if orjson is not None:
        options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
        try:
            return orjson.dumps(value, default=plain, option=options)
        except orjson.JSONEncodeError:
            pass  # a lone surrogate or an integer beyond 64 bits: the standard library can write both
    return _dump_slowly(value)


def plain(value: Any) -> Any:
    """Give the JSON form of a value that JSON does not know; TypeError when there is none."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if hasattr(value, "to_dict") and hasattr(value, "columns"):  # a pandas frame
        return value.to_dict(orient="records")
    for name in ("toarray", "tolist", "isoformat", "item"):  # sparse matrix, array or series, timestamp, scalar
        if hasattr(value, name):
            return getattr(value, name)()
    raise TypeError(f"A model answered with {type(value).__name__}, which has no JSON form.")


def _parse_slowly(raw: bytes) -> Any:
    import json

    def refuse(token: str) -> Any:
        raise ValueError(f"{token} is not a JSON number")

    return json.loads(raw.decode("utf-8"), parse_constant=refuse)


def _dump_slowly(value: Any) -> bytes:
    import json

    return json.dumps(_finite(value), separators=(",", ":"), allow_nan=False).encode()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return _finite(plain(value))
