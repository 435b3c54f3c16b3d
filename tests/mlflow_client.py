"""A small client of MLflow's REST for unit tests.

It checks every answer against the message that MLflow's clients parse.
"""

from __future__ import annotations

from typing import Any

from django.test import Client
from google.protobuf.json_format import ParseDict

from lib.mlflow import messages

ENDPOINTS = {endpoint.message.rsplit(".", 1)[-1]: endpoint for endpoint in messages.endpoints()}
# Two services have a message of this name; the tracking one is meant.
ENDPOINTS["ListArtifacts"] = messages.Endpoint("mlflow.ListArtifacts", "GET", 2, "/mlflow/artifacts/list")


class Refused(Exception):
    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.code, self.message = status, body["error_code"], body["message"]


class Mlflow:
    """`mlflow("CreateRun", experiment_id="0")` sends the message by its route and gives the answer as JSON."""

    def __init__(self, client: Client, front: str = "/w/main") -> None:
        self.client, self.front = client, front

    def __call__(self, name: str, /, **fields: Any) -> Any:
        endpoint = ENDPOINTS[name]
        path = endpoint.path
        for field in list(fields):
            if f"{{{field}}}" in path:
                path = path.replace(f"{{{field}}}", str(fields.pop(field)))
        url = f"{self.front}/api/{endpoint.major}.0{path}"
        send = getattr(self.client, endpoint.method.lower())
        if endpoint.method == "GET":
            response = send(url, {key: value for key, value in fields.items() if value is not None})
        else:
            response = send(url, fields, content_type="application/json")
        content = response.json()
        if response.status_code != 200:
            raise Refused(response.status_code, content)
        check(endpoint.message, content)
        return content


def check(name: str, content: dict[str, Any]) -> None:
    """Raise when an answer has a field that the message lacks, or of another type."""
    for file in (messages.service, messages.registry, messages.artifacts):
        message = getattr(file, name.rsplit(".", 1)[-1], None)
        if message is not None and message.DESCRIPTOR.full_name == name and hasattr(message, "Response"):
            ParseDict(content, message.Response())
