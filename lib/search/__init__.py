"""Search: one grammar, one tree, and SQL from it with bound values only.

    text ── tokens ── parser ──► tree ──► sql (conditions), ordering (order, keyset pages)
                        ▲
                     dialects: MLflow's, and the studio's superset of it

Whoever searches something says in a `sql.Table` where its attributes, params, tags and metrics are kept; nothing here
knows a model.
"""

from lib.search import dialects
from lib.search.dialects import Dialect
from lib.search.errors import SearchError, SearchTooLarge
from lib.search.orders import parse_order
from lib.search.parser import parse_filter
from lib.search.tree import And, Field, Node, Not, Or, OrderTerm, Term

__all__ = [
    "And",
    "Dialect",
    "Field",
    "Node",
    "Not",
    "Or",
    "OrderTerm",
    "SearchError",
    "SearchTooLarge",
    "Term",
    "dialects",
    "parse_filter",
    "parse_order",
]
