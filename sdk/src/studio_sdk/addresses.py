"""Which studio: what a config.json, the environment or an earlier login says, and `azureml://` addresses."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from studio_sdk import credentials, folders
from studio_sdk.errors import NotConfigured

HOSTS = "hosts.json"
AZUREML = re.compile(
    r"^azureml(?:\+https?)?://(?P<host>[^/]+)/mlflow/v[\d.]+/subscriptions/(?P<subscription>[^/]+)"
    r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.MachineLearningServices/workspaces/(?P<workspace>[^/?]+)\??$"
)
LOOPBACK = {"localhost", "127.0.0.1", "::1", "[::1]"}


@dataclass(frozen=True)
class Place:
    """A workspace by its parts; `url` is the studio's own address."""

    url: str
    subscription: str
    group: str
    workspace: str

    @property
    def tracking_uri(self) -> str:
        """The address that is handed to MLflow: of the plugin's scheme, and without any secret."""
        return f"azureml://{urlsplit(self.url).netloc}/{self.path}"

    @property
    def http_uri(self) -> str:
        return f"{self.url}/{self.path}"

    @property
    def path(self) -> str:
        return (
            f"mlflow/v2.0/subscriptions/{self.subscription}/resourceGroups/{self.group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.workspace}"
        )


def parse(uri: str) -> Place:
    """Read an `azureml://` address. Raises NotConfigured for another form."""
    found = AZUREML.match(uri)
    if found is None:
        raise NotConfigured(
            f"“{uri[:200]}” is not the address of a workspace: take it from ws.get_mlflow_tracking_uri()."
        )
    return Place(url_of_host(found["host"]), found["subscription"], found["group"], found["workspace"])


def url_of_host(host: str) -> str:
    """Say whether a host is spoken to in http or https: as it was when it was last configured, else as is likely.

    An `azureml://` address does not tell. What configured it (a config.json, STUDIO_URL, a login) does.
    """
    for known in (os.environ.get("STUDIO_URL", ""), *folders.read(HOSTS), *folders.read(credentials.LOGINS)):
        if urlsplit(known).netloc.lower() == host.lower():
            return known.rstrip("/")
    name = urlsplit(f"//{host}").hostname or ""
    return f"{'http' if name in LOOPBACK else 'https'}://{host}"


def remember_host(url: str) -> None:
    """Keep how a studio is spoken to, for processes that are told but its `azureml://` address."""
    hosts = folders.read(HOSTS)
    if url.rstrip("/") in hosts or (urlsplit(url).hostname in LOOPBACK and url.startswith("http://")):
        return
    try:
        folders.write(HOSTS, {**hosts, url.rstrip("/"): {}})
    except OSError:  # a read-only home: STUDIO_URL serves as well
        return


def default_url() -> str:
    """Give the studio that is meant when none is named. Raises NotConfigured, with what to do."""
    if url := os.environ.get("STUDIO_URL"):
        return url.rstrip("/")
    if url := url_of_job():
        return url
    logins = list(folders.read(credentials.LOGINS))
    if len(logins) == 1:
        return logins[0]
    raise NotConfigured(
        "Which studio? Put its config.json (workspace menu, “Download config”) beside your script, set STUDIO_URL, "
        "or run “studio login <address>”."
    )


def url_of_job() -> str:
    """Give the studio in which this process is a job: it is told MLflow's address."""
    parts = urlsplit(os.environ.get("MLFLOW_TRACKING_URI", ""))
    if not os.environ.get("MLFLOW_RUN_ID") or parts.scheme not in ("http", "https"):
        return ""
    return f"{parts.scheme}://{parts.netloc}"
