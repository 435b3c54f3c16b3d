"""Which clusters somebody above still needs. Rooms above say so: `used_by.append(ask)`; `ask(cluster)` gives names."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from compute.models import ComputeTarget
from lib.errors import Conflict

used_by: list[Callable[[ComputeTarget], list[str]]] = []
MOST_NAMED = 5


def require_unused(target: ComputeTarget) -> None:
    """Raise Conflict, which names them, when endpoints run on the cluster, or would when they are started."""
    names = [name for ask in used_by for name in ask(target)]
    if names:
        shown = ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
        words = {"cluster": target.name, "names": shown}
        raise Conflict(_("Endpoints are on “%(cluster)s”: %(names)s. Delete them first.") % words)
