"""Which rows of those in the bin and those outside it are wanted."""

from __future__ import annotations

from enum import StrEnum

from django.db.models import Q


class View(StrEnum):
    ACTIVE = "active"
    DELETED = "deleted"
    ALL = "all"

    @property
    def condition(self) -> Q:
        if self is View.ALL:
            return Q()
        return Q(deleted_ms__isnull=self is View.ACTIVE)
