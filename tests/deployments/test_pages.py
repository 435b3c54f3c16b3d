"""The pages and the API of endpoints, as people and programs meet them."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest
from django.urls import reverse

from deployments import keys, snippets, trial
from deployments.model_files import _pretty
from deployments.models import Deployment, DeploymentState, Endpoint
from deployments.views import deploy
from experiments.operations import create_experiment, create_run
from registry.models import ModelVersion

PAGES = ["endpoint-list", "endpoint-detail", "endpoint-test", "endpoint-consume", "endpoint-logs", "for-home"]


def url(page, workspace, *names):
    named = () if page in ("endpoint-list", "for-home", "create") else names
    return reverse(f"deployments:{page}", args=[workspace.name, *named])


@pytest.mark.parametrize("page", PAGES)
def test_bob_sees_it_and_charlie_does_not(browse, bob_user, charlie_user, workspace, endpoint, page):
    answer = browse(bob_user).get(url(page, workspace, endpoint.name))
    assert answer.status_code == 200
    assert endpoint.name in answer.content.decode()
    assert browse(charlie_user).get(url(page, workspace, endpoint.name)).status_code == 404


@pytest.mark.parametrize("state", DeploymentState.values)
def test_the_page_shows_every_state(browse, alice_user, workspace, endpoint, state):
    seen = [{"name": "x.0", "state": "ready", "pid": 1, "limited_by": "cgroup"}]
    Deployment.objects.update(state=state, error="It broke.", trace="Traceback", detail="line", seen=seen)
    text = browse(alice_user).get(url("endpoint-detail", workspace, endpoint.name)).content.decode()
    assert ("It broke." in text) == (state == DeploymentState.FAILED)


def test_the_form_makes_an_endpoint(browse, alice_user, workspace, version):
    client = browse(alice_user)
    page = client.get(url("create", workspace) + "?model=diabetes&version=1")
    form = page.context["form"]
    assert form.initial["name"] == "diabetes"
    values = {"version": version.pk, "name": "scores", "cpu_cores": 1, "memory_gb": 2, "auth": "key", "endpoint": ""}
    assert client.post(url("create", workspace), values).status_code == 303
    deployment = Endpoint.objects.get(name="scores").deployments.get()
    assert (deployment.cpu_cores, deployment.memory_gb) == (1, 2)
    again = client.post(url("create", workspace), values)
    assert (again.status_code, "exists already" in again.content.decode()) == (422, True)


def test_the_form_adds_a_revision(browse, alice_user, workspace, endpoint, second_version):
    values = {"version": second_version.pk, "endpoint": endpoint.name, "cpu_cores": 1, "memory_gb": 1, "auth": "key"}
    assert browse(alice_user).post(url("create", workspace), values).status_code == 303
    assert endpoint.deployments.count() == 2


def test_keys_are_shown_only_when_asked_for(browse, alice_user, bob_user, workspace, endpoint):
    primary = keys.unseal(endpoint.primary_key)
    client = browse(alice_user)
    assert primary not in client.get(url("endpoint-consume", workspace, endpoint.name)).content.decode()
    shown = client.post(url("endpoint-keys", workspace, endpoint.name))
    assert primary in shown.content.decode()
    assert shown["Cache-Control"] == "no-store"
    assert browse(bob_user).post(url("endpoint-keys", workspace, endpoint.name)).status_code == 403


def test_the_test_page_shows_the_answer(browse, alice_user, bob_user, workspace, endpoint, monkeypatch):
    asked = []

    def send(_endpoint, body):
        asked.append(body)
        return trial.Trial(200, "OK", "[1.5]", 3.2, 1.1, "abc")

    monkeypatch.setattr(trial, "send", send)
    address = url("endpoint-test", workspace, endpoint.name)
    answer = browse(alice_user).post(address, {"body": '{"data": [[1]]}'}, headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert "[1.5]" in text and "3.2 ms" in text and "<html" not in text
    assert asked == ['{"data": [[1]]}']
    assert browse(bob_user).post(address, {"body": "{}"}).status_code == 403


def test_a_reader_is_offered_nothing_that_is_not_his(browse, alice_user, bob_user, workspace, endpoint):
    lists = f"/w/{workspace.name}/endpoints/"
    assert "btn-primary" in browse(alice_user).get(lists).content.decode()
    assert "btn-primary" not in browse(bob_user).get(lists).content.decode()
    Endpoint.objects.all().delete()
    assert "btn-primary" not in browse(bob_user).get(lists).content.decode()


def test_deleting_asks_for_the_name(browse, alice_user, workspace, endpoint):
    client, address = browse(alice_user), url("endpoint-delete", workspace, endpoint.name)
    assert client.get(address).status_code == 200
    assert client.post(address, {"confirm": "other"}).status_code == 422
    assert client.post(address, {"confirm": endpoint.name}).status_code == 303
    assert Endpoint.objects.get().wanted == "absent"


def test_a_failed_revisions_log_is_what_was_kept(browse, alice_user, workspace, endpoint):
    Deployment.objects.update(state=DeploymentState.FAILED, trace="Traceback …")
    address = reverse("deployments:replica-log", args=[workspace.name, endpoint.name, 1, 0])
    first = browse(alice_user).get(address).json()
    assert (first["text"], first["final"]) == ("Traceback …", True)
    assert browse(alice_user).get(address, {"offset": first["offset"]}).json()["text"] == ""


def test_a_program_makes_watches_and_deletes_one(bearer, alice_user, workspace, version):
    client, base = bearer(alice_user), f"/w/{workspace.name}/api/v1/endpoints"
    made = client.post(base, {"name": "scores", "model": "diabetes", "version": 1}, content_type="application/json")
    assert (made.status_code, made.json()["state"]) == (202, "Transitioning")
    assert made.json()["scoring_uri"].endswith(f"/endpoints/{workspace.name}/scores/score")
    assert [one["name"] for one in client.get(base).json()] == ["scores"]
    key = client.get(f"{base}/scores/keys").json()["primary"]
    body = {"which": "primary"}
    assert client.post(f"{base}/scores/keys/regenerate", body, content_type="application/json").json()["primary"] != key
    assert (
        client.patch(f"{base}/scores", {"auth_enabled": False}, content_type="application/json").json()["auth_enabled"]
        is False
    )
    assert client.get(f"{base}/scores/logs").json() == {"lines": []}
    assert client.delete(f"{base}/scores").status_code == 202
    assert client.get(f"{base}/none").status_code == 404
    missing = client.post(base, {"name": "x"}, content_type="application/json")
    assert missing.status_code == 400


def test_bobs_program_may_not(bearer, bob_user, workspace, endpoint):
    client, base = bearer(bob_user), f"/w/{workspace.name}/api/v1/endpoints"
    assert client.get(f"{base}/{endpoint.name}").status_code == 200
    assert client.get(f"{base}/{endpoint.name}/keys").status_code == 403
    assert client.delete(f"{base}/{endpoint.name}").status_code == 403
    for verb in ("stop", "start"):
        assert client.post(f"{base}/{endpoint.name}/{verb}").status_code == 403


def test_the_code_shown_is_code(endpoint):
    body = '{"inputs": {"it\'s": ["a \\" b", null, true]}}'
    program = snippets.python(endpoint, body, "the-key")
    compile(program, "shown", "exec")
    shell = snippets.curl(endpoint, body, "the-key").replace(
        "curl -sS", f"{shlex.quote(sys.executable)} -c 'import sys; print(sys.argv[-1])'"
    )
    assert subprocess.run(["sh", "-c", shell], capture_output=True, text=True).stdout.strip() == body


def test_code_without_a_key_reads_it_from_the_environment(endpoint):
    shell, program = snippets.curl(endpoint, "{}"), snippets.python(endpoint, "{}")
    compile(program, "shown", "exec")
    assert '"Authorization: Bearer $STUDIO_ENDPOINT_KEY"' in shell
    assert 'os.environ["STUDIO_ENDPOINT_KEY"]' in program


def test_rows_of_an_example_stand_on_one_line():
    body = {"dataframe_split": {"columns": ["a", "b"], "data": [[1, "[ x\n ]"], [3, "y, z"]]}}
    text = _pretty(body)
    assert '["a", "b"]' in text
    assert '[3, "y, z"]' in text
    assert json.loads(text) == body


@pytest.fixture
def run(alice, workspace):
    experiment = create_experiment(alice, workspace, name="Diabetes sample")
    return create_run(alice, experiment, name="swift-fox")


def test_a_runs_model_is_registered_and_deployed_in_one_step(browse, alice_user, run, version, monkeypatch):
    asked = {}
    monkeypatch.setattr(deploy, "register_from_run", lambda *_actor, **given: asked.update(given) or version)
    here = f"/w/main/deploy/run/{run.pk}/?path=model"
    assert b"diabetes-sample" in browse(alice_user).get(here).content
    values = {"model": "m", "name": "quick", "cpu_cores": 0.5, "memory_gb": 1, "auth": "key"}
    answer = browse(alice_user).post(here, values)
    assert answer.status_code == 303 and answer.headers["Location"] == "/w/main/endpoints/quick/"
    assert asked == {"run": run, "path": "model", "name": "m"}


def test_a_refused_endpoint_leaves_no_version_behind(browse, alice_user, run, version, monkeypatch):
    def register(*_actor, **_given):
        return ModelVersion.objects.create(model=version.model, version=9, source="runs:/x/model")

    monkeypatch.setattr(deploy, "register_from_run", register)
    values = {"model": "m", "name": "No good name", "cpu_cores": 0.5, "memory_gb": 1, "auth": "key"}
    answer = browse(alice_user).post(f"/w/main/deploy/run/{run.pk}/?path=model", values)
    assert answer.status_code == 422
    assert not ModelVersion.objects.filter(version=9).exists()


def test_bob_and_charlie_do_not_deploy_a_run(browse, bob_user, charlie_user, run):
    here = f"/w/main/deploy/run/{run.pk}/?path=model"
    assert browse(bob_user).get(here).status_code == 403
    assert browse(charlie_user).get(here).status_code == 404
