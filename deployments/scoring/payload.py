"""Read a request's body into one of two shapes, whichever of the accepted forms it came in.

MLflow's forms (`dataframe_split`, `dataframe_records`, `instances`, `inputs`, with `params`), the cloud services' forms
(`input_data`, a bare pandas split), and scikit-learn's no-code form (`{"data": [[…]], "method": "predict"}`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .http import Refusal
from .wire import parse_json

METHODS = ("predict", "predict_proba", "transform")
FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs", "input_data", "data")


@dataclass(frozen=True)
class Rows:
    """Rows of cells (or of nested lists: a tensor), with the names of the columns when the caller gave them.

    `is_numeric`: the cells are known to be numbers or null, without having looked at each.
    """

    rows: list[Any]
    columns: tuple[str, ...] | None = None
    is_text: bool = False
    is_numeric: bool = False


@dataclass(frozen=True)
class Named:
    """A list of values for each name, all of one length."""

    values: Mapping[str, list[Any]]


Payload = Rows | Named


@dataclass(frozen=True)
class Asked:
    payload: Payload
    params: Mapping[str, Any] = field(default_factory=dict)
    method: str | None = None


def read(content_type: str, raw: bytes) -> Asked:
    """Read a body; a client that names no type is taken to send JSON, and nothing unlisted is ever parsed."""
    kind, _, options = content_type.partition(";")
    kind = kind.strip().lower()
    if "charset" in options.lower() and "utf-8" not in options.lower().replace("utf8", "utf-8"):
        raise Refusal(415, "The body must be in UTF-8.")
    if kind in ("", "application/json"):
        body = parse_json(raw)
        asked = from_json(body)
        found = asked.payload
        if isinstance(found, Rows) and has_no_text(raw, body, found.rows):
            return Asked(Rows(found.rows, found.columns, is_numeric=True), asked.params, asked.method)
        return asked
    if kind == "text/csv":
        return Asked(from_csv(raw))
    raise Refusal(415, f"Content type {kind!r} is not accepted; send application/json or text/csv.")


def has_no_text(raw: bytes, body: dict[str, Any], rows: list[Any]) -> bool:
    """Say whether the rows, as the last of a body, are known to hold no text and no flag.

    The last text of such a body is the rows' own name: what comes after it has no quotation mark, no true, no false.
    A cell that says the same is no number either, and numpy refuses it.
    """
    name, value = next(reversed(body.items()))
    if isinstance(value, dict) and value:
        name, value = next(reversed(value.items()))
    end = raw.rfind(b'"') + 1
    if value is not rows or not raw.endswith(f'"{name}"'.encode(), 0, end):
        return False
    rest = raw[end:]
    return b"t" not in rest and b"f" not in rest


def from_json(body: Any) -> Asked:
    if not isinstance(body, dict):
        raise Refusal(400, f"The body must be a JSON object with one of: {', '.join(FORMS)}.")
    params = body.get("params")
    if params is not None and not isinstance(params, dict):
        raise Refusal(400, "'params' must be an object of names and values.")
    return Asked(_payload(body), params or {}, _method(body))


def from_csv(raw: bytes) -> Rows:
    """Read a header line and its rows; the cells stay text until the signature gives them a type."""
    try:
        table = [row for row in csv.reader(io.StringIO(raw.decode("utf-8-sig")), strict=True) if row]
    except UnicodeDecodeError:
        raise Refusal(400, "The CSV body is not in UTF-8.") from None
    except csv.Error as error:
        raise Refusal(400, f"The body is not valid CSV: {error}.") from None
    if not table:
        raise Refusal(400, "The CSV body is empty; it needs a header line.")
    columns = _names(table[0])
    return Rows(_even(table[1:], len(columns)), columns, is_text=True)


def _method(body: dict[str, Any]) -> str | None:
    if "data" not in body or "columns" in body:
        return None
    method = body.get("method", "predict")
    if method not in METHODS:
        raise Refusal(400, f"'method' must be one of: {', '.join(METHODS)}.")
    return str(method)


def _payload(body: dict[str, Any]) -> Payload:
    if "columns" in body and "data" in body:
        return _split(body, "the body")
    given = [form for form in FORMS if form in body]
    if len(given) != 1:
        problem = f"it has {' and '.join(given)}" if given else "it has none of them"
        raise Refusal(400, f"The body needs exactly one of: {', '.join(FORMS)}; {problem}.")
    return _READERS[given[0]](body[given[0]], given[0])


def _split(value: Any, form: str) -> Rows:
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        raise Refusal(400, f"'{form}' must be an object with 'columns' and a list 'data'.")
    if value.get("columns") is None:
        return Rows(_lists(value["data"], form))
    columns = _names(value["columns"])
    return Rows(_even(_lists(value["data"], form), len(columns)), columns)


def _records(value: Any, form: str) -> Rows:
    if not isinstance(value, list) or not all(isinstance(record, dict) for record in value):
        raise Refusal(400, f"'{form}' must be a list of objects, one a row.")
    columns = tuple(dict.fromkeys(name for record in value for name in record))
    return Rows([[record.get(name) for name in columns] for record in value], columns)


def _instances(value: Any, form: str) -> Payload:
    if not isinstance(value, list):
        raise Refusal(400, f"'{form}' must be a list, one entry a row.")
    if value and isinstance(value[0], dict):
        return _records(value, form)
    return Rows(value)


def _inputs(value: Any, form: str) -> Payload:
    return _named(value, form) if isinstance(value, dict) else _instances(value, form)


def _input_data(value: Any, form: str) -> Payload:
    if isinstance(value, dict) and "data" in value and "columns" in value:
        return _split(value, form)
    return _inputs(value, form)


def _data(value: Any, form: str) -> Payload:
    return _inputs(value, form)


def _named(value: dict[str, Any], form: str) -> Named:
    for name, column in value.items():
        if not isinstance(column, list):
            raise Refusal(400, f"'{form}': column {name!r} must be a list of values.")
    lengths = {len(column) for column in value.values()}
    if len(lengths) > 1:
        raise Refusal(400, f"'{form}': the columns differ in length ({', '.join(map(str, sorted(lengths)))}).")
    return Named(value)


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Refusal(400, "'columns' must be a list of names.")
    names = tuple(str(name) for name in value)
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Refusal(400, f"Column {twice!r} is given twice.")
    return names


def _lists(rows: list[Any], form: str) -> list[Any]:
    if set(map(type, rows)) - {list}:
        number = next(number for number, row in enumerate(rows) if not isinstance(row, list))
        raise Refusal(400, f"'{form}': row {number} must be a list of values.")
    return rows


def _even(rows: list[Any], width: int) -> list[Any]:
    if set(map(len, rows)) - {width}:
        number = next(number for number, row in enumerate(rows) if len(row) != width)
        raise Refusal(400, f"Row {number} has {len(rows[number])} values, but there are {width} columns.")
    return rows


_READERS = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
    "input_data": _input_data,
    "data": _data,
}
