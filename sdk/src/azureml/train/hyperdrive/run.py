"""A sweep as a run: its children are the tries."""

from __future__ import annotations

import json
from typing import Any

from studio_sdk.client import part
from studio_sdk.hyperdrive import PrimaryMetricGoal

from azureml._times import iso
from azureml.core.experiment import Experiment
from azureml.core.run import Run
from azureml.exceptions import RunEnvironmentException, TrainingException, translated
from azureml.train.hyperdrive.exceptions import HyperDriveConfigException

WORDS = {"Canceling": "CancelRequested"}
ENDED_BADLY = {"Failed": "include_failed", "Canceled": "include_canceled"}


class HyperDriveRun(Run):
    """A run whose children are tries of one script with other parameters."""

    hyperdrive_config: Any = None

    def __init__(self, experiment: Experiment, run_id: str, hyperdrive_config: Any = None, **_more: Any) -> None:
        super().__init__(experiment, run_id)
        self.hyperdrive_config = hyperdrive_config

    @property
    def _sweep(self) -> dict[str, Any]:
        with translated(TrainingException):
            row: dict[str, Any] = self._workspace._api.get(f"sweeps/{part(self._id)}")
        return row

    # ---- What it is ----------------------------------------------------------------------

    def get_status(self) -> str:
        state = str(self._sweep["state"])
        return WORDS.get(state, state)

    def get_details(self) -> dict[str, Any]:
        details, row = super().get_details(), self._sweep
        details["target"] = row["target"]
        details["properties"] = {
            **details["properties"],
            "primary_metric_config": json.dumps(row["primary_metric"]),
            "runTemplate": "HyperDrive",
        }
        details["warnings"] = [{"source": "studio", "message": row["warning"]}] if row["warning"] else []
        if row["ended_ms"]:
            details["endTimeUtc"] = iso(row["ended_ms"])
        if row["state"] == "Failed" and row["reason"]:
            details["error"] = {"error": {"code": "UserError", "message": row["reason"]}}
        return details

    # ---- Its life ----------------------------------------------------------------------

    def cancel(self) -> None:
        """Ask for the end of the sweep and of all its children."""
        with translated(TrainingException):
            self._workspace._api.post(f"sweeps/{part(self._id)}/cancel", is_safe=True)

    def _end(self, status: str) -> None:
        raise RunEnvironmentException("A sweep ends with its last child, or by cancel().")

    @property
    def _logs(self) -> Any:
        return Tries

    # ---- Its children ----------------------------------------------------------------------

    def get_children_sorted_by_primary_metric(
        self, top: int = 0, reverse: bool = False, discard_no_metric: bool = False
    ) -> list[dict[str, Any]]:
        """List the tries, the best first: run_id, hyperparameters (JSON), best_primary_metric, status.

        `top` is how many, 0 all; `reverse` gives the worst first, tries without the metric last still.
        """
        if not isinstance(top, int) or top < 0:
            raise HyperDriveConfigException(f"top is a whole number from 0, not “{top}”.")
        rows = [row for row in self._sweep["children"] if row["run_id"]]
        ranked = [row for row in rows if row["best_metric"] is not None]
        rest = [] if discard_no_metric else [row for row in rows if row["best_metric"] is None]
        ordered = [*(reversed(ranked) if reverse else ranked), *rest]
        return [shown(row) for row in (ordered[:top] if top else ordered)]

    def get_best_run_by_primary_metric(
        self, include_failed: bool = True, include_canceled: bool = True, include_resume_from_runs: bool = True
    ) -> Run | None:
        """Give the run with the best value of the primary metric; None while none has one."""
        takes = {"include_failed": include_failed, "include_canceled": include_canceled}
        for row in self.get_children_sorted_by_primary_metric(discard_no_metric=True):
            if takes.get(ENDED_BADLY.get(row["status"], ""), True):
                return Run.get(self._workspace, row["run_id"])
        return None

    def get_hyperparameters(self) -> dict[str, str]:
        """Give the parameters of each try as JSON, by the id of its run."""
        return {row["run_id"]: row["hyperparameters"] for row in self.get_children_sorted_by_primary_metric()}

    def get_metrics(
        self, name: str | None = None, recursive: bool = False, run_type: Any = None, populate: bool = False
    ) -> dict[str, Any]:
        """Give the metrics of each try, by the id of its run."""
        return {child.id: child.get_metrics(name) for child in self.get_children()}


def shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "run_id": row["run_id"],
        "hyperparameters": json.dumps(row["parameters"]),
        "best_primary_metric": row["best_metric"],
        "status": row["state"],
    }


class Tries:
    """Prints a line for each try that begins or ends, while a sweep is waited for."""

    def __init__(self, run: HyperDriveRun) -> None:
        self.run = run
        self.states: dict[int, str] = {}

    def tell(self) -> None:
        for row in sorted(self.run._sweep["children"], key=lambda row: int(row["number"])):
            if self.states.get(row["number"]) != row["state"]:
                self.states[row["number"]] = row["state"]
                print(self.line(row), flush=True)

    def line(self, row: dict[str, Any]) -> str:
        given = " ".join(f"{name}={value}" for name, value in row["parameters"].items())
        value = "" if row["best_metric"] is None else f", best {row['best_metric']:.6g}"
        stopped = f", stopped: {row['stopped']}" if row["stopped"] else ""
        return f"[{row['number']}] {row['state']}: {given}{value}{stopped}"


__all__ = ["HyperDriveRun", "PrimaryMetricGoal"]
