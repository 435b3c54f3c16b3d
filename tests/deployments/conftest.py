from __future__ import annotations

import pytest

from deployments import model_files, operations
from registry.models import ModelVersion, RegisteredModel
from tests.deployments.fakes import Around


@pytest.fixture
def version(workspace, monkeypatch) -> ModelVersion:
    """A model version that could be served; its files are another app's matter."""
    monkeypatch.setattr(model_files, "check_servable", lambda _version: None)
    monkeypatch.setattr(model_files, "example_body", lambda _version: '{"data": [[0]]}')
    model = RegisteredModel.objects.create(workspace=workspace, name="diabetes", last_version=1)
    return ModelVersion.objects.create(model=model, version=1, source="runs:/x/model")


@pytest.fixture
def second_version(version) -> ModelVersion:
    return ModelVersion.objects.create(model=version.model, version=2, source="runs:/y/model")


@pytest.fixture
def endpoint(alice, workspace, version):
    return operations.create_endpoint(alice, workspace, name="diabetes", model_version=version)


@pytest.fixture
def around(tmp_path) -> Around:
    return Around(tmp_path)
