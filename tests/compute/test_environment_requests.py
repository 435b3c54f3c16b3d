"""Environments as workspaces ask for them; the builder itself has tests of its own."""

from __future__ import annotations

import pytest

from compute import operations, queries, tasks
from compute.environments import BuildFailed, Built, parse_requirements
from compute.environments.build import READY, write_whole
from compute.models import BuildState, EnvironmentBuild
from compute.operations import environments as rooms
from lib.clock import now_ms
from lib.errors import Denied

pytestmark = pytest.mark.django_db

SPEC = parse_requirements("numpy")


@pytest.fixture(autouse=True)
def builder(settings, tmp_path, monkeypatch):
    """Build into a temporary folder: `builder.fails` makes the next build fail."""
    settings.ENVIRONMENTS_DIR = tmp_path / "environments"
    settings.RUNTIME_HOME = tmp_path

    class Builder:
        builds = 0
        fails = ""

        def build(self, spec):
            Builder.builds += 1
            if Builder.fails:
                raise BuildFailed(Builder.fails)
            return make_built(settings.ENVIRONMENTS_DIR, spec.digest)

    monkeypatch.setattr(rooms, "builder_at", lambda home: Builder())
    monkeypatch.setattr(rooms.connection, "close", lambda: None)
    return Builder


def make_built(root, digest):
    folder = root / digest
    (folder / "venv/bin").mkdir(parents=True)
    (folder / "venv/bin/python").write_text("")
    write_whole(
        folder / READY,
        f'{{"digest": "{digest}", "folder": "", "python": "", "python_version": "3.11", "is_reachable": true,'
        ' "lock": "numpy==1", "notes": ["a note"], "seconds": 1.0}',
    )
    found = queries.environments.find(root, digest)
    assert isinstance(found, Built)
    return found


def test_two_workspaces_that_ask_for_the_same_share_one_build(alice, dora, workspace, elsewhere, builder):
    one = operations.request_environment(alice, workspace, spec=SPEC)
    two = operations.request_environment(dora, elsewhere, spec=SPEC)
    assert one == two
    tasks.build_environment(one.pk)
    tasks.build_environment(one.pk)
    build = EnvironmentBuild.objects.get()
    assert (build.state, build.lock, build.notes, builder.builds) == ("ready", "numpy==1", ["a note"], 1)
    assert queries.built(build)


def test_a_failed_build_says_why_and_is_tried_again_when_asked_again(alice, workspace, builder):
    builder.fails = "no such package"
    build = operations.request_environment(alice, workspace, spec=SPEC)
    tasks.build_environment(build.pk)
    build.refresh_from_db()
    assert (build.state, build.error) == ("failed", "no such package")
    builder.fails = ""
    assert operations.request_environment(alice, workspace, spec=SPEC).state == "queued"
    tasks.build_environment(build.pk)
    build.refresh_from_db()
    assert (build.state, build.error) == ("ready", "")


def test_what_is_there_already_is_ready_at_once(alice, workspace, settings):
    make_built(settings.ENVIRONMENTS_DIR, SPEC.digest)
    assert operations.request_environment(alice, workspace, spec=SPEC).state == "ready"


def test_a_build_whose_builder_was_killed_is_begun_again(alice, workspace, builder):
    build = operations.request_environment(alice, workspace, spec=SPEC)
    EnvironmentBuild.objects.update(state=BuildState.BUILDING, started_ms=now_ms() - 60_000)
    tasks.build_environment(build.pk)
    build.refresh_from_db()
    assert build.state == "queued"
    tasks.build_environment(build.pk)
    build.refresh_from_db()
    assert build.state == "ready"


def test_not_more_than_two_are_built_at_once(alice, workspace, builder):
    for package in ("a", "b"):
        operations.request_environment(alice, workspace, spec=parse_requirements(package))
    EnvironmentBuild.objects.update(state=BuildState.BUILDING, started_ms=now_ms())
    third = operations.request_environment(alice, workspace, spec=SPEC)
    tasks.build_environment(third.pk)
    third.refresh_from_db()
    assert (third.state, builder.builds) == ("queued", 0)


def test_a_reader_cannot_ask_for_an_environment(bob, workspace):
    with pytest.raises(Denied):
        operations.request_environment(bob, workspace, spec=SPEC)


def test_programs_ask_by_files_or_packages(bearer, alice_user):
    client = bearer(alice_user)
    body = {"files": {"requirements.txt": "numpy"}}
    answer = client.post("/w/main/api/v1/environment-builds", body, content_type="application/json")
    assert (answer.status_code, answer.json()["digest"]) == (202, SPEC.digest)
    body = {"packages": ["https://evil.example/x.whl"]}
    answer = client.post("/w/main/api/v1/environment-builds", body, content_type="application/json")
    assert answer.status_code == 400
    assert "address" in answer.json()["message"]
    assert [row["digest"] for row in client.get("/w/main/api/v1/environment-builds").json()] == [SPEC.digest]
    assert client.get(f"/w/main/api/v1/environment-builds/{SPEC.digest}").json()["state"] == "queued"
