"""One replica: for trying a model out."""

from __future__ import annotations

from typing import Any

from azureml._services.configuration import DeploymentConfiguration, configured
from azureml.core.webservice.webservice import KINDS, Webservice
from azureml.exceptions import WebserviceException

ASKED = ("enable_app_insights", "collect_model_data", "location", "dns_name_label", "primary_key", "secondary_key")
CHANGED = ("auth_enabled", "enable_app_insights")


class AciWebservice(Webservice):
    _type = "ACI"

    @staticmethod
    def deploy_configuration(
        cpu_cores: float | None = None,
        memory_gb: float | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        location: str | None = None,
        auth_enabled: bool | None = None,
        ssl_enabled: bool | None = None,
        enable_app_insights: bool | None = None,
        ssl_cert_pem_file: str | None = None,
        ssl_key_pem_file: str | None = None,
        ssl_cname: str | None = None,
        dns_name_label: str | None = None,
        primary_key: str | None = None,
        secondary_key: str | None = None,
        collect_model_data: bool | None = None,
        *_cloud: Any,
        **_more: Any,
    ) -> DeploymentConfiguration:
        """Describe a service of one replica, open to all who know its address unless `auth_enabled`.

        Certificates and networks have no effect in a studio. Raises WebserviceException for what cannot be.
        """
        return configured("ACI", locals(), ASKED, auth_enabled=bool(auth_enabled))

    def get_token(self) -> Any:
        raise WebserviceException("An ACI service is called with a key, not with a token.")

    def update(
        self,
        image: Any = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        description: str | None = None,
        auth_enabled: bool | None = None,
        ssl_enabled: bool | None = None,
        ssl_cert_pem_file: str | None = None,
        ssl_key_pem_file: str | None = None,
        ssl_cname: str | None = None,
        enable_app_insights: bool | None = None,
        models: list[Any] | None = None,
        inference_config: Any = None,
    ) -> None:
        self._change(locals(), CHANGED, models=models, inference_config=inference_config)


KINDS["ACI"] = KINDS["instance"] = AciWebservice
