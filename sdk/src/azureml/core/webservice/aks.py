"""Replicas on an inference cluster: for work that counts."""

from __future__ import annotations

from typing import Any

from azureml._services.configuration import DeploymentConfiguration, configured, faults
from azureml.core.webservice.webservice import KINDS, Webservice
from azureml.exceptions import WebserviceException

POLICY = (
    "autoscale_enabled", "autoscale_min_replicas", "autoscale_max_replicas", "autoscale_refresh_seconds",
    "autoscale_target_utilization", "collect_model_data", "auth_enabled", "enable_app_insights", "scoring_timeout_ms",
    "replica_max_concurrent_requests", "max_request_wait_time", "num_replicas", "token_auth_enabled",
)  # fmt: skip
SIZE = ("cpu_cores", "memory_gb", "cpu_cores_limit", "memory_gb_limit")
KEYS = ("primary_key", "secondary_key")


class AksWebservice(Webservice):
    _type = "AKS"

    @staticmethod
    def deploy_configuration(
        autoscale_enabled: bool | None = None,
        autoscale_min_replicas: int | None = None,
        autoscale_max_replicas: int | None = None,
        autoscale_refresh_seconds: int | None = None,
        autoscale_target_utilization: int | None = None,
        collect_model_data: bool | None = None,
        auth_enabled: bool | None = None,
        cpu_cores: float | None = None,
        memory_gb: float | None = None,
        enable_app_insights: bool | None = None,
        scoring_timeout_ms: int | None = None,
        replica_max_concurrent_requests: int | None = None,
        max_request_wait_time: int | None = None,
        num_replicas: int | None = None,
        primary_key: str | None = None,
        secondary_key: str | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        gpu_cores: int | None = None,
        period_seconds: int | None = None,
        initial_delay_seconds: int | None = None,
        timeout_seconds: int | None = None,
        success_threshold: int | None = None,
        failure_threshold: int | None = None,
        namespace: str | None = None,
        token_auth_enabled: bool | None = None,
        compute_target_name: str | None = None,
        cpu_cores_limit: float | None = None,
        memory_gb_limit: float | None = None,
        **_more: Any,
    ) -> DeploymentConfiguration:
        """Describe a service of replicas, called with a key unless tokens are switched on.

        Probes are the studio's own, so their seconds have no effect. Raises WebserviceException with all that
        contradicts itself.
        """
        if gpu_cores:
            raise WebserviceException("This studio's inference clusters have no GPU: leave gpu_cores out.")
        has_key = not token_auth_enabled if auth_enabled is None else auth_enabled
        return configured("AKS", locals(), (*POLICY, *SIZE, *KEYS), auth_enabled=has_key)

    def update(
        self,
        image: Any = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        models: list[Any] | None = None,
        inference_config: Any = None,
        **settings: Any,
    ) -> None:
        """Change what is given: how it scales and answers, its size, its model. The change is rolling."""
        if wrong := faults(settings):
            raise WebserviceException(" ".join(wrong))
        given = {**settings, "tags": tags, "description": description}
        self._change(given, POLICY, SIZE, models=models, inference_config=inference_config)


KINDS["AKS"] = KINDS["cluster"] = AksWebservice
