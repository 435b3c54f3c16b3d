"""Bring a payload into the shape and types a signature asks for.

Numbers that are all of one type take one numpy call; only when that cannot be, columns are looked at one by one, so
that the error can name the column and the row.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import math
from collections.abc import Callable, Sequence
from typing import Any

from .http import Refusal
from .payload import Named, Payload, Rows
from .signature import NUMBERS, Field, Signature

INTEGERS = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}


def matrix(payload: Payload, signature: Signature, dtype: str) -> Any:
    """Give an array (rows × columns of the signature) of one number type."""
    array = _at_once(payload, signature, dtype)
    is_right = array is not None and (
        array.dtype.kind == "i" or (array.dtype.kind == "f" and dtype.startswith("float"))
    )
    if is_right and _fits(array, dtype):
        return array.astype(dtype, copy=False)
    return _stacked(payload, signature, dtype)


def frame(payload: Payload, signature: Signature) -> Any:
    """Give a pandas frame with the signature's columns, typed."""
    import pandas

    unnamed = not signature.names
    columns = typed(payload, signature)
    table = {number if unnamed else field.name: values for number, (field, values) in enumerate(columns)}
    return pandas.DataFrame(table)


def tensors(payload: Payload, signature: Signature) -> Any:
    """Give an array, or a dictionary of arrays when the signature's tensors have names."""
    first = signature.inputs[0]
    if first.name is None or (len(signature.inputs) == 1 and isinstance(payload, Rows) and payload.columns is None):
        array = _tensor(first, _values(payload))
        return array if first.name is None else {first.name: array}
    named = _by_name(payload, signature)
    return {field.name: _tensor(field, named[field.name]) for field in signature.inputs if field.name in named}


def untyped(payload: Payload) -> Any:
    """Give what a model without a signature gets: a frame where names are known, else an array."""
    import numpy

    if isinstance(payload, Rows) and payload.columns is None:
        try:
            array = numpy.array(payload.rows)
        except ValueError:
            raise Refusal(400, "The rows differ in length.") from None
        if array.dtype.kind == "U":
            return array.astype(object)
        return array
    import pandas

    if isinstance(payload, Named):
        return pandas.DataFrame(dict(payload.values))
    cells = [[_guess(cell) for cell in row] for row in payload.rows] if payload.is_text else payload.rows
    return pandas.DataFrame(cells, columns=list(payload.columns or ()))


def typed(payload: Payload, signature: Signature) -> list[tuple[Field, Any]]:
    """Give the columns of the signature, each as an array or list of its type."""
    is_text = isinstance(payload, Rows) and payload.is_text
    named = _by_name(payload, signature) if signature.names else _by_place(payload, signature)
    found = []
    for number, field in enumerate(signature.inputs):
        key = field.name if field.name is not None else str(number)
        if key in named:
            found.append((field, _column(field, key, named[key], is_text)))
    return found


def _at_once(payload: Payload, signature: Signature, dtype: str) -> Any:
    """Give the rows as one array in the signature's order, or None when they are no even table of it.

    Told that it makes floats, numpy takes half the time; but it would take text and flags for numbers too.
    """
    import numpy

    rows = _in_order(payload, signature) if isinstance(payload, Rows) and not payload.is_text else None
    if not rows:
        return None
    is_known = isinstance(payload, Rows) and payload.is_numeric and dtype.startswith("float")
    try:
        array = numpy.array(rows, dtype="float64" if is_known else None)
    except (ValueError, OverflowError, TypeError):
        return None
    return array if array.ndim == 2 and array.shape[1] == len(signature.inputs) else None


def _stacked(payload: Payload, signature: Signature, dtype: str) -> Any:
    import numpy

    columns = [values for _, values in typed(payload, signature)]
    if len(columns) != len(signature.inputs):
        missing = next(field.name for field in signature.inputs if not field.required)
        raise Refusal(400, f"Column {missing!r} is needed by this model.")
    return numpy.column_stack([numpy.asarray(values, dtype=dtype) for values in columns])


def _fits(array: Any, dtype: str) -> bool:
    """Tell whether integers survive a narrower type; floats are rounded, as MLflow does."""
    if dtype != "int32" or not array.size:
        return True
    low, high = INTEGERS["integer"]
    return bool(array.min() >= low and array.max() <= high)


def _in_order(payload: Rows, signature: Signature) -> list[Any] | None:
    """Give the rows when their columns already stand as the signature has them."""
    if payload.columns is None or payload.columns == signature.names:
        return payload.rows
    if not set(signature.names) <= set(payload.columns):
        return None
    places = [payload.columns.index(name) for name in signature.names]
    return [[row[place] for place in places] for row in payload.rows]


def _by_name(payload: Payload, signature: Signature) -> dict[str, list[Any]]:
    if isinstance(payload, Rows) and payload.columns is None:
        return dict(zip(signature.names, _by_place(payload, signature).values(), strict=True))
    if isinstance(payload, Named):
        given: dict[str, list[Any]] = dict(payload.values)
    else:
        given = {name: [row[place] for row in payload.rows] for place, name in enumerate(payload.columns or ())}
    missing = [field.name for field in signature.inputs if field.required and field.name not in given]
    if missing:
        raise Refusal(
            400, f"The model needs column{'s' if len(missing) > 1 else ''} {_quoted(missing)}; {_given(given)}."
        )
    return given


