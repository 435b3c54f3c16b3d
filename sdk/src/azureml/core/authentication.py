"""Ways to say who asks. Each becomes a token of the studio.

A studio has one kind of credential, so what names an identity of the cloud is taken only as far as it carries a secret.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studio_sdk import credentials
from studio_sdk.client import refresh_at
from studio_sdk.credentials import CalledToken, Credential, FixedToken

from azureml.exceptions import AuthenticationException


class AbstractAuthentication:
    """The studio's credential for one of its addresses."""

    def credential(self, url: str) -> Credential:
        return credentials.find(url, refresh_at(url))

    def get_authentication_header(self, url: str = "") -> dict[str, str]:
        from studio_sdk.addresses import default_url

        return {"Authorization": f"Bearer {self.credential(url or default_url()).token()}"}


class InteractiveLoginAuthentication(AbstractAuthentication):
    """Sign in by a code confirmed in a browser, when nothing else is known of the studio."""

    def __init__(self, force: bool = False, tenant_id: str | None = None, **_cloud: Any) -> None:
        self.force = force

    def credential(self, url: str) -> Credential:
        from studio_sdk.login import log_in

        if self.force or not credentials.is_known(url):
            log_in(url)
            self.force = False
        return credentials.find(url, refresh_at(url))


class AzureCliAuthentication(AbstractAuthentication):
    """What `studio login` left, in the place of what `az login` leaves."""

    def __init__(self, cloud: str | None = None) -> None:
        self.cloud = cloud


class MsiAuthentication(AbstractAuthentication):
    """What the machine was given: STUDIO_TOKEN."""

    def __init__(self, *_identity: Any, **_more: Any) -> None:
        pass


class ServicePrincipalAuthentication(AbstractAuthentication):
    """A token of the studio in the place of a service principal's password; the two ids are kept as they are."""

    def __init__(
        self, tenant_id: str, service_principal_id: str, service_principal_password: str, *_cloud: Any, **_more: Any
    ) -> None:
        if not service_principal_password:
            raise AuthenticationException("service_principal_password is empty: put a token of the studio there.")
        self.tenant_id, self.service_principal_id = tenant_id, service_principal_id
        self._secret = service_principal_password

    def credential(self, url: str) -> Credential:
        return FixedToken(self._secret)


class TokenAuthentication(AbstractAuthentication):
    """A token that a function gives, asked for again when the last one is refused."""

    def __init__(self, get_token_for_audience: Callable[[str], str], **_cloud: Any) -> None:
        self._get_token = get_token_for_audience

    def credential(self, url: str) -> Credential:
        return CalledToken(lambda: self._get_token(url))
