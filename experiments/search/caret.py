"""Where the caret stands in a filter that is being typed: what is begun there, and what would belong there."""

from __future__ import annotations

from dataclasses import dataclass

from lib.search.dialects import DATASET_KEYS, RUNS
from lib.search.tokens import QUOTES, Token, tokens
from lib.search.tree import Field, Kind


@dataclass(frozen=True)
class Key:
    """A key of a kind is begun."""

    kind: Kind


@dataclass(frozen=True)
class Value:
    """A value of a field is begun."""

    field: Field


@dataclass(frozen=True)
class Sign:
    """An operator behind a field is begun."""

    field: Field


@dataclass(frozen=True)
class Word:
    """A field is begun or, behind a comparison, what joins it to another."""

    is_joined: bool


@dataclass(frozen=True)
class Nothing:
    """What stands there fits nowhere."""


@dataclass(frozen=True)
class Caret:
    """`begun` is what was typed of the thing that is wanted, from `start` (counted from 0) on, without its quotes."""

    wanted: Key | Value | Sign | Word | Nothing
    begun: str
    start: int


def find(text: str) -> Caret:
    """Look at the text before the caret. Raises InvalidValue for a text that no filter can be."""
    before = tokens(text, is_mlflow=False)[:-1]
    for place, token in enumerate(before):
        if token.kind == "junk" and token.text in QUOTES:
            return in_quotes(text, before[:place], token)
    if not before or text[-1].isspace():
        return between(text, before)
    return at_token(text, before[:-1], before[-1])


def in_quotes(text: str, before: list[Token], quote: Token) -> Caret:
    """The text ends inside a quote: of a key, after `kind.`, or of a value."""
    begun, start = text[quote.column :], quote.column - 1
    kind = kind_before_dot(before)
    if kind is not None:
        return Caret(Key(kind), begun, start)
    field = field_of_value(before)
    return Caret(Value(field) if field else Nothing(), begun, start)


def between(text: str, before: list[Token]) -> Caret:
    """The text ends behind a whole token: what may follow?"""
    field = field_of_value(before)
    if field:
        return Caret(Value(field), "", len(text))
    named = field_at_end(before)
    if named:
        return Caret(Sign(named), "", len(text))
    is_joined = bool(before) and before[-1].kind in ("text", "number", "date", "age", "close")
    return Caret(Word(is_joined or (bool(before) and before[-1].word == "NULL")), "", len(text))


def at_token(text: str, before: list[Token], last: Token) -> Caret:
    """The text ends with a token that may go on."""
    start = last.column - 1
    if last.kind == "path":
        kind_name, _dot, key = last.text.partition(".")
        kind = RUNS.kinds.get(kind_name)
        if kind is not None and key[0] not in QUOTES:
            return Caret(Key(kind), key, start + len(kind_name) + 1)
    if last.text == "." and (kind := kind_before_dot([*before, last])) is not None:
        return Caret(Key(kind), "", len(text))
    if last.kind in ("operator", "open", "comma"):
        return between(text, [*before, last])
    field = field_of_value(before)
    if field:
        return Caret(Value(field), last.text, start)
    named = field_at_end(before)
    if named:
        return Caret(Sign(named), last.text, start)
    if last.kind == "word":
        return Caret(between(text[:start], before).wanted, last.text, start)
    return Caret(Nothing(), last.text, start) if last.kind == "junk" else between(text, [*before, last])


def kind_before_dot(before: list[Token]) -> Kind | None:
    if len(before) < 2 or before[-1].text != ".":
        return None
    return RUNS.kinds.get(before[-2].text)


def field_of_value(before: list[Token]) -> Field | None:
    """Give the field whose value would come next: behind its operator, or in its list."""
    end = len(before)
    while end and before[end - 1].kind in ("text", "number", "comma", "open"):
        end -= 1
        if before[end].kind == "open":
            return field_of_list(before[:end])
    is_behind_operator = bool(before) and (before[-1].kind == "operator" or before[-1].word in ("LIKE", "ILIKE"))
    if end < len(before) or not is_behind_operator:
        return None
    return field_at_end(without_not(before[:-1]))


def field_of_list(before: list[Token]) -> Field | None:
    return field_at_end(without_not(before[:-1])) if before and before[-1].word == "IN" else None


def without_not(before: list[Token]) -> list[Token]:
    return before[:-1] if before and before[-1].word == "NOT" else before


def field_at_end(before: list[Token]) -> Field | None:
    """Read the last token as a field, as far as it is one."""
    if not before:
        return None
    last = before[-1]
    if last.kind == "close" and len(before) > 3 and before[-3].kind == "open" and before[-2].kind == "path":
        return field_at_end(before[:-1])
    kind_name, dot, key = last.text.partition(".")
    if last.kind == "word" and not dot:
        name = RUNS.aliases.get(last.text, last.text)
        return Field("attribute", name) if name in RUNS.attributes else None
    kind = RUNS.kinds.get(kind_name) if last.kind == "path" else None
    key = key.strip("`")
    known = {"attribute": RUNS.attributes, "dataset": DATASET_KEYS}.get(kind or "", [key])
    return Field(kind, key) if kind and key in known else None
