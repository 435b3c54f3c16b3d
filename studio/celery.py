"""The Celery application of the control and build workers. Compute nodes have one of their own (`compute.node`)."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")

app = Celery("studio")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Nobody gives the workers orders but rows; what is not listened to cannot be misused by a node's broker credentials.
app.conf.worker_enable_remote_control = False
# Heartbeats are signals of this very process; tasks are found where apps keep them.
app.conf.imports = ("studio.heartbeats",)
app.autodiscover_tasks(
    ["studio", "workspaces", "workspaces.webhooks", "compute", "experiments", "registry", "jobs", "deployments"]
)

# A row says what is wanted; these look every few seconds at every row not at rest and send what is missing, so a lost
# message heals itself. A tick that was not run before the next one is worth nothing: it expires.
app.conf.beat_schedule = {
    name: {"task": task, "schedule": seconds, "options": {"expires": seconds}}
    for name, task, seconds in [
        ("heartbeat", "studio.tasks.heartbeat", 2.0),
        ("reconcile-endpoints", "deployments.tasks.reconcile", 2.0),
        ("reconcile-jobs", "jobs.tasks.reconcile", 2.0),
        ("reconcile-environments", "compute.tasks.reconcile", 5.0),
        ("reconcile-deletions", "workspaces.tasks.reconcile", 5.0),
        ("reconcile-webhooks", "workspaces.webhooks.tasks.reconcile", 5.0),
        ("tidy-webhooks", "workspaces.webhooks.tasks.tidy", 600.0),
    ]
}
