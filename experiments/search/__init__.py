"""Search over runs: a filter's tree and an order's keys applied to a queryset, and suggestions while one types.

    rows = search.apply(Run.objects.visible_to(actor), parse_filter(text, dialects.RUNS))
    rows = search.order(rows, parse_order(["min(metrics.loss)"], dialects.RUNS))

For keyset pages: `search.ordering(terms)` with `apply`, `place` and `after`.
"""

from experiments.search.runs import apply, order, ordering
from experiments.search.suggestions import Suggestion, suggest

__all__ = ["Suggestion", "apply", "order", "ordering", "suggest"]
