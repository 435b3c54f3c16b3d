"""Usages and quotas of clusters. A studio's limit is the most nodes that a cluster may have."""

from __future__ import annotations

from typing import Any

from studio_sdk.usage import Usage

from azureml.core.workspace import Workspace
from azureml.exceptions import ComputeTargetException, translated


class Usages:
    """The part of AmlCompute that counts."""

    @staticmethod
    def list_usages(workspace: Workspace, show_all: bool = False, location: str | None = None) -> list[dict[str, Any]]:
        """Say of each cluster how many cores are up, and of how many at most; `show_all` those without any too.

        A cluster without a size, such as the studio's own machine, is counted in nodes.
        """
        with translated(ComputeTargetException):
            found = Usage.of(workspace._api)
        return [counted(one) for one in found if show_all or one.nodes]

    @staticmethod
    def list_quotas(workspace: Workspace, location: str | None = None) -> list[dict[str, Any]]:
        """Say of each cluster how many cores it may have."""
        rows = Usages.list_usages(workspace, show_all=True)
        return [{"id": row["name"]["value"], "limit": row["limit"], "unit": row["unit"]} for row in rows]

    @staticmethod
    def update_quotas(*_given: Any, **_named: Any) -> None:
        """Refuse. Raises ComputeTargetException that says what limits a cluster."""
        raise ComputeTargetException("What a cluster may use is its most nodes here: cluster.update(max_nodes=…).")


def counted(one: Usage) -> dict[str, Any]:
    values = (one.nodes, one.most, "Nodes") if one.cores is None else (one.cores, one.cores_most, "Count")
    name = {"value": one.name, "localizedValue": f"{one.name} ({one.vm_size})" if one.vm_size else one.name}
    return {"name": name, **dict(zip(("currentValue", "limit", "unit"), values, strict=True))}
