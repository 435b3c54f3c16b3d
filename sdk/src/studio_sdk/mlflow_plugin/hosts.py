"""From an `azureml://` address to the http one behind it, with a token that is valid at each request."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from studio_sdk import addresses, credentials
from studio_sdk.client import refresh_at
from studio_sdk.credentials import Credential


@lru_cache(maxsize=32)
def credential_for(url: str) -> Credential:
    """One for all requests of the process, so that a login is renewed when it must be and not each time."""
    return credentials.find(url, refresh_at(url))


def host_credentials(uri: str) -> Any:
    """Make what MLflow sends requests with; MLflow asks anew before each of them."""
    from mlflow.utils.rest_utils import MlflowHostCreds

    place = addresses.parse(uri)
    return MlflowHostCreds(host=place.http_uri, token=credential_for(place.url).token())
