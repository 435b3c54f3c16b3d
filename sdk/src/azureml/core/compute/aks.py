"""Inference clusters: where services of several replicas run."""

from __future__ import annotations

from typing import Any

from azureml.core.compute.target import KINDS, ComputeTarget
from azureml.exceptions import ComputeTargetException

AGENTS, SIZE = 3, "Standard_D3_v2"


class ClusterPurpose:
    DEV_TEST = "DevTest"
    FAST_PROD = "FastProd"


class AksProvisioningConfiguration:
    _kind = "inference"

    def __init__(self, agent_count: int | None, vm_size: str | None, purpose: str | None, rest: dict[str, Any]) -> None:
        self.agent_count, self.vm_size = AGENTS if agent_count is None else agent_count, vm_size or SIZE
        self.cluster_purpose = purpose or ClusterPurpose.FAST_PROD
        self.rest = {key: value for key, value in rest.items() if value is not None}

    def validate_configuration(self) -> None:
        if not isinstance(self.agent_count, int) or self.agent_count < 1:
            raise ComputeTargetException(f"agent_count is a whole number from 1, not “{self.agent_count}”.")
        if self.cluster_purpose not in (ClusterPurpose.DEV_TEST, ClusterPurpose.FAST_PROD):
            raise ComputeTargetException(f"cluster_purpose is DevTest or FastProd, not “{self.cluster_purpose}”.")

    def _asked(self) -> dict[str, Any]:
        options = {"cluster_purpose": self.cluster_purpose, **self.rest}
        return {
            "kind": "inference",
            "vm_size": self.vm_size,
            "agent_count": self.agent_count,
            "options": {key: str(value) for key, value in options.items()},
        }


class AksCompute(ComputeTarget):
    _type = "AKS"
    _kind = "inference"
    ClusterPurpose = ClusterPurpose

    @staticmethod
    def provisioning_configuration(
        agent_count: int | None = None,
        vm_size: str | None = None,
        ssl_cname: str | None = None,
        ssl_cert_pem_file: str | None = None,
        ssl_key_pem_file: str | None = None,
        location: str | None = None,
        *network: Any,
        cluster_purpose: str | None = None,
        **rest: Any,
    ) -> AksProvisioningConfiguration:
        """Describe an inference cluster; certificates and networks are kept and have no effect in a studio."""
        kept = {"ssl_cname": ssl_cname, "location": location, **rest}
        made = AksProvisioningConfiguration(agent_count, vm_size, cluster_purpose, kept)
        made.validate_configuration()
        return made

    @property
    def agent_count(self) -> int:
        return int((self._row.get("options") or {}).get("agent_count") or self._row.get("max_nodes") or AGENTS)

    @property
    def agent_vm_size(self) -> str:
        return str(self._row.get("vm_size", ""))


KINDS["inference"] = AksCompute
