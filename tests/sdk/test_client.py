"""The one way to a studio: what is repeated and what is not, a server that is down, tokens renewed, a login."""

import io
import socket

import pytest
import requests
from azureml.core import Workspace
from azureml.exceptions import AzureMLException
from requests.adapters import BaseAdapter
from studio_sdk import credentials, errors, login
from studio_sdk.client import Client, refresh_at

URL = "http://localhost"


class Scripted(BaseAdapter):
    """Answers by a list of statuses, or exceptions."""

    def __init__(self, *answers):
        super().__init__()
        self.answers, self.asked, self.body = list(answers), 0, b'{"ok": true}'

    def send(self, request, **_more):
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        made = requests.Response()
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        made.status_code, made.url, made.request = status, request.url, request
        made.headers.update(headers)
        made.raw = io.BytesIO(b'{"message": "busy"}' if status >= 400 else self.body)
        return made

    def close(self):
        pass


def client(*answers):
    adapter, waits = Scripted(*answers), []
    session = requests.Session()
    session.mount("http://", adapter)
    return Client(URL, sleep=waits.append, _shared={"session": session}), adapter, waits


@pytest.mark.parametrize("first", [429, 502, 503, 504, requests.ConnectionError("Connection reset by peer")])
def test_a_question_is_asked_again(first):
    asks, adapter, waits = client(first, 200)
    assert asks.get("x") == {"ok": True}
    assert adapter.asked == 2
    assert len(waits) == 1


@pytest.mark.parametrize("first", [502, 503, requests.ConnectionError("Connection reset by peer")])
def test_an_order_is_not_given_twice(first):
    asks, adapter, _waits = client(first, 200)
    with pytest.raises(errors.StudioError):
        asks.post("x", {})
    assert adapter.asked == 1


@pytest.mark.parametrize("first", [429, requests.ConnectionError("Failed to establish a new connection: refused")])
def test_an_order_that_was_not_taken_is_given_again(first):
    asks, adapter, _waits = client(first, 200)
    assert asks.post("x", {}) == {"ok": True}
    assert adapter.asked == 2


def test_the_studio_says_how_long_to_wait():
    asks, _adapter, waits = client((429, {"Retry-After": "7"}), 200)
    asks.get("x")
    assert waits == [7.0]


def test_patience_ends():
    asks, adapter, waits = client(*[503] * 9)
    with pytest.raises(errors.Unavailable, match="busy"):
        asks.get("x")
    assert (adapter.asked, len(waits)) == (6, 5)


def test_what_is_no_studio_or_leads_elsewhere_is_one_readable_line():
    asks, _adapter, _waits = client((301, {"Location": "https://studio.example.org/"}))
    with pytest.raises(errors.Unreachable, match="https://studio"):
        asks.get("x")
    asks, adapter, _waits = client(200)
    adapter.body = b"<html>a proxy says hello</html>"
    with pytest.raises(errors.Unreachable, match="not JSON"):
        asks.get("x")


def test_a_file_is_sent_from_its_start_again():
    bodies = []
    asks, adapter, _waits = client(503, 200)
    send = adapter.send
    adapter.send = lambda request, **more: (bodies.append(request.body.read()), send(request))[1]
    asks.put_file("x", io.BytesIO(b"all of it"))
    assert bodies == [b"all of it", b"all of it"]


def test_a_studio_that_is_down_is_one_readable_line(monkeypatch, folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("STUDIO_TOKEN", "t")
    monkeypatch.setattr("studio_sdk.client.LONGEST_WAIT_S", 0.0)
    with pytest.raises(AzureMLException) as raised:
        Workspace("s", "g", "w", studio_url=url)
    assert str(raised.value) == f"The studio at {url} cannot be reached: nothing listens there."


def test_a_token_of_five_seconds_is_renewed_before_it_ends(monkeypatch):
    now, made = [100.0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    login_token = credentials.LoginToken("secret", lambda secret: (made.append(secret) or f"t{len(made)}", 5.0))
    seen = []
    for _second in range(20):
        seen.append(login_token.token())
        now[0] += 1
    assert seen[0] == "t1"
    assert seen[3] == "t1"
    assert seen[4] == "t2"
    assert len(made) == 5


# ---- The login itself, against the app ----------------------------------------------------------------------


@pytest.mark.django_db
def test_a_code_confirmed_in_a_browser_signs_the_terminal_in(wire, workspace, alice_user, browse, monkeypatch):
    from django.urls import reverse

    said = []

    def person(_seconds):
        code = next(line for line in said if "confirm the code" in line).split("code ")[1][:9]
        answer = browse(alice_user).post(reverse("workspaces:login-confirm"), {"code": code, "decision": "confirm"})
        assert answer.status_code == 302

    login.log_in(URL, say=said.append, sleep=person)
    assert said[-1] == f"Signed in to {URL}."
    assert credentials.remembered_login(URL)
    monkeypatch.setenv("STUDIO_URL", URL)
    assert Workspace(None, None, "main").name == "main"


@pytest.mark.django_db
def test_a_login_that_ended_says_what_to_do(wire, workspace):
    credentials.remember_login(URL, "studio_login_nothing")
    with pytest.raises(errors.Unauthenticated, match="studio login"):
        credentials.find(URL, refresh_at(URL)).token()


def test_a_login_is_kept_for_its_user_alone(folder):
    credentials.remember_login(URL, "secret")
    file = folder / "config" / "logins.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert credentials.forget_login(URL)
    assert not credentials.remembered_login(URL)


def test_where_nobody_sits_no_login_is_begun(monkeypatch, folder):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(errors.NotConfigured, match="STUDIO_TOKEN"):
        login.log_in_if_somebody_is_there(URL)
