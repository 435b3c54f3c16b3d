"""Webhooks as MLflow's own client makes them, over the whole way: event, row, worker, signed request, receiver."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from lib.ids import new_id
from tests.live.running import until

SECRET = "a secret that both sides know"

# Runs in a process of its own: the whole of mlflow is not for this one.
CLIENT = """
import json, sys
from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookEvent
from mlflow.exceptions import MlflowException

url, secret = sys.argv[1:]
client = MlflowClient()
events = ["registered_model.created", "model_version.created", "model_version_alias.created"]
for bad in ("https://127.0.0.1/", "http://169.254.169.254/latest/meta-data", "https://localhost:1/", "gopher://x/"):
    try:
        client.create_webhook(name="bad", url=bad, events=events)
    except MlflowException as error:
        assert error.error_code == "INVALID_PARAMETER_VALUE", error
    else:
        raise AssertionError(bad)
webhook = client.create_webhook(name="hook", url=url, events=events, secret=secret, description="d")
assert webhook.secret is None and [str(event) for event in webhook.events] == events, webhook
assert [one.webhook_id for one in client.list_webhooks()] == [webhook.webhook_id]
result = client.test_webhook(webhook.webhook_id)
assert result.success and result.response_status == 200 and result.response_body == "noted", result
changed = client.update_webhook(webhook.webhook_id, description="e", status="ACTIVE")
assert changed.description == "e" and client.get_webhook(webhook.webhook_id).description == "e"
client.create_registered_model("m", tags={"a": "b"})
run = client.create_run("0")
client.create_model_version("m", f"runs:/{run.info.run_id}/model", run_id=run.info.run_id)
client.set_registered_model_alias("m", "champion", "1")
client.set_terminated(run.info.run_id, "FAILED")
print(webhook.webhook_id)
"""


class Inbox(ThreadingHTTPServer):
    """Refuses the first delivery of each kind once, with 503, and keeps what it took."""

    def __init__(self, bound: socket.socket) -> None:
        super().__init__(bound.getsockname(), Receiver, bind_and_activate=False)
        self.socket.close()
        self.socket = bound.dup()
        self.server_activate()
        self.refused: set[str] = set()
        self.taken: list[tuple[dict[str, str], bytes]] = []


class Receiver(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        entity = json.loads(body)["entity"]
        is_test = json.loads(body)["data"].get("name") == "a-model"
        if entity == "model_version" and entity not in self.server.refused:
            self.server.refused.add(entity)
            self.send_response(503)
            self.end_headers()
            return
        if not is_test:
            self.server.taken.append((dict(self.headers), body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"noted")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def inbox(outbound) -> Iterator[Inbox]:
    with Inbox(outbound) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True).start()
        yield listening
        listening.shutdown()


@pytest.fixture
def hooked(studio) -> str:
    """The tracking URI of a workspace in which nobody else has webhooks or models."""
    if "STUDIO_OUTBOUND_ALLOW" not in studio.settings:
        pytest.skip("the studio of STUDIO_LIVE_HOME was not told to call the receiver of this test")
    name = f"hooked-{new_id()[:8]}"
    for path in ("groups", f"groups/{name}/workspaces"):
        made = httpx.post(
            f"{studio.url}/api/v1/{path}",
            json={"name": name}, headers={"Authorization": f"Bearer {studio.token}"}, timeout=60,
        )  # fmt: skip
        assert made.status_code == 201, made.text
    return f"{studio.url}/w/{name}"


def test_mlflows_client_makes_a_webhook_and_its_receiver_hears(studio, hooked, inbox):
    client = [sys.executable, "-c", CLIENT, f"http://127.0.0.1:{inbox.server_address[1]}/in", SECRET]
    environment = {**studio.environment(), **studio.env, "MLFLOW_TRACKING_URI": hooked}
    done = subprocess.run(client, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    until(lambda: len(inbox.taken) == 3, 90)
    told = {}
    for headers, body in inbox.taken:
        identity, at = headers["X-MLflow-Delivery-Id"], headers["X-MLflow-Timestamp"]
        signed = hmac.new(SECRET.encode(), f"{identity}.{at}.".encode() + body, hashlib.sha256).digest()
        assert headers["X-MLflow-Signature"] == "v1," + base64.b64encode(signed).decode()
        content = json.loads(body)
        told[content["entity"], content["action"]] = content["data"]
    assert told["registered_model", "created"] == {"name": "m", "tags": {"a": "b"}, "description": ""}
    assert told["model_version", "created"]["version"] == "1"
    assert told["model_version_alias", "created"] == {"name": "m", "alias": "champion", "version": "1"}
    assert inbox.refused == {"model_version"}, "one was refused once, and came again"
