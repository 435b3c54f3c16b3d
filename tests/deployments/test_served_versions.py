"""What an endpoint serves is not deleted under it."""

from __future__ import annotations

import pytest

from deployments import operations
from deployments.models import Deployment, DeploymentState
from experiments.purging import engine
from lib.errors import Conflict
from registry import operations as registry
from registry.models import ModelVersion

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("change", [registry.delete_version, registry.purge_version])
def test_a_served_version_is_refused_until_its_endpoint_goes(alice, endpoint, version, change):
    with pytest.raises(Conflict, match="The endpoint diabetes serves diabetes:1"):
        change(alice, version)
    operations.stop_endpoint(alice, endpoint)
    with pytest.raises(Conflict):
        change(alice, version)
    operations.delete_endpoint(alice, endpoint)
    change(alice, version)


@pytest.mark.parametrize("change", [registry.delete_model, registry.purge_model])
def test_a_model_with_a_served_version_is_refused(alice, endpoint, version, second_version, change):
    with pytest.raises(Conflict):
        change(alice, version.model)
    assert ModelVersion.objects.count() == 2


def test_a_revision_that_gave_way_or_failed_holds_nothing(alice, endpoint, version):
    Deployment.objects.update(state=DeploymentState.FAILED)
    registry.delete_version(alice, version)
    assert not ModelVersion.objects.exists()


def test_what_is_deployed_after_it_was_asked_for_stays(alice, workspace, version):
    purge = registry.purge_version(alice, version)
    operations.create_endpoint(alice, workspace, name="late-comer", model_version=version)
    assert engine.step(purge.pk)
    purge.refresh_from_db()
    assert purge.kept[0]["holders"] == [{"kind": "endpoint", "name": "late-comer"}]
    assert ModelVersion.objects.get() == version


def test_the_page_says_which_endpoint_and_offers_no_button(browse, alice_user, endpoint, version):
    page = browse(alice_user).get("/w/main/models/diabetes/versions/1/purge/").content.decode()
    assert "The endpoint diabetes serves diabetes:1" in page
    assert "Delete for good</button>" not in page
    answer = browse(alice_user).post("/w/main/models/diabetes/versions/1/delete/")
    assert answer.status_code == 303
    assert ModelVersion.objects.exists()
