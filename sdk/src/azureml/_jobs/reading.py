"""What the studio says of a submitted run, in SDK v1's words."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from studio_sdk.client import part
from studio_sdk.errors import NotFound

from azureml._times import iso
from azureml.exceptions import translated

STATES = {
    "queued": "Queued", "preparing": "Preparing", "provisioning": "Provisioning", "starting": "Starting",
    "running": "Running", "finalizing": "Finalizing", "completed": "Completed", "failed": "Failed",
    "canceled": "Canceled", "cancel_requested": "CancelRequested", "not_responding": "NotResponding",
    "notresponding": "NotResponding",
}  # fmt: skip
LOGS = {"build": "azureml-logs/20_image_build_log.txt", "std": "user_logs/std_log.txt"}


def job(workspace: Any, run_id: str) -> dict[str, Any] | None:
    """Give the job of a run, its `state` in SDK v1's words; None when the run was not submitted."""
    with translated():
        try:
            row: dict[str, Any] = workspace._api.get(f"jobs/{part(run_id)}")
        except NotFound:
            return None
    state = STATES.get(str(row["state"]).lower(), str(row["state"]))
    is_stopping = row.get("cancel_asked_ms") and state not in ("Completed", "Failed", "Canceled")
    return {**row, "state": "CancelRequested" if is_stopping else state}


def cancel(workspace: Any, run_id: str) -> None:
    with translated():
        workspace._api.post(f"jobs/{part(run_id)}/cancel", is_safe=True)


def details_of(workspace: Any, row: dict[str, Any]) -> dict[str, Any]:
    """Give what `get_details` shows of a job beyond what every run has."""
    words = list(row.get("command") or [])
    found: dict[str, Any] = {
        "startTimeUtc": iso(row.get("started_ms")),
        "runDefinition": {
            "script": words[1] if words[:1] == ["python"] and len(words) > 1 else None,
            "arguments": words[2:] if words[:1] == ["python"] else [],
            "command": words,
            "target": row["target"],
            "environment": {"name": row.get("environment_name", ""), "digest": row.get("environment_digest")},
            "maxRunDurationSeconds": row.get("time_limit_s"),
        },
        "logFiles": {
            LOGS.get(one["name"], one["name"]): f"{workspace._studio.url}{one['url']}" for one in row.get("logs", [])
        },
        "warnings": [{"source": "studio", "message": text} for text in row.get("warnings", [])],
    }
    if row.get("ended_ms"):
        found["endTimeUtc"] = iso(row["ended_ms"])
    if row.get("error"):
        found["error"] = {"error": {"code": "UserError", "message": row["error"]}}
    return {key: value for key, value in found.items() if value is not None}


def log_piece(workspace: Any, run_id: str, name: str, offset: int) -> dict[str, Any]:
    """Give the next piece of a log of the studio's own name (`build`, `std`, `logs/…`)."""
    with translated():
        piece: dict[str, Any] = workspace._api.get(f"jobs/{part(run_id)}/logs/{quote(name)}", offset=offset)
    return piece
