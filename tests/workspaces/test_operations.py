"""What admins and members do to groups, tokens and links."""

import pytest

from lib.clock import now_ms
from lib.errors import AlreadyExists, Denied, InvalidValue, NotFound
from workspaces import deletion, operations, tasks
from workspaces.access import OPERATIONS, Actor, require
from workspaces.models import AuditEntry, ResourceGroup, SignInLink, Token, User, Workspace

pytestmark = pytest.mark.django_db


def test_bootstrap_makes_the_first_admin_group_and_workspace_once():
    admin, workspace = operations.bootstrap(subscription_id="s")
    again, same = operations.bootstrap(subscription_id="s")
    assert (admin, workspace) == (again, same)
    assert admin.is_superuser and not admin.has_usable_password()
    assert Workspace.objects.get().name == workspace.name == "main"


def test_a_sign_in_link_works_once(dora_user):
    secret = operations.make_sign_in_link(dora_user)
    assert operations.use_sign_in_link(secret) == dora_user
    with pytest.raises(Denied):
        operations.use_sign_in_link(secret)


def test_a_sign_in_link_expires(dora_user):
    secret = operations.make_sign_in_link(dora_user)
    SignInLink.objects.update(expires_ms=now_ms() - 1)
    with pytest.raises(Denied):
        operations.use_sign_in_link(secret)


def test_a_new_sign_in_link_ends_the_one_before(dora_user):
    before = operations.make_sign_in_link(dora_user)
    operations.make_sign_in_link(dora_user)
    with pytest.raises(Denied):
        operations.use_sign_in_link(before)


def test_the_link_signs_in_and_keeps_no_secret_in_the_database(client, dora_user):
    secret = operations.make_sign_in_link(dora_user)
    assert SignInLink.objects.get().digest != secret
    response = client.get(f"/sign-in/{secret}/")
    assert response.status_code == 302
    assert client.session["_auth_user_id"] == str(dora_user.pk)


def test_tokens_are_stored_hashed_and_end_when_revoked(alice, alice_user, bearer):
    token, secret = operations.create_personal_token(alice, alice_user, name="laptop")
    assert secret not in str(Token.objects.filter(pk=token.pk).values())
    operations.revoke_token(alice, token_id=token.pk)
    from django.test import Client

    client = Client(headers={"Authorization": f"Bearer {secret}", "Accept": "application/json"})
    assert client.get("/w/main/").status_code == 401


def test_nobody_revokes_anothers_token(alice, alice_user, charlie):
    token, _secret = operations.create_personal_token(alice, alice_user, name="laptop")
    with pytest.raises(NotFound):
        operations.revoke_token(charlie, token_id=token.pk)


def test_a_job_token_opens_its_workspace_only(workspace, elsewhere):
    from workspaces.authentication import actor_for

    token, _secret = operations.make_token(kind=Token.Kind.JOB, name="r", workspace=workspace, subject="r")
    job = actor_for(token)
    require(job, "experiments.write", workspace)
    with pytest.raises(Denied):
        require(job, "deployments.write", workspace)
    with pytest.raises(NotFound):
        require(job, "experiments.read", elsewhere)


def test_only_an_admin_deletes_a_group_and_only_by_its_name(alice, dora, group, workspace):
    with pytest.raises(Denied):
        operations.delete_group(alice, group, confirm="rg")
    with pytest.raises(InvalidValue):
        operations.delete_group(dora, group, confirm="RG")
    operations.delete_group(dora, group, confirm="rg")
    assert Workspace.objects.get(pk=workspace.pk).state == "deleting"


def test_a_deleted_group_goes_with_all_its_parts_and_leaves_its_audit_rows(dora, group, workspace, monkeypatch):
    left = [3]

    def next_batch(_workspace: Workspace) -> bool:
        left[0] -= 1
        return left[0] > 0

    part = deletion.Participant(order=1, name="part", count=lambda _w: [], delete_next_batch=next_batch)
    monkeypatch.setattr(deletion, "PARTICIPANTS", [part])
    operations.delete_group(dora, group, confirm="rg")
    tasks.delete_group(group.pk)
    assert not ResourceGroup.objects.exists() and not Workspace.objects.exists()
    assert left[0] <= 0
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {
        "workspaces.delete_group", "workspaces.group_deleted",
    }  # fmt: skip


def test_a_group_being_deleted_is_invisible_to_its_members(alice, dora, group, workspace):
    operations.delete_group(dora, group, confirm="rg")
    workspace.refresh_from_db()
    with pytest.raises(NotFound):
        require(alice, "experiments.read", workspace)


@pytest.mark.parametrize("name", ["", "-x", "a/b", "ü", "x" * 64, "a b", "..", "a\x00"])
def test_a_workspace_name_is_checked(dora, group, name):
    with pytest.raises(InvalidValue):
        operations.create_workspace(dora, group, name=name)


def test_a_workspace_name_is_unique_in_the_studio(dora, group, workspace):
    with pytest.raises(AlreadyExists):
        operations.create_workspace(dora, group, name="main")


def test_every_operation_states_its_permission():
    assert OPERATIONS
    assert all(one.permission for one in OPERATIONS.values())


def test_a_password_is_checked_and_set(alice, alice_user, client):
    with pytest.raises(InvalidValue):
        operations.set_password(alice, alice_user, password="short")
    operations.set_password(alice, alice_user, password="correct horse battery")
    response = client.post("/sign-in/", {"username": "alice", "password": "correct horse battery"})
    assert response.status_code == 302


def test_wrong_names_and_wrong_passwords_get_one_answer_and_are_throttled(client, alice_user, db):
    answers = [client.post("/sign-in/", {"username": name, "password": "no"}).content for name in ("alice", "nobody")]
    assert b"User name or password is wrong" in answers[0] and b"User name or password is wrong" in answers[1]
    for _try in range(12):
        last = client.post("/sign-in/", {"username": "alice", "password": "no"})
    assert b"Too many tries" in last.content


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "javascript:alert(1)", "/\\evil.example", "http:///evil", "\\\\e"],
)
def test_next_never_leaves_the_studio(client, alice_user, target):
    response = client.post("/sign-in/", {"username": "alice", "password": "a long password", "next": target})
    assert response.status_code == 302 and response.url == "/"


def test_the_system_actor_may_do_everything(workspace):
    require(Actor.system(), "members.write", workspace)
    assert User.objects.count() == 0
