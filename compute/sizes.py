"""VM sizes by the names that cloud studios know: here a label that sets what a node's jobs may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from lib.errors import InvalidValue

GIB = 1024**3
DEFAULT = "Standard_D2_v2"


@dataclass(frozen=True)
class Size:
    """Cores and memory of a node of this size."""

    name: str
    cores: float
    memory_gib: float

    @property
    def limits(self) -> dict[str, Any]:
        """Give the limits of a job on such a node, as compute.launcher has them."""
        return {"memory_bytes": int(self.memory_gib * GIB), "cpu_quota": self.cores, "cpu_weight": self.cores}


SIZES = {
    size.name: size
    for size in (
        Size("Standard_B1s", 1, 1),
        Size("Standard_B1ms", 1, 2),
        Size("Standard_B2s", 2, 4),
        Size("Standard_DS1_v2", 1, 3.5),
        Size("Standard_DS2_v2", 2, 7),
        Size("Standard_DS3_v2", 4, 14),
        Size("Standard_DS4_v2", 8, 28),
        Size("Standard_D1", 1, 3.5),
        Size("Standard_D1_v2", 1, 3.5),
        Size("Standard_D2_v2", 2, 7),
        Size("Standard_D3_v2", 4, 14),
        Size("Standard_D4_v2", 8, 28),
        Size("Standard_D11_v2", 2, 14),
        Size("Standard_D12_v2", 4, 28),
        Size("Standard_D2s_v3", 2, 8),
        Size("Standard_D4s_v3", 4, 16),
        Size("Standard_D8s_v3", 8, 32),
        Size("Standard_E4s_v3", 4, 32),
        Size("Standard_F2s_v2", 2, 4),
        Size("Standard_F4s_v2", 4, 8),
        Size("Standard_NC6", 6, 56),
    )
}
BY_SMALL_NAME = {name.lower(): size for name, size in SIZES.items()}


def find(name: str) -> Size | None:
    return BY_SMALL_NAME.get(name.lower())


def checked(name: str) -> Size:
    """Give the size of this name, in any case of letters. Raises InvalidValue, which lists what there is."""
    found = find(name)
    if found is None:
        raise InvalidValue(
            _("There is no VM size “%(name)s”; there are: %(known)s.") % {"name": name[:40], "known": ", ".join(SIZES)},
            field="vm_size",
        )
    return found


def narrowed(limits: dict[str, Any], name: str) -> dict[str, Any]:
    """Give a job's limits, none beyond what its node's size has."""
    size = find(name)
    if size is None:
        return limits
    both = {**size.limits, **limits}
    for key in ("memory_bytes", "cpu_quota"):
        both[key] = min(both[key], size.limits[key])
    return both
