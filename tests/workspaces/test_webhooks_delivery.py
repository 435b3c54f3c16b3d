"""A delivery arrives, or it is known why not; and no receiver takes more than its share."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from lib import outbound
from workspaces import events, operations
from workspaces.access import Actor
from workspaces.models import DeliveryState, Webhook, WebhookDelivery, WebhookStatus
from workspaces.webhooks import delivery, request, tasks
from workspaces.webhooks.operations import create_webhook, update_webhook

pytestmark = pytest.mark.django_db

URL = "https://93.184.216.34/"
HOUR_MS = 3600 * 1000


@pytest.fixture
def clock(monkeypatch):
    """Hold the time; `clock.now += …` lets it pass."""

    class Clock:
        now = 1_800_000_000_000

    for module in (delivery, events, tasks):
        monkeypatch.setattr(module, "now_ms", lambda: Clock.now)
    return Clock


@pytest.fixture
def webhook(workspace, clock):
    return create_webhook(Actor.system(), workspace, name="hook", url=URL, events=["run.failed"])


@pytest.fixture
def receiver(monkeypatch):
    """Answer each request by `receiver.answer`, a status or an exception, and keep what was sent."""

    class Receiver:
        answer = 200
        answer_headers: dict = {}
        sent: list = []

    Receiver.sent = []

    def send(url, *, body, headers, allowed):
        Receiver.sent.append((headers["X-MLflow-Delivery-Id"], body))
        if isinstance(Receiver.answer, BaseException):
            raise Receiver.answer
        return outbound.Answer(Receiver.answer, b"", headers=Receiver.answer_headers)

    monkeypatch.setattr(outbound, "send", send)
    return Receiver


def told(workspace, times=1):
    for number in range(times):
        events.emit(workspace, "run.failed", {"run_id": str(number)})


def row() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def test_a_delivery_arrives_once(webhook, workspace, receiver):
    told(workspace)
    tasks.deliver(webhook.pk)
    tasks.deliver(webhook.pk)
    assert len(receiver.sent) == 1
    assert (row().state, row().attempts, row().response_status) == ("delivered", 1, 200) and row().finished_ms


def test_deliveries_arrive_in_the_order_of_their_events(webhook, workspace, receiver, clock):
    for number in range(5):
        clock.now += 1
        events.emit(workspace, "run.failed", {"run_id": str(number)})
    tasks.deliver(webhook.pk)
    assert [json.loads(body)["data"]["run_id"] for _identity, body in receiver.sent] == list("01234")


@pytest.mark.parametrize("answer", [429, 500, 503, 408, outbound.NoAnswer("away")])
def test_a_passing_fault_is_tried_again_later_with_the_same_id_and_body(webhook, workspace, receiver, clock, answer):
    told(workspace)
    receiver.answer = answer
    tasks.deliver(webhook.pk)
    assert row().state == DeliveryState.PENDING and row().error and row().due_ms > clock.now
    tasks.deliver(webhook.pk)
    assert len(receiver.sent) == 1, "it was tried again at once"
    clock.now += 6100
    receiver.answer = 204
    tasks.deliver(webhook.pk)
    assert row().state == DeliveryState.DELIVERED and row().attempts == 2 and row().error == ""
    assert receiver.sent[0] == receiver.sent[1]


@pytest.mark.parametrize("answer", [301, 400, 401, 404, 422])
def test_a_lasting_fault_is_given_up_at_once(webhook, workspace, receiver, answer):
    told(workspace)
    receiver.answer = answer
    tasks.deliver(webhook.pk)
    assert row().state == DeliveryState.FAILED and str(answer) in row().error and row().response_status == answer


def test_tries_are_bounded_and_their_waits_grow(webhook, workspace, receiver, clock):
    told(workspace)
    receiver.answer = 500
    waits = []
    while row().state == DeliveryState.PENDING:
        tasks.deliver(webhook.pk)
        waits.append(row().due_ms - clock.now)
        clock.now = max(row().due_ms, clock.now)
    assert len(receiver.sent) == len(delivery.WAITS_S) + 1 and row().state == DeliveryState.FAILED
    assert waits[:-1] == sorted(waits[:-1]) and 2 * HOUR_MS < sum(waits[:-1]) < 6 * HOUR_MS


def test_a_receiver_may_say_when_to_come_back(webhook, workspace, receiver, clock):
    told(workspace, 2)
    receiver.answer, receiver.answer_headers = 429, {"retry-after": "900"}
    tasks.deliver(webhook.pk)
    assert len(receiver.sent) == 1, "the others wait too"
    assert WebhookDelivery.objects.get(attempts=1).due_ms == clock.now + 900_000
    clock.now += 899_000
    tasks.deliver(webhook.pk)
    assert len(receiver.sent) == 1


@pytest.mark.parametrize("text", ["-1", "1e9", "٣", "Wed, 21 Oct 2026 07:28:00 GMT", "", "9" * 5000])
def test_an_odd_retry_after_is_nothing(text):
    assert request.retry_after_s(text) == 0


def test_a_silent_host_is_asked_once_a_pause_whatever_waits_for_it(webhook, workspace, receiver, clock):
    told(workspace, 50)
    receiver.answer = outbound.NoAnswer("away")
    ends = clock.now + HOUR_MS
    while clock.now < ends:
        tasks.deliver(webhook.pk)
        clock.now += 5000
    assert len(receiver.sent) < 20
    receiver.answer = 200
    clock.now += delivery.LONGEST_SILENCE_S * 1000
    tasks.deliver(webhook.pk)
    webhook.refresh_from_db()
    assert WebhookDelivery.objects.filter(state=DeliveryState.DELIVERED).count() >= 30 and webhook.silences == 0


def test_a_webhook_that_only_fails_is_turned_off_and_says_why(webhook, workspace, receiver):
    told(workspace, delivery.MOST_GIVEN_UP + 3)
    receiver.answer = 404
    tasks.deliver(webhook.pk)
    webhook.refresh_from_db()
    assert webhook.status == WebhookStatus.DISABLED and "404" in webhook.disabled_reason
    assert len(receiver.sent) == delivery.MOST_GIVEN_UP
    assert WebhookDelivery.objects.filter(state=DeliveryState.DROPPED).count() == 3
    told(workspace)
    assert not WebhookDelivery.objects.filter(state=DeliveryState.PENDING).exists()
    update_webhook(Actor.system(), webhook, is_active=True)
    receiver.answer = 200
    told(workspace)
    tasks.deliver(webhook.pk)
    assert webhook.disabled_reason == "" and webhook.given_up == 0
    assert WebhookDelivery.objects.filter(state=DeliveryState.DELIVERED).count() == 1


def test_one_that_arrives_forgives_those_that_did_not(webhook, workspace, receiver):
    for _round in range(3):
        receiver.answer = 404
        told(workspace, delivery.MOST_GIVEN_UP - 1)
        tasks.deliver(webhook.pk)
        receiver.answer = 200
        told(workspace)
        tasks.deliver(webhook.pk)
    webhook.refresh_from_db()
    assert webhook.is_active and webhook.given_up == 0


def test_gone_means_gone(webhook, workspace, receiver):
    told(workspace)
    receiver.answer = 410
    tasks.deliver(webhook.pk)
    webhook.refresh_from_db()
    assert webhook.status == WebhookStatus.DISABLED and "410" in webhook.disabled_reason


def test_a_worker_that_dies_while_sending_leaves_the_delivery_due_again(webhook, workspace, receiver, clock):
    told(workspace)
    receiver.answer = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        delivery.attempt(webhook, row())
    Webhook.objects.update(lease_ms=clock.now + delivery.LEASE_MS)  # as it was when it died
    receiver.answer = 200
    tasks.deliver(webhook.pk)
    assert len(receiver.sent) == 1
    clock.now += delivery.LEASE_MS
    tasks.deliver(webhook.pk)
    assert row().state == DeliveryState.DELIVERED and row().attempts == 2
    assert receiver.sent[0] == receiver.sent[1], "the receiver can tell the repetition by its id"


def test_a_late_outcome_of_an_earlier_try_changes_nothing(webhook, workspace, receiver, clock):
    told(workspace)
    stale = row()
    tasks.deliver(webhook.pk)
    delivery.write_down(webhook, stale, 2, request.Outcome("never", 404, error="late"))
    assert row().state == DeliveryState.DELIVERED and row().error == ""
    delivery.attempt(webhook, stale)
    assert len(receiver.sent) == 1


def test_one_sender_at_a_time_and_few_in_all(workspace, receiver, clock):
    hooks = [
        create_webhook(Actor.system(), workspace, name=f"hook-{n}", url=URL, events=["run.failed"])
        for n in range(delivery.MOST_AT_ONCE + 1)
    ]
    told(workspace)
    assert delivery.claim(hooks[0].pk) and not delivery.claim(hooks[0].pk)
    for webhook in hooks[1:-1]:
        assert delivery.claim(webhook.pk)
    assert not delivery.claim(hooks[-1].pk)
    clock.now += delivery.LEASE_MS
    assert delivery.claim(hooks[-1].pk)


def test_a_turn_ends_though_more_is_due(webhook, workspace, receiver, monkeypatch):
    told(workspace, 3)
    monkeypatch.setattr(delivery, "TURN_S", 0.0)
    assert delivery.take_turn(webhook.pk) is True
    monkeypatch.setattr(delivery, "TURN_S", 5.0)
    assert delivery.take_turn(webhook.pk) is False and len(receiver.sent) == 3


def test_the_clock_wakes_what_a_lost_message_left(webhook, workspace, monkeypatch):
    told(workspace)
    woken = []
    monkeypatch.setattr(tasks.deliver, "apply_async", lambda arguments, **options: woken.append(arguments))
    tasks.reconcile()
    assert woken == [[webhook.pk]]


def test_a_workspace_that_is_being_deleted_says_nothing_more(webhook, workspace, group, receiver, dora):
    told(workspace)
    operations.delete_group(dora, group, confirm=group.name)
    tasks.deliver(webhook.pk)
    assert receiver.sent == []


def test_a_secret_that_cannot_be_read_any_more_is_a_reason_and_not_an_unsigned_request(webhook, workspace, receiver):
    Webhook.objects.update(sealed_secret="sealed with a key that was lost")
    told(workspace)
    tasks.deliver(webhook.pk)
    assert receiver.sent == [] and row().state == DeliveryState.FAILED and "secret key" in row().error


def test_a_deleted_webhook_takes_its_deliveries_along(webhook, workspace):
    from workspaces.webhooks.operations import delete_webhook

    told(workspace, 3)
    delete_webhook(Actor.system(), webhook)
    assert not WebhookDelivery.objects.exists()


def test_old_deliveries_are_forgotten_and_waiting_ones_are_not(webhook, workspace, receiver, clock):
    told(workspace)
    tasks.deliver(webhook.pk)
    receiver.answer = 500
    told(workspace)
    tasks.deliver(webhook.pk)
    clock.now += (delivery.KEPT_DAYS + 1) * 24 * HOUR_MS
    tasks.tidy()
    assert row().state == DeliveryState.PENDING


# ---- For real -------------------------------------------------------------------------------------------------------


class Inbox(BaseHTTPRequestHandler):
    """Keeps what is posted to /; what is posted elsewhere is sent on to /."""

    got: list = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, dict(self.headers), body))
        self.send_response(200 if self.path == "/" else 307)
        self.send_header("Location", "/")
        self.end_headers()
        self.wfile.write(b"thanks")

    def log_message(self, *arguments):
        pass


@pytest.fixture
def inbox(settings):
    Inbox.got = []
    with HTTPServer(("127.0.0.1", 0), Inbox) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
        settings.OUTBOUND_ALLOWED = outbound.Allowed.read([f"127.0.0.1:{listening.server_port}"])
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


def test_a_signed_delivery_reaches_a_receiver_on_an_allowed_address(inbox, workspace):
    webhook = create_webhook(
        Actor.system(), workspace, name="hook", url=f"{inbox}/", events=["run.failed"], secret="the secret"
    )
    told(workspace)
    tasks.deliver(webhook.pk)
    assert row().state == DeliveryState.DELIVERED
    [(_path, headers, body)] = Inbox.got
    assert headers["Content-Type"] == "application/json" and headers["X-MLflow-Delivery-Id"] == row().pk
    signature = request.signature("the secret", row().pk, int(headers["X-MLflow-Timestamp"]), body.decode())
    assert headers["X-MLflow-Signature"] == signature
    assert json.loads(body)["entity"] == "run"


def test_a_redirect_of_a_real_receiver_is_not_followed(inbox, workspace):
    webhook = create_webhook(Actor.system(), workspace, name="hook", url=f"{inbox}/moved", events=["run.failed"])
    told(workspace)
    tasks.deliver(webhook.pk)
    assert row().state == DeliveryState.FAILED and "307" in row().error
    assert [path for path, _headers, _body in Inbox.got] == ["/moved"]


def test_an_address_that_is_not_allowed_any_more_is_not_sent_to(inbox, workspace, settings):
    webhook = create_webhook(Actor.system(), workspace, name="hook", url=f"{inbox}/", events=["run.failed"])
    settings.OUTBOUND_ALLOWED = outbound.Allowed()
    told(workspace)
    tasks.deliver(webhook.pk)
    assert row().state == DeliveryState.FAILED and Inbox.got == []
