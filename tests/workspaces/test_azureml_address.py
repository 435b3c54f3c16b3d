"""The long address of a workspace that the `azureml` client hands to MLflow."""

import pytest

from tests.mlflow_client import Mlflow

pytestmark = pytest.mark.django_db

PLACE = "/mlflow/v2.0/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}"


def test_the_protocol_is_served_below_it(bearer, alice_user, workspace):
    mlflow = Mlflow(bearer(alice_user), PLACE.format("00000000", "rg", "main"))
    run = mlflow("CreateRun", experiment_id=mlflow("CreateExperiment", name="e")["experiment_id"])
    assert Mlflow(bearer(alice_user))("GetRun", run_id=run["run"]["info"]["run_id"])


@pytest.mark.parametrize("place", [("1", "rg", "main"), ("00000000", "other", "main"), ("00000000", "rg", "elsewhere")])
def test_a_wrong_group_or_workspace_does_not_exist(bearer, alice_user, elsewhere, place):
    answer = bearer(alice_user).get(PLACE.format(*place) + "/api/2.0/mlflow/experiments/get?experiment_id=0")
    assert answer.status_code == 404
