"""Groups and workspaces for programs."""

import pytest

pytestmark = pytest.mark.django_db


def test_an_admin_lists_and_makes_groups_and_workspaces(bearer, dora_user):
    api = bearer(dora_user)
    made = api.post("/api/v1/groups", {"name": "team"}, content_type="application/json")
    assert made.status_code == 201
    inside = api.post("/api/v1/groups/team/workspaces", {"name": "lab"}, content_type="application/json")
    assert inside.status_code == 201 and inside.json()["group"] == "team"
    assert [row["name"] for row in api.get("/api/v1/groups").json()] == ["team"]
    assert [row["name"] for row in api.get("/api/v1/workspaces").json()] == ["lab"]
    assert api.get("/w/lab/api/v1/contents").status_code == 200


def test_a_wrong_name_deletes_nothing(bearer, dora_user, group, workspace):
    api = bearer(dora_user)
    wrong = api.delete("/api/v1/groups/rg", {"confirm": "rg "}, content_type="application/json")
    assert wrong.status_code == 400 and wrong.json()["field"] == "confirm"
    right = api.delete("/api/v1/groups/rg", {"confirm": "rg"}, content_type="application/json")
    assert right.status_code == 202 and right.json()["state"] == "deleting"


def test_a_member_who_is_no_admin_sees_no_groups(bearer, alice_user, group):
    assert bearer(alice_user).get("/api/v1/groups").status_code == 404


def test_a_bad_body_names_the_field(bearer, dora_user):
    api = bearer(dora_user)
    answer = api.post("/api/v1/groups", {"name": "x" * 91}, content_type="application/json")
    assert answer.status_code == 400 and answer.json()["field"] == "name"
    assert api.post("/api/v1/groups", "{", content_type="application/json").status_code == 400


def test_the_api_describes_itself(bearer, dora_user):
    answer = bearer(dora_user).get("/api/v1/openapi", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert answer.status_code == 200 and "/api/v1/groups" in answer.content.decode()
