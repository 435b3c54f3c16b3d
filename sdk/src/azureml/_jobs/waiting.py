"""Waiting for a run, with its logs as they come."""

from __future__ import annotations

import json
import time
from typing import Any

from azureml._jobs import reading
from azureml.exceptions import ActivityFailedException

FINAL = {"Completed", "Failed", "Canceled"}
POLL_S = 1.0


def wait(run: Any, *, show_output: bool, raise_on_error: bool) -> dict[str, Any]:
    """Wait for the end of a run and give its details; see `Run.wait_for_completion`."""
    if show_output:
        print(f"RunId: {run.id}\nWeb View: {run.get_portal_url()}\n", flush=True)
    logs = getattr(run, "_logs", Logs)(run) if show_output else None
    try:
        status = follow(run, logs)
    except KeyboardInterrupt:
        print("The waiting was stopped; the run goes on. It is at " + run.get_portal_url(), flush=True)
        raise
    details: dict[str, Any] = run.get_details()
    if show_output:
        summary(run, details)
    if status == "Failed" and raise_on_error:
        error = details.get("error") or {"error": {"code": "UserError", "message": "The run failed."}}
        raise ActivityFailedException(json.dumps(error, indent=4), error_details=error)
    return details


def follow(run: Any, logs: Any) -> str:
    while True:
        status = str(run.get_status())
        if logs is not None:
            logs.tell()
        if status in FINAL:
            return status
        time.sleep(POLL_S)


def summary(run: Any, details: dict[str, Any]) -> None:
    print(f"\nExecution Summary\n{'=' * 17}\nRunId: {run.id}\nWeb View: {run.get_portal_url()}")
    for warning in details.get("warnings", []):
        print(f"Warning: {warning['message']}")
    print(flush=True)


class Logs:
    """Prints each log from where it was left, one after the other as they appear."""

    def __init__(self, run: Any) -> None:
        self.run = run
        self.offsets: dict[str, int] = {}

    def tell(self) -> None:
        row = reading.job(self.run._workspace, self.run.id) if self.run._is_submitted else None
        for one in (row or {}).get("logs", []):
            self.tell_one(one["name"])

    def tell_one(self, name: str) -> None:
        is_new = name not in self.offsets
        piece = reading.log_piece(self.run._workspace, self.run.id, name, self.offsets.get(name, 0))
        self.offsets[name] = piece["offset"]
        if is_new and piece["text"]:
            shown = reading.LOGS.get(name, name)
            print(f"\nStreaming {shown}\n{'=' * (len(shown) + 10)}\n", flush=True)
        elif is_new:
            del self.offsets[name]  # an empty log is announced when its first line comes
            return
        print(piece["text"], end="", flush=True)
