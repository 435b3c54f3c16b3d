from __future__ import annotations

import pytest
from django.test import Client

from compute.environments import parse_requirements
from compute.operations import NodeReport, heartbeat, local_cluster
from experiments.models import Experiment
from jobs import operations
from jobs.models import Job
from workspaces.access import Actor
from workspaces.models import Token
from workspaces.operations import make_token


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.ENVIRONMENTS_DIR = tmp_path / "environments"
    settings.RUNTIME_HOME = tmp_path
    return tmp_path


@pytest.fixture
def experiment(workspace) -> Experiment:
    return Experiment.objects.get(workspace=workspace, is_default=True)


@pytest.fixture
def node_actor(db) -> Actor:
    return Actor(kind="node", name="node:local", by="token", subject="local-cluster")


@pytest.fixture
def node(node_actor):
    return heartbeat(node_actor, report=NodeReport(name="n1", slots=2))


@pytest.fixture
def other_node(node_actor):
    return heartbeat(node_actor, report=NodeReport(name="n2", slots=2))


@pytest.fixture
def node_client(db) -> Client:
    local_cluster()
    _token, secret = make_token(kind=Token.Kind.NODE, name="n", subject="local-cluster")
    return Client(headers={"Authorization": f"Bearer {secret}", "Accept": "application/json"})


@pytest.fixture
def submit(alice, workspace, experiment):
    def submit(files: dict[str, bytes] | None = None, **fields: object) -> Job:
        code = files or {"train.py": b"print('hello')"}
        snapshot = operations.store_snapshot(alice, workspace, files=code)
        values = {"command": ["python", "train.py"], "environment": parse_requirements("numpy"), **fields}
        return operations.submit_job(alice, experiment, snapshot=snapshot, **values)

    return submit
