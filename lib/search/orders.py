"""The keys of an order: `metrics.rmse ASC`, `start_time DESC`, and in the studio's dialect `min(metrics.loss)`."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from lib.search.dialects import Dialect
from lib.search.errors import SearchError, SearchTooLarge
from lib.search.parser import Parser
from lib.search.tokens import tokens
from lib.search.tree import OrderTerm

MOST_KEYS = 20
LONGEST_KEY = 1000


def parse_order(given: Sequence[str], dialect: Dialect) -> list[OrderTerm]:
    """Parse an order's keys. Raises InvalidValue; a SearchError's column counts inside its own key."""
    if len(given) > MOST_KEYS:
        raise SearchTooLarge(1, _("An order has at most %(most)s keys.") % {"most": MOST_KEYS})
    found: list[OrderTerm] = []
    for text in given:
        term = parse_key(text, dialect)
        if any(term.field == other.field for other in found):
            raise SearchError(term.field.column, _("each key of an order once"), f"“{text[:40]}”")
        found.append(term)
    return found


def parse_key(text: str, dialect: Dialect) -> OrderTerm:
    if len(text) > LONGEST_KEY:
        raise SearchTooLarge(
            LONGEST_KEY, _("A key of an order has at most %(most)s characters.") % {"most": LONGEST_KEY}
        )
    parser = Parser(tokens(text, is_mlflow=dialect.is_mlflow), dialect)
    start = parser.peek
    field = parser.field(dialect.orders if dialect.orders is not None else dialect.attributes)
    if field.kind == "dataset":
        raise parser.expected(_("a metric, a param, a tag or an attribute"), start)
    is_descending = parser.take_word("DESC")
    if not is_descending:
        parser.take_word("ASC")
    if parser.peek.kind != "end":
        raise parser.expected(_("ASC, DESC or the end"))
    return OrderTerm(field, is_descending)
