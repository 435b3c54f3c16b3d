"""The pages of groups do what their forms say."""

import pytest

from workspaces.models import ResourceGroup, Workspace

pytestmark = pytest.mark.django_db


def test_an_admin_makes_a_group_and_a_workspace_in_it(browse, dora_user, group):
    page = browse(dora_user)
    assert page.post("/groups/create/", {"name": "team"}).status_code == 302
    assert ResourceGroup.objects.get(name="team").subscription_id == group.subscription_id
    assert page.post("/groups/team/workspaces/create/", {"name": "lab"}).status_code == 302
    assert Workspace.objects.get(name="lab").group.name == "team"


def test_a_refused_name_comes_back_with_the_reason(browse, dora_user, group):
    answer = browse(dora_user).post("/groups/create/", {"name": "rg"})
    assert answer.status_code == 422 and "exists already" in answer.content.decode()


def test_a_group_is_deleted_only_by_its_name(browse, dora_user, group, workspace):
    page = browse(dora_user)
    assert page.post("/groups/rg/delete/", {"confirm": "other"}).status_code == 422
    assert page.post("/groups/rg/delete/", {"confirm": "rg"}).status_code == 302
    assert ResourceGroup.objects.get(name="rg").state == "deleting"


def test_a_member_finds_no_groups(browse, alice_user, group):
    assert browse(alice_user).get("/groups/").status_code == 404
