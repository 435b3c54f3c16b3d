"""What a widget shows of a run, as HTML and as text."""

from __future__ import annotations

from html import escape
from typing import Any

FINAL = {"Completed", "Failed", "Canceled"}
MOST_METRICS, MOST_TRIES = 12, 20
HEAD = ("Try", "State", "Best", "Parameters")


def card(run: Any) -> str:
    """Draw a run: name, state, link, metrics; of a sweep its tries, the best first."""
    details = run.get_details()
    error = (details.get("error") or {}).get("error", {}).get("message", "")
    parts = [
        f'<p><a href="{escape(run.get_portal_url())}" target="_blank" rel="noopener">'
        f"{escape(run.display_name or run.id)}</a>: <b>{escape(details['status'])}</b></p>",
        f"<pre>{escape(error[-1000:])}</pre>" if error else "",
        table(HEAD, tries(run)) if hasattr(run, "get_children_sorted_by_primary_metric") else table(
            ("Metric", "Value"), metrics(run)
        ),
    ]  # fmt: skip
    return f'<div class="studio-run">{"".join(parts)}</div>'


def lines(run: Any) -> list[str]:
    """Say in a terminal what `card` draws."""
    return [f"Run {run.display_name or run.id}: {run.get_status()}", run.get_portal_url()]


def metrics(run: Any) -> list[tuple[str, str]]:
    """Give the newest value of each metric."""
    found = run.get_metrics()
    return [(str(name), newest(found[name])) for name in sorted(found)[:MOST_METRICS]]


def newest(value: Any) -> str:
    last = value[-1] if isinstance(value, list) and value else value
    return f"{last:.6g}" if isinstance(last, float) else str(last)[:100]


def tries(run: Any) -> list[tuple[str, ...]]:
    rows = run.get_children_sorted_by_primary_metric(top=MOST_TRIES)
    return [(row["run_id"][:8], row["status"], best(row), row["hyperparameters"]) for row in rows]


def best(row: dict[str, Any]) -> str:
    return "" if row["best_primary_metric"] is None else newest(row["best_primary_metric"])


def table(heads: tuple[str, ...], rows: list[Any]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
