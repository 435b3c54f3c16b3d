"""Every state word of the studio, with the tone and the icon it is shown with: one badge for all of them."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Badge:
    """How a state looks; `turns` makes the icon turn while something moves."""

    tone: str
    icon: str
    word: str | Promise
    turns: bool = False


def _moves(word: str | Promise) -> Badge:
    return Badge("run", "running", word, turns=True)


BADGES: dict[str, Badge] = {
    # runs
    "scheduled": Badge("wait", "queued", _("Scheduled")),
    "running": _moves(_("Running")),
    "finished": Badge("ok", "ok", _("Finished")),
    "failed": Badge("bad", "failed", _("Failed")),
    "killed": Badge("off", "cancelled", _("Killed")),
    "deleted": Badge("off", "trash", _("Deleted")),
    "archived": Badge("off", "archive", _("Archived")),
    # jobs
    "queued": Badge("wait", "queued", _("Queued")),
    "preparing": _moves(_("Preparing")),
    "starting": _moves(_("Starting")),
    "finalizing": _moves(_("Finalizing")),
    "completed": Badge("ok", "ok", _("Completed")),
    "cancelrequested": _moves(_("Cancelling")),
    "canceling": _moves(_("Cancelling")),
    "cancelling": _moves(_("Cancelling")),
    "canceled": Badge("off", "cancelled", _("Cancelled")),
    "cancelled": Badge("off", "cancelled", _("Cancelled")),
    "paused": Badge("off", "pause", _("Paused")),
    "disabled": Badge("bad", "failed", _("Disabled")),
    "submitted": Badge("ok", "ok", _("Submitted")),
    "notresponding": Badge("warn", "lost", _("Not responding")),
    "notstarted": Badge("wait", "queued", _("Not started")),
    "done": Badge("ok", "ok", _("Done")),
    "skipped": Badge("off", "less", _("Skipped")),
    # environments
    "building": _moves(_("Building")),
    "buildingenvironment": _moves(_("Building environment")),
    "ready": Badge("ok", "ok", _("Ready")),
    # deployments, endpoints and replicas
    "creating": _moves(_("Creating")),
    "updating": _moves(_("Updating")),
    "transitioning": _moves(_("Transitioning")),
    "probing": _moves(_("Probing")),
    "stopping": _moves(_("Stopping")),
    "deleting": _moves(_("Deleting")),
    "healthy": Badge("ok", "ok", _("Healthy")),
    "serving": Badge("ok", "ok", _("Serving")),
    "unhealthy": Badge("warn", "warn", _("Unhealthy")),
    "degraded": Badge("warn", "warn", _("Degraded")),
    "stopped": Badge("off", "stop", _("Stopped")),
    "retired": Badge("off", "archive", _("Retired")),
    "absent": Badge("off", "less", _("Absent")),
    "exited": Badge("bad", "failed", _("Exited")),
    # model versions and logged models
    "pendingregistration": _moves(_("Registering")),
    "failedregistration": Badge("bad", "failed", _("Registration failed")),
    "loggedmodelpending": _moves(_("Pending")),
    "loggedmodelready": Badge("ok", "ok", _("Ready")),
    "loggedmodeluploadfailed": Badge("bad", "failed", _("Upload failed")),
    "pending": Badge("wait", "queued", _("Pending")),
    # nodes and parts
    "online": Badge("ok", "ok", _("Online")),
    "provisioning": _moves(_("Provisioning")),
    "resizing": _moves(_("Resizing")),
    "succeeded": Badge("ok", "ok", _("Ready")),
    "idle": Badge("ok", "ok", _("Idle")),
    "leaving": _moves(_("Leaving")),
    "draining": _moves(_("Draining")),
    "drained": Badge("off", "pause", _("Drained")),
    "unusable": Badge("warn", "warn", _("Unusable")),
    "notbuilt": Badge("wait", "queued", _("Not built yet")),
    "offline": Badge("off", "lost", _("Offline")),
    "backoff": Badge("warn", "warn", _("Restarting")),
    "active": Badge("ok", "ok", _("Active")),
    "expired": Badge("off", "clock", _("Expired")),
    "revoked": Badge("off", "cancelled", _("Revoked")),
}


def badge(state: object) -> Badge:
    """Find the badge of a state in any spelling (`NOT_RESPONDING`, `NotResponding`); an unknown word shows as it is."""
    key = "".join(letter for letter in str(state).lower() if letter.isalnum())
    return BADGES.get(key) or Badge("off", "info", str(state))
