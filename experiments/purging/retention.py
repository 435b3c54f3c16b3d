"""The rule after which the trash of a workspace empties by itself."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from experiments.models import Purge, PurgeKind, PurgeState, TrashRule
from experiments.purging import neighbours, rows, selection
from lib.clock import now_ms
from workspaces.models import LifeState, Workspace

DAY_MS = 24 * 3600 * 1000
RULE = "retention rule"


@dataclass(frozen=True)
class Rule:
    """`days` in the trash, 0 for as long as nobody empties it. Nothing goes before `not_before_ms`."""

    days: int
    not_before_ms: int = 0

    def due_ms(self, deleted_ms: int) -> int | None:
        """Say when something that was deleted then goes for good; None for never."""
        return max(deleted_ms + self.days * DAY_MS, self.not_before_ms) if self.days else None


def rule(workspace: Workspace) -> Rule:
    """Give the workspace's rule, or the setting's. A changed rule takes effect a day later: that is time to notice."""
    own = TrashRule.objects.filter(workspace=workspace).first()
    if own is None:
        return Rule(settings.STUDIO_TRASH_DAYS)
    return Rule(own.days, own.updated_ms + DAY_MS)


def apply_all() -> list[int]:
    """Begin a purge in each workspace where something has lain long enough; give the purges."""
    begun = [apply(workspace) for workspace in Workspace.objects.filter(state=LifeState.ACTIVE)]
    return [purge.pk for purge in begun if purge is not None]


def apply(workspace: Workspace) -> Purge | None:
    found, now = rule(workspace), now_ms()
    if not found.days or now < found.not_before_ms:
        return None
    rules = Purge.objects.filter(workspace=workspace, is_by_rule=True).exclude(state=PurgeState.DONE)
    if rules.exists():
        return None
    purge = Purge(
        workspace=workspace,
        kind=PurgeKind.TRASH,
        label=RULE,
        asked_by=RULE,
        is_by_rule=True,
        until_ms=now - found.days * DAY_MS,
    )
    if not would_free(purge):
        return None
    purge.save()
    return purge


def would_free(purge: Purge) -> bool:
    """Say whether anything would go: what is held shall not make a purge that frees nothing, hour after hour."""
    return frees_runs(purge) or frees_models(purge) or frees_experiments(purge)


def frees_runs(purge: Purge) -> bool:
    last = ""
    while found := rows.chosen(selection.runs(purge), last):
        models = list(selection.logged_models_of(found))
        if len(rows.run_holds(found, models)) < len(found):
            return True
        last = found[-1].pk
    return False


def frees_models(purge: Purge) -> bool:
    last = ""
    while found := rows.chosen(selection.logged_models(purge), last):
        if len(neighbours.holds_models([model.pk for model in found])) < len(found):
            return True
        last = found[-1].pk
    return False


def frees_experiments(purge: Purge) -> bool:
    return selection.experiments(purge).filter(runs=None, logged_models=None).exists()
