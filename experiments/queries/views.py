"""Which rows of those in the bin and those outside it are wanted, and on pages: which of those put out of sight."""

from __future__ import annotations

from enum import StrEnum

from django.db.models import Q


class View(StrEnum):
    """ACTIVE, DELETED and ALL are what MLflow's clients know; SHOWN and ARCHIVED divide ACTIVE for pages."""

    ACTIVE = "active"
    DELETED = "deleted"
    ALL = "all"
    SHOWN = "shown"
    ARCHIVED = "archived"

    @property
    def condition(self) -> Q:
        if self is View.ALL:
            return Q()
        if self in (View.SHOWN, View.ARCHIVED):
            return Q(deleted_ms=None, archived_ms__isnull=self is View.SHOWN)
        return Q(deleted_ms__isnull=self is View.ACTIVE)

    @classmethod
    def of_page(cls, name: str) -> View:
        """Read what an address asks to see: what is neither deleted nor archived, unless it names one of these."""
        return cls(name) if name in (cls.DELETED, cls.ARCHIVED) else cls.SHOWN
