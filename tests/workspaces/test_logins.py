"""Signing in from a terminal: a code, a person who confirms it, tokens that are short and renewed."""

import pytest

from workspaces.models import AuditEntry, Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def start(client):
    def begin(name="terminal"):
        return client.post("/api/v1/logins", {"client_name": name}, content_type="application/json").json()

    return begin


@pytest.fixture
def take(client):
    def ask(device_code):
        return client.post("/api/v1/logins/tokens", {"device_code": device_code}, content_type="application/json")

    return ask


def decide(browser, code, decision="confirm"):
    return browser.post("/device/", {"code": code, "decision": decision})


def test_a_confirmed_login_gives_its_tokens_once(start, take, browse, alice_user, client):
    started = start()
    assert take(started["device_code"]).status_code == 202
    page = browse(alice_user).get(started["verification_path"])
    assert started["user_code"] in page.content.decode()
    assert decide(browse(alice_user), started["user_code"]).status_code == 302
    given = take(started["device_code"]).json()
    assert take(started["device_code"]).status_code == 403
    me = client.get("/w/main/api/v1/workspace", headers={"Authorization": f"Bearer {given['access_token']}"})
    assert me.json()["name"] == "main"
    assert AuditEntry.objects.filter(action="workspaces.confirm_login", actor="alice").exists()


def test_a_refused_login_gives_nothing(start, take, browse, alice_user):
    started = start()
    decide(browse(alice_user), started["user_code"], "refuse")
    assert take(started["device_code"]).status_code == 403
    assert not Token.objects.exists()


def test_a_code_is_read_in_either_case_and_without_its_dash(start, take, browse, alice_user):
    started = start()
    decide(browse(alice_user), started["user_code"].lower().replace("-", " "))
    assert take(started["device_code"]).status_code == 200


def test_a_code_is_used_once_and_an_unknown_one_says_so(start, browse, alice_user, bob_user):
    started = start()
    decide(browse(alice_user), started["user_code"])
    assert decide(browse(bob_user), started["user_code"]).status_code == 422
    assert "no such code" in browse(bob_user).get("/device/?code=BCDF-GHJK").content.decode()


def test_a_bearer_token_cannot_confirm(start, bearer, alice_user):
    answer = bearer(alice_user).post("/device/", {"code": start()["user_code"], "decision": "confirm"})
    assert answer.status_code in (403, 422)
    assert Token.objects.filter(kind=Token.Kind.LOGIN).count() == 0


@pytest.fixture
def given(start, take, browse, alice_user):
    started = start()
    decide(browse(alice_user), started["user_code"])
    return take(started["device_code"]).json()


def refresh(client, token):
    return client.post("/api/v1/access-tokens", {"refresh_token": token}, content_type="application/json")


def test_a_login_makes_its_next_token_and_opens_nothing_itself(given, client):
    answer = refresh(client, given["refresh_token"])
    assert answer.json()["access_token"] != given["access_token"]
    bare = client.get("/api/v1/workspaces", headers={"Authorization": f"Bearer {given['refresh_token']}"})
    assert bare.status_code == 401


def test_an_access_token_ends_by_itself(given, client):
    Token.objects.exclude(login=None).update(expires_ms=1)
    old = {"Authorization": f"Bearer {given['access_token']}"}
    assert client.get("/api/v1/workspaces", headers=old).status_code == 401
    new = {"Authorization": f"Bearer {refresh(client, given['refresh_token']).json()['access_token']}"}
    assert client.get("/api/v1/workspaces", headers=new).status_code == 200
    assert Token.objects.exclude(login=None).count() == 1


def test_the_account_page_ends_a_login_and_what_it_made(given, client, browse, alice_user):
    login = Token.objects.get(kind=Token.Kind.LOGIN)
    assert "terminal" in browse(alice_user).get("/account/").content.decode()
    browse(alice_user).post(f"/account/tokens/{login.pk}/revoke/")
    assert refresh(client, given["refresh_token"]).status_code == 401
    old = {"Authorization": f"Bearer {given['access_token']}"}
    assert client.get("/api/v1/workspaces", headers=old).status_code == 401


def test_guessing_codes_is_stopped(browse, alice_user):
    browser = browse(alice_user)
    answers = [browser.get("/device/?code=BCDF-GHJK").content.decode() for _try in range(12)]
    assert "Too many tries" in answers[-1]


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\u202eb"])
def test_a_client_without_a_plain_name_is_refused(client, db, name):
    answer = client.post("/api/v1/logins", {"client_name": name}, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["field"] == "client_name"
