"""Nobody passes without a credential, and a stranger learns nothing."""

import pytest
from django.urls import get_resolver

from workspaces.access import RouteAccess

OPEN = {"workspaces:sign-in", "workspaces:use-link", "health", "part"}  # a part: its address is signed
# Who logs in has no token yet; what these give takes a person's word in a browser, or a secret.
OPEN |= {"client", "client-wheel"}  # what is installed before one has a token
OPEN |= {"workspaces-api:logins", "workspaces-api:login-tokens", "workspaces-api:access-tokens"}


def routes(resolver=None, prefix="", namespace=""):
    for entry in (resolver or get_resolver()).url_patterns:
        if hasattr(entry, "url_patterns"):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from routes(entry, prefix + str(entry.pattern), inner)
        else:
            yield prefix + str(entry.pattern), f"{namespace}{entry.name}", entry.callback


ALL = list(routes())


@pytest.mark.parametrize(("path", "name", "view"), ALL, ids=[f"{path} {name}" for path, name, _view in ALL])
def test_every_route_says_who_may_call_it(path, name, view):
    declared = getattr(view, "access", None)
    assert isinstance(declared, RouteAccess), f"{path} declares no access"
    assert (declared.kind == "open") == (name in OPEN), f"{path} is open and not on the list of open routes"


def test_a_page_sends_the_anonymous_to_sign_in(browse, workspace):
    response = browse().get("/w/main/")
    assert response.status_code == 302
    assert response.url == "/sign-in/?next=%2Fw%2Fmain%2F"


def test_a_program_without_a_token_gets_401_as_json(client, workspace):
    response = client.get("/w/main/", headers={"Accept": "application/json"})
    assert response.status_code == 401
    assert response.json()["error_code"] == "UNAUTHENTICATED"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer nonsense", "Basic", "Basic !!!", "Basic YTpi", "Digest x", "Bearer \x80"],
)
def test_a_broken_credential_is_401_and_never_anonymous(client, header):
    response = client.get("/sign-in/", headers={"Authorization": header, "Accept": "application/json"})
    assert response.status_code == 401


def test_a_member_sees_the_home_page_and_a_stranger_learns_nothing(browse, alice_user, charlie_user):
    assert browse(alice_user).get("/w/main/").status_code == 200
    hidden = browse(charlie_user).get("/w/main/")
    absent = browse(charlie_user).get("/w/nothere/")
    assert hidden.status_code == absent.status_code == 404


def test_a_bearer_token_acts_as_its_owner(bearer, alice_user):
    assert bearer(alice_user).get("/w/main/").status_code == 200


def test_a_write_from_a_foreign_page_is_refused(browse, alice_user):
    response = browse(alice_user).post("/sign-out/", headers={"Origin": "http://evil.example"})
    assert response.status_code == 403


@pytest.mark.django_db
def test_a_foreign_host_is_refused(client):
    assert client.get("/sign-in/", headers={"Host": "evil.example"}).status_code == 400


def test_a_cookie_needs_a_csrf_token(alice_user):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(alice_user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post("/account/tokens/", {"name": "x"}).status_code == 403


def test_the_content_security_policy_is_on_every_answer(browse, alice_user):
    for path in ("/sign-in/", "/w/main/", "/w/nothere/"):
        assert "script-src 'self'" in browse(alice_user).get(path).headers["Content-Security-Policy"]
