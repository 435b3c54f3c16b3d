"""What a runs table shows, kept under a name."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from django.utils.translation import gettext as _

from experiments.models import Experiment, SavedView
from lib.clock import now_ms
from lib.errors import InvalidValue
from workspaces.access import Actor, operation
from workspaces.models import Workspace

KEPT = frozenset({"filter", "order", "view", "column", "pin", "group", "flat", "width", "x", "smoothing"})
LONGEST_NAME, LONGEST_QUERY = 100, 8000


def normal(query: str) -> str:
    """Keep what a view is made of, in one order, so that equal views have equal addresses."""
    kept = [pair for pair in parse_qsl(query) if pair[0] in KEPT]
    return urlencode(sorted(kept, key=lambda pair: pair[0]))


@operation("experiments.write")
def save_view(actor: Actor, target: Workspace | Experiment, *, name: str, query: str) -> SavedView:
    """Keep a view of an experiment's runs, or of all the workspace's; one of the same name is replaced.

    Raises InvalidValue for a name or an address that cannot be kept.
    """
    name, query = name.strip(), normal(query)
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidValue(_("Give the view a name of 1–100 characters."), field="name")
    if len(query) > LONGEST_QUERY:
        raise InvalidValue(_("The view shows too much to be kept: show fewer columns."), field="name")
    workspace, experiment = (target, None) if isinstance(target, Workspace) else (target.workspace, target)
    view, _made = SavedView.objects.update_or_create(
        workspace=workspace,
        experiment=experiment,
        name=name,
        defaults={"query": query, "created_by": actor.name, "updated_ms": now_ms()},
    )
    return view


@operation("experiments.write")
def delete_view(actor: Actor, view: SavedView) -> None:
    """Forget a view; the runs it showed stay as they are."""
    view.delete()
