"""Who may have webhooks, what they may be, and how MLflow's clients and the studio's API see them."""

import json
from types import SimpleNamespace

import pytest
from django.db import connection, transaction

from lib import outbound
from lib.errors import Denied, InvalidValue, NotFound, TooMany
from workspaces import events
from workspaces.access import Actor
from workspaces.models import AuditEntry, DeliveryState, Webhook, WebhookDelivery
from workspaces.webhooks import operations, queries, request

pytestmark = pytest.mark.django_db

URL = "https://93.184.216.34/services/T0/path"
VERSION = {"entity": "MODEL_VERSION", "action": "CREATED"}
MLFLOW = "/w/main/api/2.0/mlflow/webhooks"
STUDIO = "/w/main/api/v1/webhooks"


@pytest.fixture
def make(alice, workspace):
    def made(**fields):
        fields = {"name": "hook", "url": URL, "events": ["model_version.created"], **fields}
        return operations.create_webhook(alice, workspace, **fields)

    return made


@pytest.fixture
def answers(monkeypatch):
    """Play the receiver: what is in the list is answered in turn, an exception raised; requests are kept."""
    script, sent = [], []

    def send(url, *, body, headers, allowed, **more):
        sent.append({"url": url, "body": body, "headers": headers})
        answer = script.pop(0) if script else 200
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, outbound.Answer) else outbound.Answer(answer, b"noted")

    monkeypatch.setattr(outbound, "send", send)
    return SimpleNamespace(script=script, sent=sent)


# ---- Rules ----------------------------------------------------------------------------------------------------------


def test_the_secret_is_encrypted_and_the_audit_keeps_neither_it_nor_the_path(make):
    webhook = make(secret="very secret")
    assert "very secret" not in webhook.sealed_secret and len(webhook.sealed_secret) > 50
    entry = AuditEntry.objects.get(action="workspaces.create_webhook")
    assert entry.details["url"] == "https://93.184.216.34"
    assert "very secret" not in json.dumps(entry.details)


@pytest.mark.parametrize("name", ["", "a b", "-a", "a-", "a" * 64, "a/b", "a\n", "é"])
def test_a_bad_name_is_refused(make, name):
    with pytest.raises(InvalidValue):
        make(name=name)


@pytest.mark.parametrize("names", [[], ["run"], ["run.exploded"], ["budget_policy.exceeded"], ["run.created", ""]])
def test_unknown_events_are_refused(make, names):
    with pytest.raises(InvalidValue):
        make(events=names)


@pytest.mark.parametrize(
    "url", ["http://1.1.1.1/", "https://127.0.0.1/", "https://169.254.169.254/", "gopher://x/", ""]
)
def test_an_address_that_is_refused_is_never_stored(make, url):
    with pytest.raises(InvalidValue):
        make(url=url)
    webhook = make()
    with pytest.raises(InvalidValue):
        operations.update_webhook(Actor.system(), webhook, url=url)
    webhook.refresh_from_db()
    assert webhook.url == URL


def test_only_owners_see_and_change_webhooks(make, bob, charlie, workspace, dora):
    webhook = make()
    with pytest.raises(NotFound):
        queries.webhook(bob, workspace, webhook.pk)
    with pytest.raises(Denied):
        operations.try_webhook(bob, webhook)
    with pytest.raises(NotFound):
        operations.try_webhook(charlie, webhook)
    assert list(queries.webhooks(bob, workspace)) == list(queries.webhooks(charlie, workspace)) == []
    assert list(queries.webhooks(dora, workspace)) == [webhook]


def test_a_workspace_has_a_bounded_number(make, monkeypatch):
    monkeypatch.setattr(operations, "MOST_WEBHOOKS", 1)
    make()
    with pytest.raises(InvalidValue):
        make()


# ---- Events ---------------------------------------------------------------------------------------------------------


def test_an_event_is_written_for_those_who_asked_for_it_only(make, workspace, elsewhere, alice):
    one, other = make(), make(events=["model_version.created", "run.failed"])
    make(events=["run.created"])
    make(is_active=False)
    events.emit(workspace, "model_version.created", {"name": "m", "version": "1"})
    events.emit(elsewhere, "model_version.created", {"name": "m", "version": "1"})
    rows = list(WebhookDelivery.objects.all())
    assert {row.webhook_id for row in rows} == {one.pk, other.pk} and len({row.pk for row in rows}) == 2
    body = json.loads(rows[0].body)
    assert body.pop("timestamp").endswith("+00:00")
    assert body == {
        "entity": "model_version",
        "action": "created",
        "workspace": "main",
        "data": {"name": "m", "version": "1"},
    }
    assert {(row.state, row.attempts, row.workspace_id) for row in rows} == {("pending", 0, workspace.pk)}


def test_an_event_that_nobody_hears_costs_one_query(workspace, django_assert_num_queries):
    with django_assert_num_queries(1):
        events.emit(workspace, "run.created", {})


