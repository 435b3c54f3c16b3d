"""What the registry tells webhooks, against the shapes of MLflow's own client library."""

import json

import pytest

from experiments import operations as runs
from experiments.models import Experiment
from registry import operations
from workspaces.access import Actor
from workspaces.events import EVENTS
from workspaces.models import WebhookDelivery
from workspaces.webhooks.operations import create_webhook

pytestmark = pytest.mark.django_db

PROMPT = {"mlflow.prompt.is_prompt": "true"}


@pytest.fixture
def told(workspace):
    """Give what was told since the last call, as (event, data)."""
    create_webhook(Actor.system(), workspace, name="hook", url="https://93.184.216.34/", events=list(EVENTS))

    def since():
        rows = sorted(WebhookDelivery.objects.values_list("created_ms", "event", "body"))
        WebhookDelivery.objects.all().delete()
        found = [(event, json.loads(body)["data"]) for _at, event, body in rows]
        for event, data in found:
            assert data.keys() == EVENTS[event].keys(), f"the example of {event} has another shape"
        return found

    return since


def test_a_model_its_versions_tags_and_aliases_are_told(told, alice, workspace):
    experiment = Experiment.objects.filter(workspace=workspace).first()
    run = runs.create_run(alice, experiment, name="r")
    told()
    model = operations.register_model(alice, workspace, name="m", description="d", tags={"team": "a"})
    assert told() == [("registered_model.created", {"name": "m", "tags": {"team": "a"}, "description": "d"})]
    source = f"runs:/{run.pk}/model"
    version = operations.create_version(alice, model, source=source, run_id=run.pk, tags={"k": "v"})
    of_version = {"name": "m", "version": "1"}
    content = {**of_version, "source": version.source, "run_id": run.pk, "tags": {"k": "v"}, "description": None}
    assert told() == [("model_version.created", content)]
    operations.set_version_tag(alice, version, key="k", value="w")
    assert told() == [("model_version_tag.set", {**of_version, "key": "k", "value": "w"})]
    operations.delete_version_tag(alice, version, key="k")
    assert told() == [("model_version_tag.deleted", {**of_version, "key": "k"})]
    operations.set_alias(alice, version, alias="champion")
    assert told() == [("model_version_alias.created", {**of_version, "alias": "champion"})]
    operations.delete_alias(alice, model, alias="champion")
    assert told() == [("model_version_alias.deleted", {"name": "m", "alias": "champion"})]
    operations.set_model_tag(alice, model, key="k", value="v")
    operations.delete_model_tag(alice, model, key="k")
    assert told() == []


def test_a_prompt_has_names_of_its_own(told, alice, workspace):
    prompt = operations.register_model(alice, workspace, name="p", tags={**PROMPT, "team": "a"})
    assert told() == [("prompt.created", {"name": "p", "tags": {"team": "a"}, "description": ""})]
    tags = {**PROMPT, "mlflow.prompt.text": "Say {{it}}", "_mlflow_prompt_type": "text", "k": "v"}
    version = operations.create_version(alice, prompt, source="prompt-template", description="first", tags=tags)
    of_version = {"name": "p", "version": "1"}
    content = {**of_version, "template": "Say {{it}}", "tags": {"k": "v"}, "description": "first"}
    assert told() == [("prompt_version.created", content)]
    operations.set_model_tag(alice, prompt, key="k", value="v")
    operations.delete_model_tag(alice, prompt, key="k")
    operations.set_version_tag(alice, version, key="k", value="w")
    operations.delete_version_tag(alice, version, key="k")
    operations.set_alias(alice, version, alias="live")
    operations.delete_alias(alice, prompt, alias="live")
    names = ["tag.set", "tag.deleted", "version_tag.set", "version_tag.deleted", "alias.created", "alias.deleted"]
    assert sorted(event for event, _data in told()) == sorted(f"prompt_{name}" for name in names)


def test_our_shapes_are_those_of_mlflows_library():
    """Compare with the field names that the library of receivers declares, without importing its heavy parent."""
    import lib.mlflow  # noqa: F401

    types = pytest.importorskip("mlflow.webhooks.types")
    for (entity, action), shape in types.EVENT_TO_PAYLOAD_CLASS.items():
        event = f"{entity.value}.{action.value}"
        if event in EVENTS:
            assert EVENTS[event].keys() == shape.__annotations__.keys(), event
    known = {f"{entity.value}.{action.value}" for entity, action in types.EVENT_TO_PAYLOAD_CLASS}
    assert known - {"budget_policy.exceeded"} == {event for event in EVENTS if not event.startswith("run.")}
