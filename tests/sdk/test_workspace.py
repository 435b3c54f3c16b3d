"""Workspace.from_config and what a workspace says of itself."""

import json

import pytest
from azureml.core import Workspace
from azureml.exceptions import AuthenticationException, AzureMLException, UserErrorException, WorkspaceException

from tests.sdk.conftest import URL

pytestmark = pytest.mark.django_db

CONFIG = {"subscription_id": "00000000", "resource_group": "rg", "workspace_name": "main", "studio_url": URL}


def put(folder, content=CONFIG):
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text(json.dumps(content))


@pytest.mark.parametrize("place", ["config.json", ".azureml/config.json", "aml_config/project.json"])
def test_a_config_is_found_in_a_folder_above(wire, token, workspace, folder, monkeypatch, place):
    put(folder / place)
    below = folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert Workspace.from_config().name == "main"


def test_a_hidden_one_far_above_beats_a_plain_one_beside_the_script(wire, token, workspace, folder, monkeypatch):
    put(folder / ".azureml" / "config.json")
    put(folder / "a" / "config.json", {**CONFIG, "workspace_name": "other"})
    monkeypatch.chdir(folder / "a")
    assert Workspace.from_config().name == "main"


def test_none_says_where_it_looked_and_where_to_get_one(folder):
    with pytest.raises(UserErrorException, match=r"No config\.json in .*Download config"):
        Workspace.from_config()


def test_a_config_that_lacks_a_key_is_named(folder):
    put(folder / "config.json", {"subscription_id": "1", "resource_group": "rg"})
    with pytest.raises(UserErrorException, match="lacks workspace_name"):
        Workspace.from_config()


def test_a_config_written_is_read_again(ws, folder):
    ws.write_config(str(folder / "there"))
    content = json.loads((folder / "there/.azureml/config.json").read_text())
    assert content == CONFIG
    assert Workspace.from_config(str(folder / "there")).name == "main"


def test_a_workspace_that_is_not_there_is_said_to_be_missing(wire, token, elsewhere):
    with pytest.raises(WorkspaceException, match="“nothere” is not in the studio"):
        Workspace(None, None, "nothere")
    with pytest.raises(WorkspaceException, match="is not in the studio"):
        Workspace(None, None, "elsewhere")


def test_a_workspace_of_another_group_is_refused(wire, token, workspace):
    with pytest.raises(WorkspaceException, match="in the resource group “rg”, not “other”"):
        Workspace(None, "other", "main")


def test_without_a_credential_it_says_what_to_do(wire, workspace, monkeypatch):
    monkeypatch.setenv("STUDIO_URL", URL)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(AuthenticationException, match="studio login http://localhost"):
        Workspace(None, None, "main")


def test_without_an_address_it_says_what_to_do(token, workspace, monkeypatch):
    monkeypatch.delenv("STUDIO_URL")
    with pytest.raises(AzureMLException, match="Which studio"):
        Workspace(None, None, "main")


def test_its_details_are_in_the_words_of_the_cloud(ws):
    details = ws.get_details()
    assert details["name"] == "main"
    assert details["id"].endswith("/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/main")
    assert details["creationTime"].endswith("Z")


def test_the_tracking_address_holds_no_secret(ws, token):
    uri = ws.get_mlflow_tracking_uri()
    assert uri.startswith("azureml://localhost/mlflow/v2.0/subscriptions/")
    assert token not in uri


def test_an_admin_creates_one_and_a_member_may_not(wire, dora_user, monkeypatch, ws):
    from workspaces import operations

    with pytest.raises(WorkspaceException):
        Workspace.create("new", resource_group="new-rg")
    _token, secret = operations.make_token(kind="user", name="t", user=dora_user)
    monkeypatch.setenv("STUDIO_TOKEN", secret)
    assert Workspace.create("new", resource_group="new-rg").resource_group == "new-rg"
    with pytest.raises(WorkspaceException, match="exists already"):
        Workspace.create("new", resource_group="new-rg")
    assert Workspace.create("new", resource_group="new-rg", exist_ok=True).name == "new"
