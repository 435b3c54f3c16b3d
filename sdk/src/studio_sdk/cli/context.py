"""Which studio and workspace a command means."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass

from studio_sdk import addresses, config_file, folders
from studio_sdk.client import Client, connect, part
from studio_sdk.errors import NotConfigured

DEFAULTS = "defaults.json"
VARIABLES = ("STUDIO_WORKSPACE", "AZUREML_ARM_WORKSPACE_NAME")  # the second is a job's


@dataclass(frozen=True)
class Context:
    """`studio` asks the studio itself, `workspace` below a workspace, `api` and `mlflow` its two APIs."""

    studio: Client
    name: str

    @property
    def workspace(self) -> Client:
        return self.studio.below(f"w/{part(self.name)}")

    @property
    def api(self) -> Client:
        return self.studio.below(f"w/{part(self.name)}/api/v1")

    @property
    def mlflow(self) -> Client:
        return self.studio.below(f"w/{part(self.name)}/api/2.0/mlflow")

    def page(self, path: str) -> str:
        return f"{self.studio.url}/w/{part(self.name)}/{path}"


def studio(given: argparse.Namespace) -> Client:
    return connect(url_of(given))


def url_of(given: argparse.Namespace) -> str:
    if given.url:
        return str(given.url).rstrip("/")
    if os.environ.get("STUDIO_URL"):
        return addresses.default_url()
    found = config()
    return (
        found.studio_url
        if found and found.studio_url
        else str(folders.read(DEFAULTS).get("url") or addresses.default_url())
    )


def context(given: argparse.Namespace) -> Context:
    """Find the workspace: named, of the environment, of a config.json, chosen before, or the only one."""
    client = studio(given)
    told = next((os.environ[name] for name in VARIABLES if os.environ.get(name)), "")
    return Context(client, str(given.workspace or told or configured(client) or only(client)))


def config() -> config_file.Config | None:
    try:
        return config_file.find()
    except NotConfigured:
        return None


def configured(client: Client) -> str:
    found = config()
    if found is not None and found.studio_url in ("", client.url):
        return found.workspace_name
    chosen = folders.read(DEFAULTS)
    return str(chosen.get("workspace", "")) if chosen.get("url", client.url) == client.url else ""


def only(client: Client) -> str:
    names = [row["name"] for row in client.get("api/v1/workspaces")]
    if len(names) == 1:
        return str(names[0])
    raise NotConfigured(
        f"Which workspace? Choose one by -w or “studio workspace use”: {', '.join(names) or 'you have none'}."
    )


def pairs(given: list[str] | None) -> dict[str, str]:
    """Read KEY=VALUE words. Raises NotConfigured for one without “=”."""
    found = {}
    for word in given or []:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise NotConfigured(f"“{word}” is not of the form KEY=VALUE.")
        found[key] = value
    return found
