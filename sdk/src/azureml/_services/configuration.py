"""What a service is asked to be. Contradictions are collected and raised together, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from azureml.exceptions import WebserviceException

CORES, MEMORY_GB = 0.1, 0.5
ABOVE_ZERO = (
    "cpu_cores", "memory_gb", "cpu_cores_limit", "memory_gb_limit", "scoring_timeout_ms", "num_replicas",
    "replica_max_concurrent_requests", "autoscale_refresh_seconds", "autoscale_target_utilization",
)  # fmt: skip


@dataclass
class DeploymentConfiguration:
    """`fields` are named as the studio's API names them; `tags` may be written to until it is used."""

    compute_type: str
    fields: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    description: str | None = None
    compute_target_name: str = ""

    def validate_configuration(self) -> None:
        """Raise WebserviceException with all that is wrong."""
        if found := faults(self.fields):
            raise WebserviceException(" ".join(found))

    def asked(self) -> dict[str, Any]:
        body = {name: value for name, value in self.fields.items() if value is not None}
        body["tags"] = {str(key): str(value) for key, value in self.tags.items()}
        body["properties"] = {str(key): str(value) for key, value in self.properties.items()}
        if self.description:
            body["description"] = self.description
        return {**body, "compute_type": self.compute_type, "compute_target_name": self.compute_target_name}


def configured(
    compute_type: str, given: Mapping[str, Any], names: Iterable[str], *, auth_enabled: bool
) -> DeploymentConfiguration:
    """Make a configuration of what `deploy_configuration` was given: the fields of `names`, with the usual size.

    Raises WebserviceException with all that contradicts itself.
    """
    fields = {name: given[name] for name in names}
    fields["cpu_cores"] = CORES if given["cpu_cores"] is None else given["cpu_cores"]
    fields["memory_gb"] = MEMORY_GB if given["memory_gb"] is None else given["memory_gb"]
    tags, properties = dict(given["tags"] or {}), dict(given["properties"] or {})
    target = given.get("compute_target_name") or ""
    fields["auth_enabled"] = auth_enabled
    made = DeploymentConfiguration(compute_type, fields, tags, properties, given["description"], target)
    made.validate_configuration()
    return made


def faults(fields: dict[str, Any]) -> list[str]:
    """List in sentences what cannot be."""
    found = []
    for name in ABOVE_ZERO:
        value = fields.get(name)
        if value is not None and value <= 0:
            found.append(f"{name} must be above 0, not {value}.")
    if fields.get("auth_enabled") and fields.get("token_auth_enabled"):
        found.append("auth_enabled and token_auth_enabled exclude each other.")
    is_scaled = fields.get("autoscale_enabled")
    if is_scaled and fields.get("num_replicas"):
        found.append("num_replicas and autoscale_enabled exclude each other.")
    named = [name for name in fields if name.startswith("autoscale_") and name != "autoscale_enabled"]
    if is_scaled is False and any(fields[name] is not None for name in named):
        found.append("With autoscale_enabled=False no autoscale value has a meaning.")
    low, high = fields.get("autoscale_min_replicas"), fields.get("autoscale_max_replicas")
    if low is not None and high is not None and low > high:
        found.append(f"autoscale_min_replicas ({low}) is above autoscale_max_replicas ({high}).")
    for name in ("cpu_cores", "memory_gb"):
        wanted, limit = fields.get(name), fields.get(f"{name}_limit")
        if wanted is not None and limit is not None and limit < wanted:
            found.append(f"{name}_limit ({limit}) is below {name} ({wanted}).")
    return found
