"""Compute targets."""

import pytest
from azureml.core.compute import AksCompute, AmlCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(ws):
    config = AmlCompute.provisioning_configuration(
        vm_size="STANDARD_D2_V2", max_nodes=4, idle_seconds_before_scaledown="2400", vnet_name="x"
    )
    return ComputeTarget.create(ws, "cpu-cluster", config)


def test_the_try_and_except_of_the_notebooks(ws):
    with pytest.raises(ComputeTargetException, match="ComputeTargetNotFound"):
        ComputeTarget(workspace=ws, name="cpu-cluster")
    config = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=4)
    made = ComputeTarget.create(ws, "cpu-cluster", config)
    made.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)
    assert isinstance(ComputeTarget(workspace=ws, name="cpu-cluster"), AmlCompute)


def test_a_cluster_says_what_it_is(ws, cluster):
    status = cluster.get_status().serialize()
    assert status["currentNodeCount"] == 0
    assert status["scaleSettings"] == {
        "minNodeCount": 0, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT2400S"
    }  # fmt: skip
    assert cluster.provisioning_state == "Succeeded"
    assert cluster.provisioning_errors is None
    assert ws.compute_targets["cpu-cluster"].type == "AmlCompute"
    with pytest.raises(KeyError):
        ws.compute_targets["nothere"]


def test_an_existing_cluster_is_given_as_it_is(ws, cluster):
    config = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=9)
    assert ComputeTarget.create(ws, "cpu-cluster", config).scale_settings.maximum_node_count == 4


def test_a_cluster_is_rescaled_and_deleted(ws, cluster, capsys, monkeypatch):
    from jobs.operations import make_room

    monkeypatch.setattr("time.sleep", lambda _seconds: make_room())  # what happens meanwhile in a studio
    cluster.update(max_nodes=6)
    assert AmlCompute(ws, "cpu-cluster").scale_settings.maximum_node_count == 6
    cluster.delete()
    cluster.wait_for_completion(show_output=True, is_delete_operation=True)
    assert 'AmlCompute deletion operation finished, operation "Succeeded"' in capsys.readouterr().out


@pytest.mark.parametrize(
    "given",
    [
        {"min_nodes": 3, "max_nodes": 1},
        {"min_nodes": -1},
        {"idle_seconds_before_scaledown": "soon"},
        {"vm_priority": "high"},
    ],
)
def test_counts_that_cannot_be_are_refused_before_anything_is_sent(wire, given):
    with pytest.raises(ComputeTargetException):
        AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", **given)
    assert wire.asked == []


def test_an_unknown_size_is_refused(ws):
    config = AmlCompute.provisioning_configuration(vm_size="STANDARD_NOTHERE", max_nodes=1)
    with pytest.raises(ComputeTargetException, match="STANDARD_NOTHERE"):
        ComputeTarget.create(ws, "cpu-cluster", config)


@pytest.mark.parametrize("name", ["", "a", "1ab", "a" * 17, "a_b"])
def test_a_bad_name_is_refused_before_anything_is_sent(ws, wire, name):
    before = len(wire.asked)
    with pytest.raises(ComputeTargetException, match="cannot be the name"):
        ComputeTarget.create(ws, name, AmlCompute.provisioning_configuration("STANDARD_D2_V2", max_nodes=1))
    assert len(wire.asked) == before


def test_an_inference_cluster_is_made_with_defaults_alone(ws, capsys):
    target = ComputeTarget.create(
        workspace=ws, name="aks-mlflow", provisioning_configuration=AksCompute.provisioning_configuration()
    )
    target.wait_for_completion(show_output=True)
    assert target.provisioning_state == "Succeeded"
    assert target.provisioning_errors is None
    assert 'AksCompute creation operation finished, operation "Succeeded"' in capsys.readouterr().out.replace(
        "AKS creation", "AksCompute creation"
    )
    assert isinstance(ComputeTarget(ws, "aks-mlflow"), AksCompute)
    assert isinstance(target.get_status(), str)
    with pytest.raises(ComputeTargetException, match="in use"):
        ComputeTarget.create(ws, "aks-mlflow", AksCompute.provisioning_configuration())


def test_a_class_does_not_take_the_others_target(ws, cluster):
    with pytest.raises(ComputeTargetException, match="of the kind AmlCompute"):
        AksCompute(ws, "cpu-cluster")


def test_sizes_are_listed(ws):
    assert {"name", "vCPUs", "memoryGB"} <= set(AmlCompute.supported_vmsizes(ws)[0])
