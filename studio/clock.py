"""The clock: a Celery application that only sends ticks.

It knows tasks by name and loads none of the studio's apps: it starts in under a second and takes a third of the memory
that a worker takes.
"""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")

# Without Celery's fixups, Django's settings and cache work and its apps stay unloaded.
app = Celery("clock", fixups=[])
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.imports = ("studio.heartbeats",)

# A row says what is wanted; these look every few seconds at every row not at rest and send what is missing, so a lost
# message heals itself. Those of one rhythm are one message, or a studio at rest would do little but send them.
LOOKS = {
    2.0: ["deployments.tasks.reconcile", "jobs.tasks.reconcile", "jobs.tasks.reconcile_sweeps"],
    5.0: [
        "jobs.tasks.fire_schedules",
        "compute.tasks.reconcile",
        "workspaces.webhooks.tasks.reconcile",
        # These may work for a while: last, so that the others have had their turn.
        "workspaces.tasks.reconcile",
        "experiments.tasks.reconcile_purges",
    ],
}
OTHERS = [
    ("heartbeat", "studio.tasks.heartbeat", 2.0),
    ("pack-points", "experiments.tasks.pack_points", 10.0),
    ("reconcile-profiles", "experiments.tasks.reconcile_profiles", 10.0),
    ("collect-samples", "deployments.tasks.collect", 30.0),
    ("roll-up-traffic", "deployments.tasks.roll_up", 600.0),
    ("tidy-webhooks", "workspaces.webhooks.tasks.tidy", 600.0),
    ("empty-trash", "experiments.tasks.empty_trash", 3600.0),
    ("forget-uploads", "experiments.tasks.forget_uploads", 3600.0),
    ("free-snapshots", "jobs.tasks.free_snapshots", 3600.0),
]


def entry(task: str, seconds: float, *args: object) -> dict[str, object]:
    """Say how often a task is sent. A tick that was not run before the next one is worth nothing: it expires."""
    return {"task": task, "schedule": seconds, "args": args, "options": {"expires": seconds}}


app.conf.beat_schedule = {
    **{f"look-every-{seconds:g}-s": entry("studio.tasks.look", seconds, names) for seconds, names in LOOKS.items()},
    **{name: entry(task, seconds) for name, task, seconds in OTHERS},
}
