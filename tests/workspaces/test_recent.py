"""A token is remembered for a moment, and no longer."""

import pytest

from lib import recent
from workspaces import authentication
from workspaces.models import Membership, Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(settings, monkeypatch):
    settings.CREDENTIALS_SECONDS = 2
    authentication.RECENT.forget()
    now = [100.0]
    monkeypatch.setattr(recent.time, "monotonic", lambda: now[0])
    yield now
    authentication.RECENT.forget()


def test_a_second_request_asks_for_no_credential(clock, bearer, bob_user, workspace, django_assert_num_queries):
    client = bearer(bob_user)
    assert client.get("/w/main/api/2.0/mlflow/runs/get?run_id=x").status_code == 404
    with django_assert_num_queries(1):  # the run
        assert client.get("/w/main/api/2.0/mlflow/runs/get?run_id=x").status_code == 404


def test_a_revoked_token_and_a_lost_role_end_within_the_time(clock, bearer, bob_user, workspace):
    client = bearer(bob_user)
    address = "/w/main/api/2.0/mlflow/experiments/get?experiment_id=0"
    assert client.get(address).status_code == 200
    Membership.objects.all().delete()
    clock[0] += 2.1
    assert client.get(address).status_code == 404
    Token.objects.update(revoked_ms=1)
    clock[0] += 2.1
    assert client.get(address).status_code == 401


def test_a_wrong_token_is_not_remembered(clock, client):
    for _time in range(2):
        assert client.get("/api/2.0/mlflow/experiments/get", headers={"Authorization": "Bearer no"}).status_code == 401
    assert authentication.RECENT.known == {}
