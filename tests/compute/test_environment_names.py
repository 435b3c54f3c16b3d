"""Environments by name, and what takes the place of versions that no longer exist."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from compute import named, operations
from compute.curated import CURATED
from compute.environments import EnvironmentSpec, legacy, parse_files
from compute.environments.spec import CLIENT, make
from compute.models import EnvironmentVersion
from lib.errors import InvalidValue, NotFound

API = "/w/main/api/v1/environments"
OLD = "dependencies: [python=3.6.2, scikit-learn=0.19.1, numpy, {pip: [azureml-defaults]}]\n"

WHEELS = {
    "scikit-learn": ["1.1.3", "1.2.2", "1.5.0", "1.9.1"],
    "numpy": ["1.23.2", "1.23.5", "2.4.6"],
    "future": ["1.0.0"],
}


def resolve(text: str, lowest: bool) -> str | None:
    """Answer as an index would that has these wheels only."""
    requirement = Requirement(text)
    fitting = [one for one in WHEELS.get(requirement.name, []) if one in requirement.specifier]
    return (min if lowest else max)(fitting, key=Version) if fitting else None


def test_a_pin_without_a_wheel_gives_way_to_the_lowest_newer_one_of_its_age():
    found = legacy.substituted(["numpy", "scikit-learn==0.19.1.*", "unknown==1.0"], resolve)
    assert found.requirements == ("numpy", "scikit-learn==1.1.3", "unknown==1.0")
    assert "numpy<1.24" in found.constraints
    assert not any(text.startswith("scikit-learn") for text in found.constraints)
    assert found.notes == ("scikit-learn 0.19.1 has no wheel for this Python; 1.1.3, the next that has one, was used.",)


def test_what_can_be_had_stays_and_nothing_is_held_back_for_it():
    assert legacy.substituted(["scikit-learn==1.5.0", "numpy==2.4.6"], resolve) == legacy.Substitution(
        ("scikit-learn==1.5.0", "numpy==2.4.6")
    )
    old = legacy.substituted(["numpy==2.4.6", "pandas"], resolve, is_old=True)
    assert "pandas<2" in old.constraints
    assert not any(text.startswith("numpy") for text in old.constraints)


@pytest.mark.parametrize("pin", ["scikit-learn==1.1.3", "scikit-learn==1.1.*", "pandas===1.5.3", "scipy==1.10.1"])
def test_what_was_compiled_for_an_old_numpy_gets_one(pin):
    assert legacy.fitting([pin, "numpy"]) == (pin, "numpy", "numpy<2")
    assert legacy.fitting([pin, "numpy==1.26.4"]) == (pin, "numpy==1.26.4")


@pytest.mark.parametrize("text", ["scikit-learn==1.5.0", "scikit-learn", "scikit-learn>=1.1", "flask==1.1.3"])
def test_other_packages_take_the_newest_numpy(text):
    assert legacy.fitting([text]) == (text,)


def test_only_the_named_packages_are_looked_at_first():
    assert not legacy.substituted(["future==0.18.2"], resolve, names=legacy.TOGETHER).notes
    assert legacy.substituted(["future==0.18.2"], resolve).requirements == ("future==1.0.0",)


def test_a_refusal_names_the_package_and_what_is_on_offer():
    said = legacy.refusal(["scikit-learn==0.19.1", "numpy", "none==1"], resolve)
    assert said.splitlines() == [
        "scikit-learn 0.19.1 has no wheel for this Python; there are wheels from 1.1.3 to 1.9.1.",
        "none 1 has no wheel for this Python; there is no wheel at all.",
    ]


def test_a_clouds_own_client_becomes_what_logs_here():
    spec = make(["azureml-defaults", "numpy"])
    assert CLIENT in spec.requirements
    assert "azureml-defaults" in spec.notes[0]
    assert CLIENT not in make(["azureml-mlflow", "mlflow==3.1"]).requirements


def test_strictness_is_another_environment_and_travels():
    spec = make(["numpy"], is_strict=True)
    assert spec.digest != make(["numpy"]).digest
    assert EnvironmentSpec.from_json(spec.as_json()) == spec


@pytest.mark.parametrize("name", CURATED)
def test_curated_environments_can_be_read(name):
    assert named.of_curated(name).spec.requirements


@pytest.mark.django_db
def test_the_same_content_is_the_same_version(alice, workspace):
    definition = {"files": {"conda.yaml": OLD}}
    first = operations.register_environment(alice, workspace, name="old", definition=definition)
    assert operations.register_environment(alice, workspace, name="old", definition=definition) == first
    second = operations.register_environment(alice, workspace, name="old", definition={"packages": ["numpy"]})
    assert (first.version, second.version) == (1, 2)
    assert EnvironmentVersion.objects.count() == 2
    assert named.find_named(alice, workspace, "old").version == 2
    assert named.find_named(alice, workspace, "old@1").spec.python == "3.6"
    assert named.find_named(alice, workspace, "old:latest").version == 2


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["AzureML-mine", "azureml-x", "", "a b", "sklearn-current", "x" * 101])
def test_bad_and_reserved_names_are_refused(alice, workspace, name):
    with pytest.raises(InvalidValue):
        operations.register_environment(alice, workspace, name=name, definition={"packages": []})


@pytest.mark.django_db
def test_an_unknown_name_tells_near_ones(alice, workspace, elsewhere, charlie):
    operations.register_environment(alice, workspace, name="train-env", definition={"packages": ["numpy"]})
    with pytest.raises(NotFound, match="AzureML-Tutorial"):
        named.find_named(alice, workspace, "AzureML-Tutorials")
    with pytest.raises(NotFound, match="version 9"):
        named.find_named(alice, workspace, "train-env@9")
    with pytest.raises(NotFound):
        named.find_named(charlie, elsewhere, "train-env")


@pytest.mark.django_db
def test_a_strict_workspace_asks_for_strict_builds(alice, workspace, elsewhere, charlie):
    operations.set_strict(alice, workspace, is_strict=True)
    assert operations.request_environment(alice, workspace, spec=make(["numpy"])).spec["is_strict"]
    assert not operations.request_environment(charlie, elsewhere, spec=make(["numpy"])).spec["is_strict"]


@pytest.mark.django_db
def test_programs_register_find_and_build(bearer, alice_user, bob_user):
    client = bearer(alice_user)
    body = {"name": "mine", "definition": {"files": {"conda.yaml": OLD}, "docker": {"base_image": "x"}}}
    made = client.post(API, body, content_type="application/json")
    assert (made.status_code, made.json()["version"], made.json()["state"]) == (201, 1, "notbuilt")
    assert {row["name"] for row in client.get(API).json()} == {"mine", *CURATED}
    assert client.get(f"{API}/mine@1").json()["definition"]["docker"] == {"base_image": "x"}
    built = client.post(f"{API}/mine/build")
    assert (built.status_code, built.json()["state"]) == (202, "queued")
    assert client.get(f"{API}/mine").json()["state"] == "queued"
    digest = built.json()["digest"]
    assert client.get(f"/w/main/api/v1/environment-builds/{digest}/log").json()["final"] is False
    assert client.get(f"{API}/nothing").status_code == 404
    assert bearer(bob_user).post(API, body, content_type="application/json").status_code == 403


@pytest.mark.django_db
def test_pages_register_show_build_and_switch(browse, alice_user, workspace):
    page = browse(alice_user)
    assert b"AzureML-Tutorial" in page.get("/w/main/environments/").content
    body = {"name": "mine", "kind": "conda.yaml", "text": OLD}
    answer = page.post("/w/main/environments/new/", body)
    assert answer.status_code == 303
    assert b"scikit-learn=0.19.1" in page.get("/w/main/environments/new/?from=mine@1").content
    assert page.get(answer["Location"]).status_code == 200
    assert page.post("/w/main/environments/new/", body | {"text": "- a"}).status_code == 422
    assert page.post("/w/main/environments/named/mine/build/").status_code == 303
    assert page.post("/w/main/environments/rules/", {"is_strict": "on"}).status_code == 303
    assert workspace.environment_rules.is_strict


@pytest.mark.django_db
def test_a_new_version_begins_with_all_that_the_last_one_holds(browse, alice_user, alice, workspace):
    page = browse(alice_user)

    def begun(name: str, definition: dict) -> dict:
        operations.register_environment(alice, workspace, name=name, definition=definition)
        return page.get(f"/w/main/environments/new/?from={name}@1").context["form"].initial

    files = {
        "python_env.yaml": "python: 3.11.4\ndependencies:\n  - -r requirements.txt\n  - pip\n",
        "requirements.txt": "# ours\nnumpy<3\nscipy; python_version < '4'\n",
    }
    several = begun("several", {"files": files})
    assert (several["name"], several["kind"]) == ("several", "python_env.yaml")
    assert parse_files({several["kind"]: several["text"]}).digest == parse_files(files).digest
    packages = {"packages": ["numpy<3", "scipy"], "python": "3.12"}
    listed = begun("listed", packages)
    assert (listed["name"], listed["kind"]) == ("listed", "python_env.yaml")
    assert parse_files({listed["kind"]: listed["text"]}).digest == named.spec_of(packages).digest
    assert begun("old", {"files": {"environment.yml": OLD}})["kind"] == "conda.yaml"
    curated = page.get(f"/w/main/environments/new/?from={next(iter(CURATED))}").context["form"].initial
    assert curated["name"] == ""
