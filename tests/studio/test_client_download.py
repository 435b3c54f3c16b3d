"""The client's wheel and config.json, as other machines get them."""

import io
import json
import zipfile

import pytest
from django.test import Client
from django.urls import reverse

from compute.environments import client as own_client
from compute.environments.spec import EnvironmentSpec, make

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return tmp_path_factory.mktemp("runtime")


@pytest.fixture
def anybody(built, settings):
    settings.RUNTIME_HOME = built
    return Client(headers={"Accept": "text/html"})


def test_the_page_says_the_line_and_the_wheel_is_whole(anybody):
    page = anybody.get("/sdk/").content.decode()
    assert "pip install" in page
    name = page.split('href="/sdk/')[1].split('"')[0].replace("%2B", "+")
    answer = anybody.get(f"/sdk/{name}")
    inside = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    names = inside.namelist()
    assert "azureml/core/__init__.py" in names
    assert any(one.endswith(".data/purelib/azureml_studio.pth") for one in names)
    points = next(one for one in names if one.endswith("entry_points.txt"))
    assert "mlflow.project_backend" in inside.read(points).decode()
    assert anybody.get("/sdk/other.whl").status_code == 404


def test_a_workspaces_config_holds_no_secret(browse, alice_user, charlie_user):
    answer = browse(alice_user).get("/w/main/config.json")
    assert set(json.loads(answer.content)) == {"subscription_id", "resource_group", "workspace_name", "studio_url"}
    assert "attachment" in answer["Content-Disposition"]
    assert browse(charlie_user).get("/w/main/config.json").status_code == 404


def test_the_menu_offers_it(browse, alice_user):
    menu = browse(alice_user).get(reverse("workspaces:switcher"), {"of": "main"}).content.decode()
    assert 'href="/w/main/config.json"' in menu


def test_an_environment_that_asks_for_the_clouds_client_remembers_ours():
    spec = make(["azureml-mlflow==1.40", "numpy"])
    assert spec.client == own_client.fingerprint()
    assert spec.digest != make(list(spec.requirements)).digest
    assert EnvironmentSpec.from_json(spec.as_json()) == spec
    assert "pandas" in spec.requirements
    assert make(["numpy"]).client == ""
