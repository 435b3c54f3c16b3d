"""How each kind of purge is weighed and done; the registry adds its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from experiments.models import Purge, PurgeKind
from experiments.purging import parts, rows, weighing
from experiments.purging.weighing import Weight


@dataclass(frozen=True)
class Kind:
    """`weigh(purge, seconds)` counts beforehand; `next_batch(purge)` says whether anything was left to deal with."""

    weigh: Callable[[Purge, float], Weight]
    next_batch: Callable[[Purge], bool]


def register(name: str, kind: Kind) -> None:
    KINDS[name] = kind


IN_TRASH = Kind(weighing.weigh, rows.next_batch)
KINDS: dict[str, Kind] = {
    PurgeKind.TRASH: IN_TRASH,
    PurgeKind.EXPERIMENT: IN_TRASH,
    PurgeKind.RUN: IN_TRASH,
    PurgeKind.LOGGED_MODEL: IN_TRASH,
    PurgeKind.METRIC: Kind(lambda purge, _seconds: Weight(parts.weigh_metric(purge)), parts.delete_metric),
    PurgeKind.ARTIFACT: Kind(lambda purge, _seconds: Weight(parts.weigh_artifact(purge)), parts.delete_artifact),
}


def of(purge: Purge) -> Kind:
    return KINDS[purge.kind]
