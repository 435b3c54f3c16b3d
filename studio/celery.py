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
