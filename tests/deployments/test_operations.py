"""What may be asked of endpoints, and who may ask it."""

from __future__ import annotations

import pytest

from deployments import keys, operations
from deployments.models import Deployment, DeploymentState, Endpoint, EndpointState, Wanted
from lib.errors import AlreadyExists, Conflict, Denied, InvalidValue, NotFound
from registry.models import ModelVersion, RegisteredModel
from workspaces.models import AuditEntry


def test_a_new_endpoint_has_a_key_a_revision_and_a_state(endpoint, version):
    deployment = endpoint.deployments.get()
    assert (endpoint.state, endpoint.auth, endpoint.target_kind) == (EndpointState.TRANSITIONING, "key", "instance")
    assert (deployment.revision, deployment.state, deployment.model_label) == (1, "Queued", "diabetes:1")
    assert AuditEntry.objects.filter(action="deployments.create_endpoint").exists()


def test_keys_are_not_stored_as_they_are(endpoint):
    primary = keys.unseal(endpoint.primary_key)
    assert primary != keys.unseal(endpoint.secondary_key)
    assert primary.encode() not in bytes(endpoint.primary_key)


@pytest.mark.parametrize("name", ["", "ab", "1ab", "Ab-c", "ab_c", "ab-", "a" * 33, "a/b", "ab c", "été"])
def test_bad_names_are_refused(alice, workspace, version, name):
    with pytest.raises(InvalidValue) as refused:
        operations.create_endpoint(alice, workspace, name=name, model_version=version)
    assert refused.value.field == "name"


def test_a_taken_name_is_refused(alice, workspace, version, endpoint):
    with pytest.raises(AlreadyExists):
        operations.create_endpoint(alice, workspace, name=endpoint.name, model_version=version)


@pytest.mark.parametrize("size", [{"cpu_cores": 0}, {"cpu_cores": -1}, {"memory_gb": 0}, {"memory_gb": 10_000}])
def test_bad_sizes_are_refused(alice, workspace, version, size):
    with pytest.raises(InvalidValue):
        operations.create_endpoint(alice, workspace, name="small", model_version=version, size=operations.Size(**size))
    assert not Endpoint.objects.exists()


def test_another_workspaces_model_does_not_exist(alice, workspace, elsewhere, version):
    model = RegisteredModel.objects.create(workspace=elsewhere, name="theirs")
    theirs = ModelVersion.objects.create(model=model, version=1, source="s")
    with pytest.raises(NotFound):
        operations.create_endpoint(alice, workspace, name="mine", model_version=theirs)


def test_bob_reads_and_charlie_knows_nothing(bob, charlie, workspace, version, endpoint):
    for actor, refusal in ((bob, Denied), (charlie, NotFound)):
        with pytest.raises(refusal):
            operations.create_endpoint(actor, workspace, name="another", model_version=version)
        for change in (operations.stop_endpoint, operations.delete_endpoint, operations.read_keys):
            with pytest.raises(refusal):
                change(actor, endpoint)
    assert list(Endpoint.objects.visible_to(bob)) == [endpoint]
    assert not Endpoint.objects.visible_to(charlie).exists()


def test_a_second_deploy_takes_the_place_of_one_on_its_way(alice, endpoint, second_version):
    operations.deploy(alice, endpoint, model_version=second_version, size=operations.Size(cpu_cores=2))
    first, second = endpoint.deployments.order_by("revision")
    assert (first.wanted, second.wanted, second.revision) == (Wanted.STOPPED, Wanted.RUNNING, 2)
    assert (second.cpu_cores, second.memory_bytes) == (2, first.memory_bytes)


def test_a_stopped_endpoint_takes_no_revision(alice, endpoint, second_version):
    operations.stop_endpoint(alice, endpoint)
    endpoint.refresh_from_db()
    with pytest.raises(Conflict):
        operations.deploy(alice, endpoint, model_version=second_version)


def test_a_deleted_one_cannot_be_started_again(alice, endpoint):
    operations.delete_endpoint(alice, endpoint)
    operations.delete_endpoint(alice, endpoint)
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.DELETING
    with pytest.raises(Conflict):
        operations.start_endpoint(alice, endpoint)


def test_each_key_is_regenerated_alone(alice, endpoint):
    before = operations.read_keys(alice, endpoint)
    made = operations.regenerate_key(alice, endpoint, which="secondary")
    endpoint.refresh_from_db()
    assert operations.read_keys(alice, endpoint) == (before[0], made)
    with pytest.raises(InvalidValue):
        operations.regenerate_key(alice, endpoint, which="third")
    assert AuditEntry.objects.filter(action="deployments.read_keys").count() == 2


def test_a_key_sealed_by_another_secret_opens_nothing(endpoint, settings):
    settings.SECRET_KEY = "another"
    assert keys.hashes(endpoint) == []
    settings.SECRET_KEY_FALLBACKS = ["only for tests"]
    assert len(keys.hashes(endpoint)) == 2


def test_what_serves_cannot_be_rolled_back_to_and_what_arrived_not_cancelled(alice, endpoint):
    Deployment.objects.update(state=DeploymentState.HEALTHY, traffic=100)
    with pytest.raises(Conflict):
        operations.roll_back(alice, endpoint, revision=1)
    with pytest.raises(NotFound):
        operations.roll_back(alice, endpoint, revision=9)
    with pytest.raises(Conflict):
        operations.cancel_deployment(alice, endpoint.deployments.get())
