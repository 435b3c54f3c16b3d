"""What happens in a workspace, told to those who asked for it.

`emit` is called inside the transaction of the operation that did it: what is rolled back was never told, and what is
committed is told even if every process dies right after. The names and shapes of the registry's events are MLflow's;
`run.*` are the studio's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from lib.clock import now_ms
from lib.postgres.prepared import Prepared
from workspaces.models import Workspace

MODEL = {"name": "a-model"}
VERSION = {"name": "a-model", "version": "1"}
TAG = {"key": "stage", "value": "reviewed"}
TAGS = {"tags": {"team": "forecasts"}, "description": "What a test of a webhook sends"}
RUN = {
    "run_id": "0123456789abcdef0123456789abcdef",
    "run_name": "a-run",
    "experiment_id": "1",
    "experiment_name": "an-experiment",
    "user_id": "alice",
    "start_time": 1_750_000_000_000,
}
ENDED = {**RUN, "end_time": 1_750_000_060_000}

# Event → an example of its data, which a test of a webhook sends; the keys are the shape that `emit` is given.
EVENTS: Mapping[str, Mapping[str, Any]] = {
    "registered_model.created": {**MODEL, **TAGS},
    "model_version.created": {**VERSION, "source": "models:/m-0123", "run_id": RUN["run_id"], **TAGS},
    "model_version_tag.set": {**VERSION, **TAG},
    "model_version_tag.deleted": {**VERSION, "key": "stage"},
    "model_version_alias.created": {**VERSION, "alias": "champion"},
    "model_version_alias.deleted": {**MODEL, "alias": "champion"},
    "prompt.created": {**MODEL, **TAGS},
    "prompt_version.created": {**VERSION, "template": "Say {{word}}.", **TAGS},
    "prompt_tag.set": {**MODEL, **TAG},
    "prompt_tag.deleted": {**MODEL, "key": "stage"},
    "prompt_version_tag.set": {**VERSION, **TAG},
    "prompt_version_tag.deleted": {**VERSION, "key": "stage"},
    "prompt_alias.created": {**VERSION, "alias": "champion"},
    "prompt_alias.deleted": {**MODEL, "alias": "champion"},
    "run.created": {**RUN, "status": "RUNNING", "end_time": None},
    "run.finished": {**ENDED, "status": "FINISHED"},
    "run.failed": {**ENDED, "status": "FAILED"},
    "run.killed": {**ENDED, "status": "KILLED"},
}

# The lock keeps a webhook from being deleted between the look and the row that refers to it; it does not stand in the
# way of the sender, who changes other columns. An event that nobody hears costs one look at a partial index.
LISTENERS = Prepared(
    "listeners",
    """
    SELECT id
      FROM workspaces_webhook
     WHERE workspace_id = %(workspace)s
       AND status = 'ACTIVE'
       AND %(event)s = ANY (events)
       FOR KEY SHARE
    """,
    {"workspace": "bigint", "event": "text"},
)
WRITE_DELIVERIES = """
    INSERT INTO workspaces_webhookdelivery
           (id, webhook_id, workspace_id, event, body,
            state, attempts, due_ms, error, created_ms)
    SELECT replace(gen_random_uuid()::text, '-', ''), listener, %(workspace)s, %(event)s, %(body)s,
           'pending', 0, %(now)s, '', %(now)s
      FROM unnest(%(listeners)s) AS listener
"""

Data = Mapping[str, Any]


def emit(workspace: Workspace, event: str, data: Data | Callable[[], Data]) -> None:
    """Tell every active webhook of the workspace that asked for this event; sending begins after the commit.

    `data` may be a function, which is called only when somebody hears.
    """
    assert event in EVENTS, event
    with connection.cursor() as cursor:
        LISTENERS.execute(cursor, {"workspace": workspace.pk, "event": event})
        listeners = [row[0] for row in cursor.fetchall()]
        if not listeners:
            return
        now = now_ms()
        values: dict[str, Any] = {
            "event": event,
            "body": body(workspace, event, data() if callable(data) else data, now),
            "now": now,
            "workspace": workspace.pk,
            "listeners": listeners,
        }
        cursor.execute(WRITE_DELIVERIES, values)
    for webhook_id in listeners:
        transaction.on_commit(lambda pk=webhook_id: hint(pk), robust=True)  # type: ignore[misc]


def body(workspace: Workspace, event: str, data: Data, at_ms: int) -> str:
    """Write the text that is sent and signed, in MLflow's form."""
    entity, action = event.split(".")
    at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
    content = {"entity": entity, "action": action, "timestamp": at, "data": data, "workspace": workspace.name}
    return json.dumps(content)


def hint(webhook_id: str) -> None:
    """Wake the sender. Without a broker nothing is lost: `reconcile` looks at the rows every few seconds."""
    from workspaces.webhooks.tasks import deliver  # tasks import what imports this

    deliver.apply_async([webhook_id], expires=30, retry=False)
