"""MLflow's filter grammar: its own parser, within bounds, turned into clauses that know nothing of SQL."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlparse
from django.utils.translation import gettext as _
from mlflow.exceptions import MlflowException
from mlflow.utils.search_utils import (
    SearchExperimentsUtils,
    SearchLoggedModelsUtils,
    SearchModelUtils,
    SearchModelVersionUtils,
    SearchUtils,
)
from sqlparse.exceptions import SQLParseError
from sqlparse.tokens import Keyword

import lib.mlflow  # noqa: F401  puts the bare parent before the imports below
from lib.errors import InvalidValue

Kind = Literal["attribute", "parameter", "tag", "metric", "dataset"]
Grammar = Literal["runs", "experiments", "models", "versions", "logged_models"]

LONGEST_FILTER = 20_000
MOST_CLAUSES = 100
MOST_ORDERS = 20
LARGEST_OFFSET = 10_000_000
# Bounds the parser's own time: it groups brackets by recursion.
DEEPEST = 50

PARSERS: Mapping[str, Any] = {
    "runs": SearchUtils,
    "experiments": SearchExperimentsUtils,
    "models": SearchModelUtils,
    "versions": SearchModelVersionUtils,
    "logged_models": SearchLoggedModelsUtils,
}
TEXT = {"=", "!=", "LIKE", "ILIKE"}
LISTS = {"IN", "NOT IN"}
NUMBERS = {"=", "!=", ">", ">=", "<", "<="}
PRESENCE = {"IS NULL", "IS NOT NULL"}


@dataclass(frozen=True)
class Clause:
    """One comparison; all of a filter's must hold. `value` is a string, a number, a tuple of strings or None."""

    kind: Kind
    key: str
    comparator: str
    value: Any


@dataclass(frozen=True)
class Order:
    kind: Kind
    key: str
    ascending: bool


def clauses(grammar: Grammar, text: str) -> list[Clause]:
    """Parse a filter. Raises InvalidValue with MLflow's own words."""
    if len(text) > LONGEST_FILTER:
        raise InvalidValue(_("The filter is longer than %s characters.") % LONGEST_FILTER)
    if text.count("(") > DEEPEST:
        raise InvalidValue(_("The filter has more than %s brackets.") % DEEPEST)
    parser = PARSERS[grammar]
    found = [clause(parser, one) for one in guarded(parser.parse_search_filter, text.strip())]
    if text.strip() and guarded(count_ands, text) != len(found) - 1:
        raise InvalidValue(_("The filter has an AND too many or too few: “%s”.") % text[:200])
    if len(found) > MOST_CLAUSES:
        raise InvalidValue(_("The filter has more than %s clauses.") % MOST_CLAUSES)
    return found


def count_ands(text: str) -> int:
    """Count the ANDs between clauses; MLflow's parser does not look whether something stands on both sides of each."""
    tokens = sqlparse.parse(text)[0].tokens
    return sum(1 for token in tokens if token.match(Keyword, ["AND"]))


def guarded(parse: Any, *arguments: Any) -> Any:
    """Run MLflow's parser; what it raises on nonsense (and it raises many things) is the user's error, not ours."""
    try:
        return parse(*arguments)
    except MlflowException as error:
        raise InvalidValue(str(error.message)[:1000]) from None
    except (SQLParseError, RecursionError, ValueError, IndexError, TypeError, AttributeError, SyntaxError):
        raise InvalidValue(_("The filter or order could not be read: “%s”.") % str(arguments[0])[:200]) from None


def clause(parser: Any, parsed: Mapping[str, Any]) -> Clause:
    kind, key = parsed["type"], parsed["key"]
    comparator = re.sub(r"\s+", " ", str(parsed["comparator"]).upper())
    value = parsed["value"]
    if isinstance(value, list | tuple):
        value = tuple(str(item) for item in value)
    if kind == "metric":
        value = float(value)
    allowed = comparators(parser, kind, key)
    if comparator not in allowed or (comparator in LISTS) != isinstance(value, tuple):
        raise InvalidValue(
            _("Invalid comparator “%(given)s” for %(kind)s “%(key)s”: use one of %(allowed)s.")
            % {"given": comparator, "kind": kind, "key": key, "allowed": ", ".join(sorted(allowed))}
        )
    return Clause(kind, key, comparator, value)


def comparators(parser: Any, kind: str, key: str) -> set[str]:
    if kind == "metric":
        return NUMBERS
    if kind == "tag":
        return TEXT | (PRESENCE if parser in (SearchUtils, SearchExperimentsUtils) else set())
    if kind == "parameter":
        return TEXT | (PRESENCE if parser is SearchUtils else set())
    if kind == "attribute" and key in parser.NUMERIC_ATTRIBUTES:
        return NUMBERS
    return TEXT | LISTS


def orders(grammar: Grammar, given: Iterable[str]) -> list[Order]:
    """Parse the order_by list. Raises InvalidValue."""
    texts = list(given)
    if len(texts) > MOST_ORDERS:
        raise InvalidValue(_("order_by has more than %s keys.") % MOST_ORDERS)
    return [order(grammar, text) for text in texts]


def order(grammar: Grammar, text: str) -> Order:
    if len(text) > 600:
        raise InvalidValue(_("An order_by key is longer than 600 characters."))
    if grammar == "runs":
        return Order(*guarded(SearchUtils.parse_order_by_for_search_runs, text))
    if grammar == "experiments":
        return Order(*guarded(SearchExperimentsUtils.parse_order_by_for_search_experiments, text))
    if grammar == "versions":
        return Order(*guarded(SearchModelVersionUtils.parse_order_by_for_search_model_versions, text))
    if text.split()[:1] == ["creation_timestamp"]:  # which the server's own parser lacks, and newer clients send
        return Order(*guarded(SearchModelUtils.parse_order_by_for_search_registered_models, text))
    key, ascending = guarded(SearchUtils.parse_order_by_for_search_registered_models, text)
    return Order("attribute", key, ascending)


# ---- Page tokens ----------------------------------------------------------------------------------------------------


def page_token(offset: int, binding: str = "") -> str:
    """Make the token of the page that starts at `offset`; `binding` ties it to the query that it goes on with."""
    content = {"offset": offset, **({"query": binding} if binding else {})}
    return base64.b64encode(json.dumps(content).encode()).decode()


def page_offset(token: str, binding: str = "") -> int:
    """Read a token, strictly. Raises InvalidValue for one that this server did not make for this query."""
    if not token:
        return 0
    try:
        content = json.loads(base64.b64decode(token, validate=True)) if len(token) < 1000 else None
    except (binascii.Error, ValueError, RecursionError):
        content = None
    offset = content.get("offset") if isinstance(content, dict) else None
    if not isinstance(offset, int) or isinstance(offset, bool) or not 0 < offset <= LARGEST_OFFSET:
        raise InvalidValue(_("Invalid page token."), field="page_token")
    if isinstance(content, dict) and content.get("query", "") != binding:
        raise InvalidValue(_("The page token belongs to another query."), field="page_token")
    return offset
