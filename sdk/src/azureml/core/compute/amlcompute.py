"""Clusters: nodes that come when there is work and go when there is none."""

from __future__ import annotations

import time
from typing import Any

from studio_sdk.client import part

from azureml._times import iso
from azureml.core.compute.target import KINDS, POLL_S, ComputeTarget
from azureml.core.compute.usage import Usages
from azureml.core.workspace import Workspace
from azureml.exceptions import ComputeTargetException, translated

SIZE, NODES = "Standard_D2_v2", 4


class AmlComputeProvisioningConfiguration:
    _kind = "cluster"

    def __init__(
        self, vm_size: str, vm_priority: str, min_nodes: Any, max_nodes: Any, idle_s: Any, rest: dict[str, Any]
    ) -> None:
        self.vm_size, self.vm_priority = vm_size or SIZE, vm_priority
        self.min_nodes, self.max_nodes = min_nodes, NODES if max_nodes is None else max_nodes
        self.idle_seconds_before_scaledown = idle_s
        self.rest = {key: value for key, value in rest.items() if value is not None}

    def validate_configuration(self) -> None:
        """Raise ComputeTargetException for counts that cannot be."""
        numbers = {
            "min_nodes": self.min_nodes, "max_nodes": self.max_nodes,
            "idle_seconds_before_scaledown": self.idle_seconds_before_scaledown,
        }  # fmt: skip
        for name, value in numbers.items():
            if value is not None and (not str(value).lstrip("-").isdigit() or int(value) < 0):
                raise ComputeTargetException(f"{name} is a whole number from 0, not “{value}”.")
        if int(self.min_nodes or 0) > int(self.max_nodes):
            raise ComputeTargetException(f"min_nodes ({self.min_nodes}) is above max_nodes ({self.max_nodes}).")
        if self.vm_priority not in ("dedicated", "lowpriority"):
            raise ComputeTargetException(f"vm_priority is dedicated or lowpriority, not “{self.vm_priority}”.")

    def _asked(self) -> dict[str, Any]:
        options = {"vm_priority": self.vm_priority, **self.rest}
        return {
            "kind": "cluster",
            "vm_size": self.vm_size,
            "min_nodes": int(self.min_nodes or 0),
            "max_nodes": int(self.max_nodes),
            "idle_s": int(self.idle_seconds_before_scaledown),
            "options": {key: str(value) for key, value in options.items()},
        }


class ScaleSettings:
    def __init__(self, row: dict[str, Any]) -> None:
        self.minimum_node_count, self.maximum_node_count = row.get("min_nodes"), row.get("max_nodes")
        self.idle_seconds_before_scaledown = row.get("idle_s")

    def serialize(self) -> dict[str, Any]:
        return {
            "minNodeCount": self.minimum_node_count,
            "maxNodeCount": self.maximum_node_count,
            "nodeIdleTimeBeforeScaleDown": f"PT{self.idle_seconds_before_scaledown}S",
        }


