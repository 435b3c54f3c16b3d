"""Requests into messages, and answers into JSON, by the protocol's own rules.

Unknown fields are ignored, names come in snake_case or camelCase, a wrong type is a 400 that names the field. Nothing a
client can send may end as a 500: its client would repeat it for four minutes.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError

from lib.errors import InvalidValue
from lib.mlflow.messages import Message

LARGEST = 1.7976931348623157e308
LONGEST_MESSAGE = 500
# What is below 64 bits orjson reads as a float, which may be the least number that is not.
FAR_BELOW = re.compile(rb"-[0-9]{19}")
INTEGERS = {
    FieldDescriptor.TYPE_INT32,
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT32,
    FieldDescriptor.TYPE_UINT64,
}
NUMBERS = INTEGERS | {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT}


def read_json(request: HttpRequest) -> dict[str, Any]:
    """Give the body as an object; an absent body is an empty one. Raises InvalidValue for anything else."""
    body = request.body
    if not body.strip():
        return {}
    kind = (request.content_type or "").lower()
    if kind != "application/json":
        raise InvalidValue(_("Send the request as Content-Type: application/json, not “%s”.") % kind[:100])
    is_doubtful = b"u0000" in body or b"ud" in body.lower()
    try:
        content = parsed(body)
        if isinstance(content, str):  # some clients encode twice, which may hide an escape
            content, is_doubtful = parsed(content.encode()), True
        if is_doubtful:
            refuse_unstorable(content, "")
    except (ValueError, RecursionError):
        raise InvalidValue(_("The body is not valid JSON.")) from None
    if not isinstance(content, dict):
        raise InvalidValue(_("The body must be a JSON object, not %s.") % type(content).__name__)
    return content


def parsed(body: bytes) -> Any:
    """Read JSON. Raises ValueError, or RecursionError for what is nested too deep."""
    if not FAR_BELOW.search(body):
        with suppress(orjson.JSONDecodeError):  # what the standard does not know but clients send: NaN and Infinity
            return orjson.loads(body)
    # Strictly UTF-8: given bytes, this parser guesses UTF-16 and lets a surrogate's own bytes through.
    return json.loads(body.decode())


def refuse_unstorable(value: Any, where: str) -> None:
    """Raise InvalidValue for a text that the database cannot keep: PostgreSQL refuses NUL, UTF-8 lone surrogates."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise InvalidValue(_("%s holds a character that cannot be stored.") % (where or "body"), field=where)
    elif isinstance(value, dict):
        for key, item in value.items():
            refuse_unstorable(key, where)
            refuse_unstorable(item, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for item in value:
            refuse_unstorable(item, where)


def read_query(request: HttpRequest, message: Message) -> dict[str, Any]:
    """Give the query string as an object of the message's types: repeated keys are lists, booleans true or false."""
    fields = message.DESCRIPTOR.fields_by_name
    content = {}
    for name, values in request.GET.lists():
        field = fields.get(name)
        if field is None or field.message_type is not None:
            continue
        refuse_unstorable(values, name)
        read = [scalar(field, value) for value in values]
        content[name] = read if field.is_repeated else read[-1]
    return content


def scalar(field: FieldDescriptor, text: str) -> Any:
    if field.type == FieldDescriptor.TYPE_BOOL:
        if text.lower() not in ("true", "false"):
            raise wrong(field.name, text, "true or false")
        return text.lower() == "true"
    if field.type in INTEGERS:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
            raise wrong(field.name, text, "a whole number")
        return int(text)
    return text


def wrong(name: str, value: Any, wanted: str) -> InvalidValue:
    # Of what is nested a few levels only: to write it out whole may take more of them than Python has.
    shown = (value if isinstance(value, str) else reprlib.repr(value))[:100]
    return InvalidValue(
        _("Invalid value %(value)s for parameter '%(name)s': expected %(wanted)s.")
        % {"value": repr(shown), "name": name, "wanted": wanted},
        field=name,
    )


def missing(name: str) -> InvalidValue:
    """The words that MLflow uses, since its users search for them."""
    return InvalidValue(f"Missing value for required parameter '{name}'.", field=name)


def read(request: HttpRequest, message_class: Message, path: Mapping[str, str]) -> Message:
    """Give the request as a message. Raises InvalidValue that names the field."""
    message = message_class()
    content = read_query(request, message) if request.method == "GET" else read_json(request)
    return fill(message, {**content, **path})


def fill(message: Message, content: Mapping[str, Any]) -> Message:
    refuse_mistakes(message, content)
    try:
        ParseDict(dict(content), message, ignore_unknown_fields=True)
    except (ParseError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidValue(_("Invalid request: %s") % str(error)[:LONGEST_MESSAGE]) from None
    refuse_unknown_choices(message, content)
    return message


def refuse_mistakes(message: Message, content: Mapping[str, Any]) -> None:
    """Raise InvalidValue for what the parser lets pass: a field under both of its names, true or false as a number."""
    for field in message.DESCRIPTOR.fields:
        if field.json_name != field.name and field.json_name in content and field.name in content:
            raise InvalidValue(f"Give {field.name} or {field.json_name}, not both.", field=field.name)
        given = content.get(field.name, content.get(field.json_name))
        if isinstance(given, bool) and field.type in NUMBERS:
            raise wrong(field.name, given, "a number")


def refuse_unknown_choices(message: Message, content: Mapping[str, Any]) -> None:
    """Raise InvalidValue for an enum's unknown word, which the parser drops together with unknown fields."""
    for field in message.DESCRIPTOR.fields:
        if field.enum_type is None or field.is_repeated or field.message_type is not None:
            continue
        given = content.get(field.name, content.get(field.json_name))
        if given is not None and not message.HasField(field.name):
            raise wrong(field.name, given, ", ".join(value.name for value in field.enum_type.values))


def require(message: Message, *names: str) -> None:
    """Raise InvalidValue for a required field that is absent or empty."""
    for name in names:
        if not getattr(message, name):
            raise missing(name)


def number(value: float) -> float | str:
    """Give a metric's value as MLflow sends it: NaN as a word, infinity as the largest number."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return LARGEST if value > 0 else -LARGEST
    return value


def answer(content: Mapping[str, Any], status: int = 200) -> HttpResponse:
    text = json.dumps(content, separators=(",", ":"), allow_nan=False, ensure_ascii=False) if content else "{}"
    return HttpResponse(text.encode("utf-8", "surrogatepass"), status=status, content_type="application/json")
