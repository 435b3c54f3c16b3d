"""The append-only log of what was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models

from lib import logs
from lib.postgres.insertion import Insertion
from workspaces.access import Actor
from workspaces.models import AuditEntry, ResourceGroup, Workspace

SECRET_WORDS = ("password", "secret", "token", "key")
LONGEST = 500
ADD = Insertion(AuditEntry)


def record(
    actor: Actor,
    action: str,
    *,
    where: Workspace | ResourceGroup | None = None,
    target: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write one row. Details are cut to what is safe to keep: no secrets, no long values, no objects."""
    workspace = where if isinstance(where, Workspace) else None
    group = workspace.group if workspace else where if isinstance(where, ResourceGroup) else None
    ADD(
        AuditEntry(
            actor=actor.name,
            action=action,
            group=group.name if group else "",
            workspace=workspace.name if workspace else "",
            target=target[:200],
            details={name: plain(name, value) for name, value in (details or {}).items()},
            request_id=logs.request_id.get().removeprefix("-")[:100],
        )
    )


def plain(name: str, value: Any) -> Any:
    if any(word in name.lower() for word in SECRET_WORDS):
        return "…"
    if name == "url":  # what follows the host of a given address often is a secret
        return "/".join(str(value).split("/")[:3])
    if value is None or isinstance(value, bool | int | float):
        return value if value == value else "NaN"
    if isinstance(value, models.Model):
        return str(value.pk)
    text = str(value).replace("\x00", "")
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
