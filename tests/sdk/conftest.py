"""The SDK against the app in this process, acting as alice."""

from __future__ import annotations

import functools
import importlib

import pytest
import requests
from studio_sdk import client as sdk_client

from tests.sdk.in_process import AppAdapter
from workspaces import operations
from workspaces.models import Token

URL = "http://localhost"
cli = importlib.import_module("studio_sdk.cli.main")  # the package gives the function of this name
PARSER = functools.cache(cli.parser)  # its words take longer to make than to read


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, settings, remembered):
    """A user's machine that has never seen a studio."""
    for name in ("STUDIO_TOKEN", "STUDIO_URL", "MLFLOW_TRACKING_TOKEN", "AZUREML_RUN_ID", "MLFLOW_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STUDIO_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    settings.STUDIO_SENDS_FILES_BY_GATEWAY = False
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    return tmp_path


@pytest.fixture
def wire(monkeypatch) -> AppAdapter:
    adapter = AppAdapter()

    def session() -> requests.Session:
        made = requests.Session()
        made.mount("http://", adapter)
        return made

    monkeypatch.setattr(sdk_client, "make_session", session)
    return adapter


@pytest.fixture
def token(alice_user, monkeypatch) -> str:
    _token, secret = operations.make_token(kind=Token.Kind.USER, name="sdk", user=alice_user)
    monkeypatch.setenv("STUDIO_TOKEN", secret)
    monkeypatch.setenv("STUDIO_URL", URL)
    return secret


@pytest.fixture
def ws(wire, token, workspace):
    from azureml.core import Workspace

    return Workspace("00000000", "rg", "main")


@pytest.fixture
def studio(wire, token, workspace, capsys, monkeypatch):
    """Run a command; gives its exit code, what it printed and what it complained of."""
    monkeypatch.setattr(cli, "parser", PARSER)

    def run(*words):
        code = cli.main(words)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