def test_what_is_rolled_back_is_not_told(make, workspace, django_capture_on_commit_callbacks):
    make()
    with django_capture_on_commit_callbacks() as hints, pytest.raises(ZeroDivisionError), transaction.atomic():
        events.emit(workspace, "model_version.created", {})
        raise ZeroDivisionError
    assert not WebhookDelivery.objects.exists() and not hints


def test_a_missing_broker_loses_nothing(make, workspace, monkeypatch, django_capture_on_commit_callbacks):
    make()

    def away(*arguments, **options):
        raise ConnectionError

    monkeypatch.setattr("celery.app.task.Task.apply_async", away)
    with django_capture_on_commit_callbacks(execute=True):
        events.emit(workspace, "model_version.created", {})
    assert WebhookDelivery.objects.get().state == DeliveryState.PENDING


def test_text_of_any_kind_can_be_told(make, workspace):
    make()
    events.emit(workspace, "model_version.created", {"name": "a\x00b\ud800 \u202e 語", "description": None})
    assert json.loads(WebhookDelivery.objects.get().body)["data"]["name"] == "a\x00b\ud800 \u202e 語"


@pytest.mark.parametrize("event", events.EVENTS)
def test_each_event_has_an_example_that_can_be_sent(event, workspace):
    body = json.loads(events.body(workspace, event, events.EVENTS[event], 0))
    assert f"{body['entity']}.{body['action']}" == event and body["data"]


# ---- MLflow's door --------------------------------------------------------------------------------------------------


def call(client, method, path="", content=None):
    answer = getattr(client, method)(MLFLOW + path, json.dumps(content or {}), content_type="application/json")
    return answer.status_code, answer.json()


def test_an_mlflow_client_makes_reads_changes_and_deletes_a_webhook(bearer, alice_user):
    client = bearer(alice_user)
    given = {"name": "hook", "url": URL, "events": [VERSION], "secret": "s", "description": "d", "status": "ACTIVE"}
    status, made = call(client, "post", content=given)
    assert status == 200
    webhook = made["webhook"]
    assert webhook["events"] == [VERSION] and webhook["status"] == "ACTIVE" and "secret" not in json.dumps(made)
    assert isinstance(webhook["creation_timestamp"], int) and webhook["description"] == "d"
    identity = f"/{webhook['webhook_id']}"
    assert client.get(MLFLOW + identity).json() == made
    status, changed = call(client, "patch", identity, {"status": "DISABLED", "description": "", "name": "other"})
    assert status == 200 and changed["webhook"]["status"] == "DISABLED" and changed["webhook"]["name"] == "other"
    assert changed["webhook"]["url"] == URL and "description" not in changed["webhook"]
    assert Webhook.objects.get().sealed_secret
    assert call(client, "patch", identity, {"secret": ""})[0] == 200 and not Webhook.objects.get().sealed_secret
    assert call(client, "delete", identity) == (200, {})
    status, absent = call(client, "patch", identity, {"name": "x"})
    assert status == 404 and absent["error_code"] == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.parametrize(
    "fault",
    [
        {"url": "https://127.0.0.1/"}, {"url": "https://hook.example/\x00"}, {"url": ""}, {"url": None}, {"url": 7},
        {"events": []}, {"events": None}, {"events": [7]}, {"events": "x"}, {"events": {"entity": "RUN"}},
        {"events": [{}]}, {"events": [{"entity": "RUN"}]}, {"events": [{"entity": 99, "action": 1}]},
        {"events": [{"entity": True, "action": 1}]}, {"events": [{"entity": ["x"], "action": {}}]},
        {"events": [{"entity": "MODEL_VERSION", "action": "DELETED"}]}, {"secret": 7}, {"secret": "s" * 1001},
        {"status": 9}, {"status": "ASLEEP"}, {"name": None}, {"name": "a b"}, {"name": "\ud800"},
    ],
)  # fmt: skip
def test_a_faulty_request_is_400_and_stores_nothing(bearer, alice_user, fault):
    given = {"name": "hook", "url": URL, "events": [VERSION], **fault}
    status, answer = call(bearer(alice_user), "post", content=given)
    assert status == 400 and answer["error_code"] == "INVALID_PARAMETER_VALUE", answer
    assert not Webhook.objects.exists()


def test_a_list_has_pages_and_newest_first(bearer, alice_user, make):
    for number in range(3):
        webhook = make(name=f"hook-{number}")
        Webhook.objects.filter(pk=webhook.pk).update(created_ms=number)
    client = bearer(alice_user)
    first = client.get(MLFLOW, {"max_results": "2"}).json()
    assert [one["name"] for one in first["webhooks"]] == ["hook-2", "hook-1"]
    second = client.get(MLFLOW, {"max_results": "2", "page_token": first["next_page_token"]}).json()
    assert [one["name"] for one in second["webhooks"]] == ["hook-0"] and "next_page_token" not in second
    for size in ("0", "-1", "1001", "x"):
        assert client.get(MLFLOW, {"max_results": size}).status_code == 400


