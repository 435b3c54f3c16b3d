"""Tokens into a tree, by plain descent.

filter  := [ either ]
either  := every { OR every }
every   := one { AND one }                 (MLflow's: AND may be left out or repeated, as its clients can today)
one     := NOT one | ( either ) | term
term    := field operator value | field [NOT] IN ( value {, value} ) | field [NOT] BETWEEN value AND value
         | field [NOT] LIKE text | field IS [NOT] NULL
field   := path | attribute | last(path) | min(path) | max(path)
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import cast

from django.utils.translation import gettext as _

from lib.search import values
from lib.search.dialects import Dialect
from lib.search.errors import SearchError, SearchTooLarge, one_of
from lib.search.fields import read_field
from lib.search.tokens import Token, TokenKind, tokens
from lib.search.tree import EVERYTHING, And, Field, Node, Not, Of, Operator, Or, Scalar, Term, Value
from lib.search.values import Wanted

DEEPEST = 40
MOST_TERMS = 200
MOST_ITEMS = 1000

COMPARISONS = ["=", "!=", ">", ">=", "<", "<="]
FUNCTIONS = {"LAST": "last", "MIN": "min", "MAX": "max"}


def parse_filter(text: str, dialect: Dialect) -> Node:
    """Parse a filter; a blank one means everything. Raises InvalidValue, of which SearchError knows the column."""
    parser = Parser(tokens(text, is_mlflow=dialect.is_mlflow), dialect)
    if parser.is_next("end"):
        return EVERYTHING
    found = parser.every() if dialect.is_mlflow else parser.either()
    if not parser.is_next("end"):
        raise parser.expected(_("AND or the end") if dialect.is_mlflow else _("AND, OR or the end"))
    return found


class Parser:
    """Read tokens from left to right, never back."""

    def __init__(self, given: list[Token], dialect: Dialect) -> None:
        self.given = given
        self.dialect = dialect
        self.at = 0
        self.depth = 0
        self.terms = 0

    # ---- Tokens

    @property
    def peek(self) -> Token:
        return self.given[self.at]

    def is_next(self, kind: TokenKind) -> bool:
        return self.peek.kind == kind

    def take(self) -> Token:
        token = self.peek
        if token.kind != "end":
            self.at += 1
        return token

    def take_word(self, word: str) -> bool:
        if self.peek.word != word:
            return False
        self.at += 1
        return True

    def need(self, kind: TokenKind, expected: str) -> Token:
        if not self.is_next(kind):
            raise self.expected(expected)
        return self.take()

    def need_word(self, word: str) -> None:
        if not self.take_word(word):
            raise self.expected(word)

    def expected(self, what: str, token: Token | None = None) -> SearchError:
        token = token or self.peek
        return SearchError(token.column, what, token.found)

    def refuse_in_mlflow(self, expected: str) -> None:
        if self.dialect.is_mlflow:
            raise self.expected(expected)

    # ---- Logic

    def either(self) -> Node:
        return self.chain("OR", self.every, Or)

    def every(self) -> Node:
        return self.chain("AND", self.one, And)

    def chain(self, word: str, part: Callable[[], Node], kind: type[And] | type[Or]) -> Node:
        parts = [part()]
        while self.take_word(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else kind(tuple(parts))

    def one(self) -> Node:
        if self.peek.word != "NOT" and not self.is_next("open"):
            return self.term()
        self.refuse_in_mlflow(_("a comparison (MLflow's filters know AND only)"))
        self.depth += 1
        if self.depth > DEEPEST:
            raise SearchTooLarge(
                self.peek.column, _("Brackets and NOT may stand at most %(most)s deep.") % {"most": DEEPEST}
            )
        found = Not(self.one()) if self.take_word("NOT") else self.bracket()
        self.depth -= 1
        return found

    def bracket(self) -> Node:
        self.take()
        found = self.either()
        self.need("close", _("AND, OR or “)”"))
        return found

    # ---- Terms

    def term(self) -> Term:
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise SearchTooLarge(
                self.peek.column, _("A filter has at most %(most)s comparisons.") % {"most": MOST_TERMS}
            )
        field = self.field(self.dialect.attributes)
        operator = self.operator(field)
        if operator in ("IS NULL", "IS NOT NULL"):
            return Term(field, operator, None)
        if operator in ("IN", "NOT IN"):
            return Term(field, operator, self.items(self.wanted(field, operator)))
        if operator in ("LIKE", "ILIKE", "NOT LIKE", "NOT ILIKE"):
            return Term(field, operator, self.pattern())
        wanted = self.wanted(field, operator)
        if operator in ("BETWEEN", "NOT BETWEEN"):
            low = self.value(wanted)
            self.need_word("AND")
            return Term(field, operator, (low, self.value(wanted)))
        return Term(field, operator, self.value(wanted))

    def field(self, attributes: Collection[str]) -> Field:
        name = self.peek
        is_call = name.word in FUNCTIONS and self.given[self.at + 1].kind == "open"
        if not is_call:
            return read_field(self.take(), self.dialect, attributes)
        self.refuse_in_mlflow(_("a comparison (MLflow's filters have no functions)"))
        self.at += 2
        inside = self.take()
        field = read_field(inside, self.dialect, attributes)
        if field.kind != "metric":
            raise self.expected(_("a metric, as in min(metrics.loss)"), inside)
        self.need("close", "“)”")
        return Field("metric", field.key, cast("Of", FUNCTIONS[name.word]), name.column)

    def operator(self, field: Field) -> Operator:
        """Read an operator that fits the field."""
        start = self.peek
        allowed = operators(field, self.dialect)
        read = self.words_or_sign()
        if read not in allowed:
            raise self.expected(one_of(allowed), start)
        return cast("Operator", read)

    def words_or_sign(self) -> str:
        token = self.take()
        if token.word == "IS":
            negated = self.take_word("NOT")
            self.need_word("NULL")
            return "IS NOT NULL" if negated else "IS NULL"
        if token.word == "NOT":
            return f"NOT {self.take().word}"
        return token.word or token.text

    def pattern(self) -> str:
        token = self.need("text", _("a text in quotes, as in 'be%'"))
        return values.unquoted(token, self.dialect)

    def wanted(self, field: Field, operator: Operator) -> Wanted:
        """Say how a value is read: the studio's dialect reads params and tags as numbers where it is given numbers."""
        kind = self.dialect.type_of(field.kind, field.key)
        if kind != "text" or self.dialect.is_mlflow or field.kind not in ("param", "tag"):
            return kind
        return "text or number" if operator in ("=", "!=", "IN", "NOT IN") else "exact number"

    def value(self, wanted: Wanted) -> Scalar:
        return values.value(self.take(), wanted, self.dialect)

    def items(self, wanted: Wanted) -> Value:
        self.need("open", _("“(” and a list"))
        if wanted == "text or number":
            wanted = "exact number" if self.is_next("number") else "text"
        found = [self.value(wanted)]
        while self.is_next("comma"):
            comma = self.take()
            if self.is_next("close") and self.dialect.is_mlflow:
                break  # Python's ('a',), which MLflow's clients may write
            if len(found) == MOST_ITEMS:
                raise SearchTooLarge(comma.column, _("A list has at most %(most)s values.") % {"most": MOST_ITEMS})
            found.append(self.value(wanted))
        self.need("close", _("“,” or “)”"))
        return tuple(found)


def operators(field: Field, dialect: Dialect) -> list[str]:
    """List the operators that may follow a field."""
    kind = dialect.type_of(field.kind, field.key)
    found: list[str]
    if kind == "text":
        found = ["=", "!=", "LIKE", "ILIKE"]
        if not dialect.is_mlflow:
            found += ["NOT LIKE", "NOT ILIKE"]
            found += ["<", "<=", ">", ">=", "BETWEEN", "NOT BETWEEN"] if field.kind in ("param", "tag") else []
    elif kind == "digits":
        found = ["=", "!="]
    else:
        found = [*COMPARISONS]
        found += [] if dialect.is_mlflow else ["BETWEEN", "NOT BETWEEN"]
    if dialect.may_list(field.kind, field.key) and (kind in ("text", "digits") or not dialect.is_mlflow):
        found += ["IN", "NOT IN"]
    if dialect.may_miss(field.kind):
        found += ["IS NULL", "IS NOT NULL"]
    return found