class AmlComputeStatus:
    """How many nodes a cluster has, and what they do."""

    def __init__(self, row: dict[str, Any]) -> None:
        status = row.get("status") or {}
        counts = status.get("node_state_counts", {})
        self.allocation_state = str(status.get("allocation_state", "steady")).capitalize()
        self.current_node_count = status.get("current_node_count", 0)
        self.target_node_count = status.get("target_node_count", 0)
        self.preparing_node_count, self.running_node_count = counts.get("preparing", 0), counts.get("running", 0)
        self.idle_node_count, self.unusable_node_count = counts.get("idle", 0), counts.get("unusable", 0)
        self.leaving_node_count, self.preempted_node_count = counts.get("leaving", 0), counts.get("preempted", 0)
        self.errors = row.get("provisioning_errors")
        self.creation_time, self.modified_time = iso(row.get("created_ms")), iso(row.get("modified_ms"))
        self.provisioning_state = str(row.get("provisioning_state", "")).capitalize()
        self.scale_settings = ScaleSettings(row)
        self.vm_size = row.get("vm_size")
        self.vm_priority = (row.get("options") or {}).get("vm_priority", "dedicated").capitalize()

    def serialize(self) -> dict[str, Any]:
        return {
            "currentNodeCount": self.current_node_count,
            "targetNodeCount": self.target_node_count,
            "nodeStateCounts": {
                "preparingNodeCount": self.preparing_node_count,
                "runningNodeCount": self.running_node_count,
                "idleNodeCount": self.idle_node_count,
                "unusableNodeCount": self.unusable_node_count,
                "leavingNodeCount": self.leaving_node_count,
                "preemptedNodeCount": self.preempted_node_count,
            },
            "allocationState": self.allocation_state,
            "allocationStateTransitionTime": self.modified_time,
            "errors": self.errors,
            "creationTime": self.creation_time,
            "modifiedTime": self.modified_time,
            "provisioningState": self.provisioning_state,
            "provisioningStateTransitionTime": None,
            "scaleSettings": self.scale_settings.serialize(),
            "vmPriority": self.vm_priority,
            "vmSize": self.vm_size,
        }


class AmlCompute(Usages, ComputeTarget):
    _type = "AmlCompute"
    _kind = "cluster"

    @staticmethod
    def provisioning_configuration(
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int = 0,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: Any = 1800,
        **rest: Any,
    ) -> AmlComputeProvisioningConfiguration:
        """Describe a cluster, of at most 4 nodes unless said; networks and identities are kept and have no effect."""
        made = AmlComputeProvisioningConfiguration(
            vm_size, vm_priority, min_nodes, max_nodes, idle_seconds_before_scaledown, rest
        )
        made.validate_configuration()
        return made

    @staticmethod
    def supported_vmsizes(workspace: Workspace, location: str | None = None) -> list[dict[str, Any]]:
        with translated(ComputeTargetException):
            rows = workspace._api.get("compute-sizes")
        return [{"name": row["name"], "vCPUs": row["cores"], "memoryGB": row["memory_gib"], "gpus": 0} for row in rows]

    @property
    def vm_size(self) -> str:
        return str(self._row.get("vm_size", ""))

    @property
    def scale_settings(self) -> ScaleSettings:
        return ScaleSettings(self._row)

    @property
    def status(self) -> AmlComputeStatus:
        return AmlComputeStatus(self._row)

    def get_status(self) -> AmlComputeStatus:
        self.refresh_state()
        return self.status

    def list_nodes(self) -> list[dict[str, Any]]:
        self.refresh_state()
        return [{"nodeId": one["name"], "nodeState": one["state"]} for one in self._row.get("nodes", [])]

    def update(
        self, min_nodes: int | None = None, max_nodes: int | None = None, idle_seconds_before_scaledown: Any = None
    ) -> None:
        given = {"min_nodes": min_nodes, "max_nodes": max_nodes, "idle_s": idle_seconds_before_scaledown}
        asked = {key: int(value) for key, value in given.items() if value is not None}
        with translated(ComputeTargetException):
            self._row = self.workspace._api.patch(f"compute/{part(self.name)}", asked)

    def wait_for_completion(  # type: ignore[override]
        self,
        show_output: bool = False,
        min_node_count: int | None = None,
        timeout_in_minutes: float = 25,
        is_delete_operation: bool = False,
    ) -> None:
        """Wait until it is made and has as many nodes as asked for, at most so long."""
        super().wait_for_completion(show_output=show_output, is_delete_operation=is_delete_operation)
        deadline = time.monotonic() + 60 * timeout_in_minutes
        while min_node_count and not is_delete_operation and self.get_status().current_node_count < min_node_count:
            if time.monotonic() > deadline:
                print(f"“{self.name}” has not {min_node_count} nodes yet.", flush=True)
                return
            time.sleep(POLL_S)


KINDS["cluster"] = AmlCompute