def _by_place(payload: Payload, signature: Signature) -> dict[str, list[Any]]:
    """Name the columns of bare rows by their place: "0", "1", …"""
    if isinstance(payload, Named):
        rows: list[Any] = [list(row) for row in zip(*payload.values.values(), strict=True)]
    else:
        rows = payload.rows
    width = len(signature.inputs)
    if width == 1 and not any(isinstance(row, list) for row in rows):
        return {"0": rows}
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width:
            size = f"{len(row)} values" if isinstance(row, list) else "a single value"
            names = f" ({', '.join(signature.names)})" if signature.names else ""
            raise Refusal(400, f"The model needs {width} columns{names}, but row {number} has {size}.")
    return {str(place): [row[place] for row in rows] for place in range(width)}


def _values(payload: Payload) -> list[Any]:
    if isinstance(payload, Rows):
        return [[_guess(cell) for cell in row] for row in payload.rows] if payload.is_text else payload.rows
    if len(payload.values) == 1:
        return next(iter(payload.values.values()))
    return [list(row) for row in zip(*payload.values.values(), strict=True)]


def _tensor(field: Field, values: list[Any]) -> Any:
    import numpy

    label = f"Input {field.name!r}" if field.name else "The input"
    try:
        array = numpy.array(values)
        if array.dtype.kind in "OU" and field.type not in ("str", "object"):
            raise ValueError
        array = array.astype(field.type, copy=False)
    except (ValueError, TypeError):
        raise Refusal(400, f"{label} must be an even tensor of {field.type}.") from None
    shape = field.shape or ()
    if array.ndim != len(shape) or any(side not in (-1, real) for side, real in zip(shape, array.shape, strict=True)):
        raise Refusal(400, f"{label} must have the shape {list(shape)}, not {list(array.shape)}.")
    return array


def _column(field: Field, name: str, values: list[Any], is_text: bool) -> Any:
    import numpy

    convert = _CONVERTERS.get(field.type)
    if convert is None:
        return _objects(values)
    made = []
    for number, value in enumerate(values):
        try:
            made.append(convert(_guess(value) if is_text and field.type != "string" else value))
        except (ValueError, TypeError, binascii.Error):
            raise Refusal(
                400, f"Column {name!r}, row {number}: {_shown(value)} is not {_ARTICLES[field.type]}."
            ) from None
    if field.type in NUMBERS:
        if field.type in INTEGERS and None in made:
            raise Refusal(400, f"Column {name!r}, row {made.index(None)}: an integer is needed, not null.")
        return numpy.array([math.nan if value is None else value for value in made], dtype=NUMBERS[field.type])
    if field.type == "boolean" and None not in made:
        return numpy.array(made, dtype=bool)
    if field.type == "datetime":
        return numpy.array(made, dtype="datetime64[ns]")
    return _objects(made)


def _objects(values: Sequence[Any]) -> Any:
    """Hold values as they are: numpy would make a matrix of lists."""
    import numpy

    array = numpy.empty(len(values), dtype=object)
    for number, value in enumerate(values):
        array[number] = value
    return array


def _number(value: Any) -> float | None:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise ValueError


def _whole(kind: str) -> Callable[[Any], int | None]:
    low, high = INTEGERS[kind]

    def convert(value: Any) -> int | None:
        number = _number(value)
        if number is None:
            return None
        if number != int(number) or not low <= number <= high:
            raise ValueError
        return int(number)

    return convert


def _flag(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise ValueError


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError


def _bytes(value: Any) -> bytes | None:
    return None if value is None else base64.b64decode(value, validate=True)


def _moment(value: Any) -> Any:
    """Read an ISO time or milliseconds since the epoch; times with a zone are brought to UTC."""
    import numpy

    if value is None:
        return numpy.datetime64("NaT")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return numpy.datetime64(int(value), "ms")
    moment = datetime.datetime.fromisoformat(_text(value).replace("Z", "+00:00"))  # type: ignore[union-attr]
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return numpy.datetime64(moment)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "double": _number,
    "float": _number,
    "integer": _whole("integer"),
    "long": _whole("long"),
    "boolean": _flag,
    "string": _text,
    "binary": _bytes,
    "datetime": _moment,
}

_ARTICLES = {
    "double": "a number",
    "float": "a number",
    "integer": "a whole number of 32 bits",
    "long": "a whole number of 64 bits",
    "boolean": "true or false",
    "string": "text",
    "binary": "base64 text",
    "datetime": "a time (ISO 8601 or milliseconds)",
}


def _guess(cell: Any) -> Any:
    """Read a CSV cell: empty is nothing, then a number, a flag, or text."""
    if not isinstance(cell, str):
        return cell
    if cell == "":
        return None
    if cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    for convert in (int, float):
        try:
            return convert(cell)
        except ValueError:
            continue
    return cell


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _quoted(names: Sequence[Any]) -> str:
    return ", ".join(repr(name) for name in names[:20]) + (" …" if len(names) > 20 else "")


def _given(given: dict[str, Any]) -> str:
    return f"the body has {_quoted(list(given))}" if given else "the body has none"
