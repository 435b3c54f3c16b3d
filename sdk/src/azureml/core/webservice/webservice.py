"""What all web services have in common."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from studio_sdk.client import part

from azureml._services import deploying
from azureml._times import iso
from azureml.core.workspace import Workspace
from azureml.exceptions import AzureMLException, WebserviceException, translated

# `list` is a method below, so these types have names of their own.
Rows = list[dict[str, Any]]
Ids = list[str]
Names = Sequence[str]
Models = list[Any]
KINDS: dict[str, type[Webservice]] = {}
WORDS = {"transitioning": "Transitioning", "healthy": "Healthy", "unhealthy": "Unhealthy", "failed": "Failed",
         "unschedulable": "Unschedulable", "stopped": "Stopped", "deleting": "Deleting"}  # fmt: skip
POLL_S = 1.0
TIMEOUT_S = (10.0, 120.0)
LOG_LINES = 20
KEY_WAITS_S = (0.0, 1.0, 2.0)  # a new key reaches the replicas within a second or two


class Webservice:
    """A service by its name; gives the class of its kind.

    Raises WebserviceException (its text has WebserviceNotFound) when there is none.
    """

    _type = "Webservice"

    def __new__(cls, workspace: Workspace, name: str, **_more: Any) -> Webservice:
        row = deploying.service(workspace, name)
        if row is None:
            raise WebserviceException(
                f"WebserviceNotFound: there is no service “{name}” in the workspace {workspace.name}."
            )
        return cls._of_row(workspace, row)

    def __init__(self, workspace: Workspace, name: str, **_more: Any) -> None:
        pass

    @classmethod
    def _of_row(cls, workspace: Workspace, row: dict[str, Any]) -> Webservice:
        made = object.__new__(KINDS.get(row["compute_type"], Webservice))
        made.workspace, made._row = workspace, row
        made._known: dict[str, Any] = {}  # type: ignore[misc]
        return made

    workspace: Workspace
    _row: dict[str, Any]
    _known: dict[str, Any]

    @staticmethod
    def list(
        workspace: Workspace, compute_type: str | None = None, image_name: str | None = None,
        model_name: str | None = None, model_id: str | None = None, tags: Any = None, properties: Any = None,
        image_digest: str | None = None,
    ) -> list[Webservice]:  # fmt: skip
        from azureml.core.model import has

        with translated(WebserviceException):
            rows = workspace._api.get("endpoints")
        found = [Webservice._of_row(workspace, row) for row in rows]
        return [
            one for one in found
            if compute_type in (None, one.compute_type) and has(one.tags, tags) and has(one.properties, properties)
            and (model_name is None or any(name.startswith(f"{model_name}:") for name in one._model_ids))
            and (model_id is None or model_id in one._model_ids)
        ]  # fmt: skip

    # ---- What it is ----------------------------------------------------------------------

    @property
    def _address(self) -> str:
        return f"endpoints/{part(self.name)}"

    def update_deployment_state(self) -> None:
        row = deploying.service(self.workspace, self.name)
        if row is None:
            raise WebserviceException(f"WebserviceNotFound: the service “{self.name}” is gone.")
        self._row = row

    def _of(self, field: str, default: Any = None) -> Any:
        return self._row.get(field, default)

    @property
    def name(self) -> str:
        return str(self._row["name"])

    @property
    def state(self) -> str:
        return WORDS.get(str(self._row["state"]).lower(), str(self._row["state"]).capitalize())

    @property
    def compute_type(self) -> str:
        return self._type

    @property
    def scoring_uri(self) -> str:
        return str(self._of("scoring_uri"))

    @property
    def swagger_uri(self) -> str:
        return str(self._of("swagger_uri"))

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._of("tags") or {})

    @property
    def properties(self) -> dict[str, str]:
        return dict(self._of("properties") or {})

    @property
    def description(self) -> str:
        return str(self._of("description", ""))

    @property
    def location(self) -> str:
        return str(self._of("location", ""))

    @property
    def auth_enabled(self) -> bool:
        return bool(self._of("auth_enabled"))

    @property
    def token_auth_enabled(self) -> bool:
        return bool(self._of("token_auth_enabled"))

    @property
    def enable_app_insights(self) -> bool:
        return bool(self._of("enable_app_insights"))

    @property
    def created_time(self) -> str | None:
        return iso(self._of("created_ms"))

    @property
    def updated_time(self) -> str | None:
        return iso(self._of("updated_ms"))

    @property
    def error(self) -> dict[str, Any] | None:
        text = self._of("error")
        return {"code": "DeploymentFailed", "message": text} if text else None

    @property
    def _deployments(self) -> Rows:
        rows: Rows = self._of("deployments") or []
        return sorted(rows, key=lambda row: row["revision"])

    @property
    def _model_ids(self) -> Ids:
        return [str(row["model"]) for row in self._deployments if row.get("traffic") or row is self._deployments[-1]]

    @property
    def models(self) -> Models:
        from azureml.core.model import Model

        return [Model(self.workspace, id=name) for name in self._model_ids]

    @property
    def cpu_cores(self) -> float | None:
        return float(self._deployments[-1]["cpu_cores"]) if self._deployments else None

    @property
    def memory_gb(self) -> float | None:
        return float(self._deployments[-1]["memory_gb"]) if self._deployments else None

    def serialize(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "computeType": self.compute_type,
            "state": self.state,
            "scoringUri": self.scoring_uri,
            "swaggerUri": self.swagger_uri,
            "description": self.description,
            "tags": self.tags,
            "properties": self.properties,
            "location": self.location,
            "authEnabled": self.auth_enabled,
            "createdTime": self.created_time,
            "updatedTime": self.updated_time,
            "error": self.error,
            "models": self._model_ids,
            "containerResourceRequirements": {"cpu": self.cpu_cores, "memoryInGB": self.memory_gb},
        }

    def get_portal_url(self) -> str:
        return f"{self.workspace.get_portal_url()}endpoints/{part(self.name)}/"

    # ---- Its life ----------------------------------------------------------------------

    def wait_for_deployment(self, show_output: bool = False, timeout_sec: float | None = None) -> None:
        """Wait until it is Healthy.

        Raises WebserviceException with the state, the error and the last log lines when it is not to be.
        """
        said = Said(show_output)
        deadline = time.monotonic() + timeout_sec if timeout_sec else None
        said.line("Tips: get_logs() shows what the service printed while it started.")
        said.word("Running")
        while True:
            self.update_deployment_state()
            said.steps(self._deployments[-1].get("stages", []) if self._deployments else [])
            if self.state != "Transitioning":
                break
            if deadline and time.monotonic() > deadline:
                raise WebserviceException(f"“{self.name}” was not ready within {timeout_sec} s; it goes on starting.")
            said.dot()
            time.sleep(POLL_S)
        result = "Succeeded" if self.state == "Healthy" else "Failed"
        said.word(f"\n{result}")
        said.line(f'\n{self.compute_type} service creation operation finished, operation "{result}"')
        if result == "Failed":
            raise WebserviceException(self._what_failed())

    def _what_failed(self) -> str:
        revision = self._deployments[-1]["revision"] if self._deployments else 0
        lines = "\n".join(self.get_logs(LOG_LINES).splitlines())
        return (
            f"Service deployment polling reached non-successful terminal state, current service state: {self.state}\n"
            f"Operation ID: {self.name}-{revision}\n"
            f"Error: {json.dumps(self.error)}\n{lines}"
        )

    def get_logs(self, num_lines: int = 5000, init: bool = False) -> str:
        with translated(WebserviceException):
            found = self.workspace._api.get(f"{self._address}/logs", lines=num_lines)["lines"]
        return "\n".join(found)

    def delete(self) -> None:
        with translated(WebserviceException):
            self.workspace._api.delete(self._address)

    def _change(
        self, given: Mapping[str, Any], policy: Names, size: Names = (), *, models: Any, inference_config: Any
    ) -> None:
        """Change how it answers (tags, description and what `policy` names), then what it serves: a rolling update."""
        kept = {name: given.get(name) for name in ("tags", "description", *policy)}
        deployed = {name: given[name] for name in size if given.get(name) is not None}
        deployed |= {**(deploying.model_of(models) if models else {}), **deploying.code_of(inference_config)}
        with translated(WebserviceException):
            if found := {name: value for name, value in kept.items() if value is not None}:
                self.workspace._api.patch(self._address, found)
            if deployed:
                self.workspace._api.post(f"{self._address}/deployments", {**self._served(), **deployed})
        self.update_deployment_state()

    def _served(self) -> dict[str, Any]:
        name, _colon, number = self._model_ids[-1].rpartition(":")
        return {"model": name, "version": int(number), "cpu_cores": self.cpu_cores, "memory_gb": self.memory_gb}

    # ---- Keys, tokens and calls ----------------------------------------------------------------------

    def get_keys(self) -> tuple[str, str]:
        with translated(WebserviceException):
            found = self.workspace._api.get(f"{self._address}/keys")
        return found["primary"], found["secondary"]

    def regen_key(self, key: str, set_key: str | None = None) -> None:
        """Make a new "Primary" or "Secondary" key; the other stays."""
        if str(key).lower() not in ("primary", "secondary"):
            raise WebserviceException(f"The key is “Primary” or “Secondary”, not “{key}”.")
        asked = {"which": str(key).lower(), "key": set_key or ""}
        with translated(WebserviceException):
            self.workspace._api.post(f"{self._address}/keys/regenerate", asked)
        self._known.clear()

    def get_token(self) -> tuple[str, datetime]:
        """Give a short-lived token and the time to ask for the next."""
        if not self.token_auth_enabled:
            raise WebserviceException(f"“{self.name}” takes no tokens: switch token_auth_enabled on.")
        with translated(WebserviceException):
            found = self.workspace._api.post(f"{self._address}/token", is_safe=True)
        return found["token"], datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(
            milliseconds=found["refresh_after_ms"]
        )

    def get_access_token(self) -> Any:
        token, refresh_after = self.get_token()
        return AccessToken(token, refresh_after)

    def _secret(self) -> str:
        if "secret" not in self._known:
            self._known["secret"] = self.get_token()[0] if self.token_auth_enabled else self.get_keys()[0]
        return str(self._known["secret"])

    def run(self, input_data: Any) -> Any:
        """Send a body to the service and give its answer; the key or token is fetched and renewed behind it.

        Raises WebserviceException with the code, headers and content of any other answer than 200.
        """
        if not isinstance(input_data, (str, bytes)):
            raise WebserviceException("The body is text or bytes; use json.dumps for what is neither.")
        response = self._call(input_data)
        waits = KEY_WAITS_S if self.auth_enabled or self.token_auth_enabled else ()
        for wait_s in waits:
            if response.status_code != 401:
                break
            time.sleep(wait_s)
            self._known.clear()
            response = self._call(input_data)
        if response.status_code == 200:
            return response.json()
        raise WebserviceException(
            f"Received bad response from service:\nResponse Code: {response.status_code}\n"
            f"Headers: {dict(response.headers)}\nContent: {response.content!r}"
        )

    def _call(self, body: Any) -> Any:
        import requests

        headers = {"Content-Type": "application/json"}
        if self.auth_enabled or self.token_auth_enabled:
            headers["Authorization"] = f"Bearer {self._secret()}"
        try:
            return self.workspace._studio.session.post(self.scoring_uri, data=body, headers=headers, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            raise AzureMLException(
                f"The service at {self.scoring_uri} cannot be reached: {type(error).__name__}."
            ) from None

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(workspace={self.workspace.name!r}, name={self.name!r}, "
            f"compute_type={self.compute_type!r}, "
            f"state={self.state!r}, scoring_uri={self.scoring_uri!r})"
        )


class AccessToken:
    def __init__(self, access_token: str, refresh_after: datetime) -> None:
        self.access_token, self.refresh_after = access_token, refresh_after
        self.token_type = "Bearer"  # noqa: S105  the word, not a secret


class Said:
    """What waiting prints: a state word, a dot a poll, and a line for each new stage."""

    def __init__(self, is_shown: bool) -> None:
        self.is_shown, self.shown = is_shown, 0

    def word(self, text: str) -> None:
        if self.is_shown:
            print(text, end="", flush=True)

    def line(self, text: str) -> None:
        self.word(f"{text}\n")

    def dot(self) -> None:
        self.word(".")

    def steps(self, stages: list[Any]) -> None:
        for stage in stages[self.shown :]:
            words = stage if isinstance(stage, (list, tuple)) else [stage.get("name", ""), stage.get("since_ms")]
            self.line(f"\n{iso(words[1]) if len(words) > 1 and isinstance(words[1], int) else ''} {words[0]}")
        self.shown = max(self.shown, len(stages))
