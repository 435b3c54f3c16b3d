"""No request makes a 500, for its client would repeat it for minutes: every rpc, every field, every wrong kind."""

import json

import pytest

from experiments import operations
from experiments.models import Experiment
from lib.mlflow.messages import endpoints
from lib.mlflow.rpc import HANDLERS
from studio import mlflow_urls

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("remembered")]
assert mlflow_urls.urlpatterns  # collects the handlers

SERVED = sorted({(one.message, one.method, one.major, one.path) for one in endpoints() if one.message in HANDLERS})
WRONG = [
    None,
    True,
    -1,
    2**63,
    1.5,
    "",
    "a\x00b",
    "\ud800",
    "x" * 100_000,
    "../..",
    "'; DROP TABLE experiments_run; --",
    [None],
    {"a": {"b": []}},
]


@pytest.fixture
def known(alice, workspace):
    """Values that lead to rows that exist, so that the other fields are looked at too."""
    from registry import operations as registry

    experiment = Experiment.objects.get(workspace=workspace)
    run = operations.create_run(alice, experiment)
    model = operations.create_logged_model(alice, experiment, name="m", source_run_id=run.pk)
    registered = registry.register_model(alice, workspace, name="known")
    registry.create_version(alice, registered, source=f"models:/{model.pk}")
    return {
        "run_id": run.pk,
        "experiment_id": "0",
        "experiment_ids": ["0"],
        "model_id": model.pk,
        "name": "known",
        "version": "1",
        "key": "k",
        "value": "1",
        "metric_key": "k",
        "run_ids": [run.pk],
        "max_results": 5,
        "path": f"0/{run.pk}/artifacts",
        "stage": "Staging",
        "alias": "a",
    }


def message_of(name):
    return HANDLERS[name].message


@pytest.mark.parametrize(("name", "method", "major", "path"), SERVED, ids=[one[0] for one in SERVED])
def test_no_field_of_any_rpc_makes_a_500(bearer, alice_user, known, name, method, major, path):
    client = bearer(alice_user)
    client.raise_request_exception = False
    fields = [field.name for field in message_of(name).DESCRIPTOR.fields]
    good = {key: value for key, value in known.items() if key in fields}
    url = f"/w/main/api/{major}.0{path}"
    url = url.replace("{model_id}", known["model_id"]).replace("{tag_key}", "k").replace("{workspace_name}", "main")
    url = url.replace("<path:artifact_path>", f"{known['path']}/a")
    for field in [*fields, "unknown"]:
        for wrong in WRONG:
            if method == "GET":
                if wrong == "\ud800":
                    continue  # no URL can carry it
                response = client.get(url, {**good, field: str(wrong)})
            else:
                body = json.dumps({**good, field: wrong})
                response = client.generic(method, url, body, content_type="application/json")
            assert response.status_code < 500, (field, wrong, response.content[:300])
            assert response.status_code < 400 or response.json()["error_code"], (field, wrong)


@pytest.mark.parametrize("body", [b"{", b"[]", b"7", b"null", b'"x"', b"\xff", b"[" * 100_000, b"{} x", b"\x00"])
def test_no_body_makes_a_500(bearer, alice_user, known, body):
    client = bearer(alice_user)
    for name, method, major, path in SERVED:
        if method != "GET" and "<path" not in path:
            response = client.generic(method, f"/api/{major}.0{path}", body, content_type="application/json")
            assert 400 <= response.status_code < 500, (name, response.content[:300])
            assert set(response.json()) >= {"error_code", "message"}
