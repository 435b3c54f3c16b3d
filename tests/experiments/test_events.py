"""What runs tell webhooks."""

import json

import pytest

from experiments import operations
from experiments.models import Experiment, RunStatus
from workspaces.access import Actor
from workspaces.events import EVENTS
from workspaces.models import WebhookDelivery
from workspaces.webhooks.operations import create_webhook

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(workspace):
    create_webhook(Actor.system(), workspace, name="hook", url="https://93.184.216.34/", events=list(EVENTS))
    return lambda: sorted(WebhookDelivery.objects.values_list("event", flat=True))


@pytest.fixture
def run(alice, workspace, told):
    experiment = Experiment.objects.filter(workspace=workspace).first()
    return operations.create_run(alice, experiment, name="a run", start_ms=5, user_name="al")


def test_a_run_tells_that_it_began(run, told):
    data = json.loads(WebhookDelivery.objects.get(event="run.created").body)["data"]
    assert data == {
        "run_id": run.pk,
        "run_name": "a run",
        "experiment_id": str(run.experiment_id),
        "experiment_name": run.experiment.name,
        "user_id": "al",
        "status": "RUNNING",
        "start_time": 5,
        "end_time": None,
    }
    assert data.keys() == EVENTS["run.created"].keys()


@pytest.mark.parametrize(
    ("status", "event"), [("FINISHED", "run.finished"), ("FAILED", "run.failed"), ("KILLED", "run.killed")]
)
def test_a_run_tells_its_end_once(alice, run, told, status, event):
    operations.update_run(alice, run, status=status, end_ms=9)
    operations.update_run(alice, run, status=status, end_ms=10)
    assert told() == sorted(["run.created", event])
    data = json.loads(WebhookDelivery.objects.get(event=event).body)["data"]
    assert data["status"] == status and data["end_time"] == 9


def test_a_change_that_is_no_end_tells_nothing(alice, run, told):
    operations.update_run(alice, run, name="other")
    operations.update_run(alice, run, status=RunStatus.SCHEDULED)
    assert told() == ["run.created"]


def test_a_submitted_run_tells_the_end_that_its_job_gives(alice, workspace, told):
    experiment = Experiment.objects.filter(workspace=workspace).first()
    run = operations.create_run(alice, experiment, is_submitted=True, status=RunStatus.SCHEDULED)
    operations.update_run(alice, run, status=RunStatus.FINISHED)
    assert told() == ["run.created"]
    operations.finish_submitted_run(Actor.system(), run, status=RunStatus.FAILED)
    operations.finish_submitted_run(Actor.system(), run, status=RunStatus.FAILED)
    assert told() == ["run.created", "run.failed"]
    assert json.loads(WebhookDelivery.objects.get(event="run.failed").body)["data"]["end_time"]