def test_run_events_pass_mlflows_door_without_hurting_its_client(bearer, alice_user):
    client = bearer(alice_user)
    finished = {"entity": "RUN", "action": "FINISHED"}
    _status, both = call(client, "post", content={"name": "both", "url": URL, "events": [VERSION, finished]})
    assert both["webhook"]["events"] == [VERSION] and both["webhook"]["studio_events"] == ["run.finished"]
    status, _own = call(client, "post", content={"name": "own", "url": URL, "events": [finished]})
    assert status == 200
    assert [one["name"] for one in client.get(MLFLOW).json()["webhooks"]] == ["both"]
    alias = {"entity": "MODEL_VERSION_ALIAS", "action": "CREATED"}
    call(client, "patch", f"/{both['webhook']['webhook_id']}", {"events": [alias]})
    assert Webhook.objects.get(name="both").events == ["model_version_alias.created", "run.finished"]


def test_a_test_sends_a_signed_example_and_shows_the_answer(bearer, alice_user, make, answers):
    webhook = make(secret="s", events=["run.failed", "model_version.created"])
    status, answer = call(bearer(alice_user), "post", f"/{webhook.pk}/test")
    assert (status, answer) == (200, {"result": {"success": True, "response_status": 200, "response_body": "noted"}})
    sent = answers.sent[0]
    assert json.loads(sent["body"])["data"] == events.EVENTS["run.failed"]
    headers = sent["headers"]
    identity, at_s = headers["X-MLflow-Delivery-Id"], int(headers["X-MLflow-Timestamp"])
    assert headers["X-MLflow-Signature"] == request.signature("s", identity, at_s, sent["body"].decode())
    answers.script += [302, outbound.NoAnswer("away")]
    _status, moved = call(bearer(alice_user), "post", f"/{webhook.pk}/test", {"event": VERSION})
    assert moved["result"]["success"] is False and moved["result"]["response_status"] == 302
    assert json.loads(answers.sent[1]["body"])["entity"] == "model_version"
    _status, away = call(bearer(alice_user), "post", f"/{webhook.pk}/test", {})
    assert away["result"] == {"success": False, "error_message": "away"}
    assert not WebhookDelivery.objects.exists()
    assert AuditEntry.objects.filter(action="workspaces.try_webhook").count() == 3


def test_tests_of_a_workspace_come_one_at_a_time(make, alice, answers, workspace):
    webhook = make()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [operations.LOCK_CLASS, workspace.pk])
            with pytest.raises(TooMany):
                operations.try_webhook(alice, webhook)
            # A connection that closes lets go of its locks some time later.
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [operations.LOCK_CLASS, workspace.pk])
    finally:
        other.close()
    assert answers.sent == []
    answers.script += [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        operations.try_webhook(alice, webhook)
    assert operations.try_webhook(alice, webhook).result == "arrived"


def test_a_stranger_and_a_reader_get_nothing(bearer, bob_user, charlie_user, make):
    path = f"{MLFLOW}/{make().pk}"
    assert bearer(bob_user).get(path).status_code == 403
    assert bearer(charlie_user).get(path).status_code == 404
    assert bearer(charlie_user).get(path.replace("/w/main", "/w/elsewhere")).status_code == 404


def test_the_signature_is_the_one_that_receivers_of_mlflow_compute():
    """Computed by hand with: printf '%s' 'id.1700000000.{"a": 1}' | openssl dgst -sha256 -hmac key -binary | base64"""
    assert request.signature("key", "id", 1_700_000_000, '{"a": 1}') == SIGNED


SIGNED = "v1,BXDWOGlCA2zkEAJo6TCQczfV33IWH+PxoNG8HuHr9jE="


# ---- The studio's door ----------------------------------------------------------------------------------------------


def test_the_studios_api_serves_every_event_and_shows_deliveries(bearer, alice_user, workspace):
    client = bearer(alice_user)
    given = {"name": "hook", "url": URL, "events": ["run.failed"], "secret": "s"}
    made = client.post(STUDIO, given, content_type="application/json")
    assert made.status_code == 201 and made.json()["is_signed"] is True and "secret" not in made.json()
    path = f"{STUDIO}/{made.json()['id']}"
    events.emit(workspace, "run.failed", {"run_id": "r"})
    deliveries = client.get(f"{path}/deliveries").json()
    assert [(row["event"], row["state"]) for row in deliveries] == [("run.failed", "pending")]
    changed = client.patch(path, {"is_active": False}, content_type="application/json").json()
    assert changed["is_active"] is False
    assert client.get(f"{path}/deliveries").json()[0]["state"] == "dropped"
    assert len(client.get(STUDIO).json()) == 1
    assert client.delete(path).status_code == 204 and client.get(path).status_code == 404
    wrong = client.post(STUDIO, {**given, "url": "https://10.0.0.1/"}, content_type="application/json")
    assert wrong.status_code == 400 and wrong.json()["field"] == "url"


def test_an_index_finds_those_who_hear(make):
    """No webhook, no cost: the statement of `emit` must be able to use the partial index."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT 1 FROM workspaces_webhook WHERE workspace_id = 1 AND status = 'ACTIVE'")
        assert "webhook_active" in cursor.fetchone()[0]
