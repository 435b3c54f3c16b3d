"""A run that logs point by point is looked up once, and a point is still refused the moment the run is gone."""

import pytest

from experiments import metrics
from experiments.models import Run
from experiments.queries import runs
from tests.mlflow_client import Mlflow, Refused
from workspaces import authentication

pytestmark = pytest.mark.django_db


@pytest.fixture
def remembering(settings):
    settings.CREDENTIALS_SECONDS = 60
    yield
    for recent in (runs.SEEN, authentication.RECENT):
        recent.forget()


@pytest.fixture
def run_id(mlflow):
    return mlflow("CreateRun", experiment_id="0")["run"]["info"]["run_id"]


def log(mlflow, run_id, step):
    mlflow("LogMetric", run_id=run_id, key="loss", value=0.5, timestamp=1, step=step)


def test_the_second_point_is_one_statement(remembering, mlflow, run_id, django_assert_num_queries):
    log(mlflow, run_id, 1)
    with django_assert_num_queries(1):
        log(mlflow, run_id, 2)
    assert len(metrics.history(run_id, "loss")) == 2


def test_a_run_put_into_the_bin_takes_no_point_and_out_of_it_does_at_once(remembering, mlflow, run_id):
    log(mlflow, run_id, 1)
    Run.objects.filter(pk=run_id).update(deleted_ms=1)  # by another process
    for _time in range(2):
        with pytest.raises(Refused, match="must be in the 'active' state"):
            log(mlflow, run_id, 2)
    Run.objects.filter(pk=run_id).update(deleted_ms=None)
    log(mlflow, run_id, 3)
    assert metrics.history(run_id, "loss").steps.tolist() == [1, 3]


def test_a_run_in_the_bin_is_not_remembered(remembering, mlflow, run_id):
    Run.objects.filter(pk=run_id).update(deleted_ms=1)
    with pytest.raises(Refused, match="must be in the 'active' state"):
        log(mlflow, run_id, 1)
    Run.objects.filter(pk=run_id).update(deleted_ms=None)
    log(mlflow, run_id, 1)


def test_a_run_that_is_no_more_is_not_found(remembering, mlflow, run_id):
    log(mlflow, run_id, 1)
    Run.objects.filter(pk=run_id).delete()
    with pytest.raises(Refused, match="RESOURCE_DOES_NOT_EXIST"):
        log(mlflow, run_id, 2)


def test_what_is_remembered_opens_no_other_workspace(remembering, mlflow, run_id, bearer, charlie_user):
    log(mlflow, run_id, 1)
    with pytest.raises(Refused, match="RESOURCE_DOES_NOT_EXIST"):
        log(Mlflow(bearer(charlie_user), "/w/elsewhere"), run_id, 2)
    with pytest.raises(Refused):
        log(Mlflow(bearer(charlie_user)), run_id, 2)
