"""Samples of inputs and outputs reach the store, are read by members, and go with their endpoint."""

from __future__ import annotations

import pytest

from deployments import collection, operations
from deployments.drivers.base import Sample
from deployments.models import DeploymentState

MINUTE = 1_795_000_020_000


class Driver:
    def __init__(self) -> None:
        self.left = [Sample("e1-r1.0", MINUTE, b'{"input": "1"}\n'), Sample("e1-r1.1", MINUTE, b'{"input": "2"}\n')]

    def take_samples(self, name, before_ms):
        while self.left:
            yield self.left[0]
            self.left.pop(0)


@pytest.fixture
def collected(alice, endpoint):
    operations.change_endpoint(alice, endpoint, policy={"collects_data": True})
    endpoint.deployments.update(state=DeploymentState.HEALTHY)
    driver = Driver()
    assert collection.collect(MINUTE + 100_000, lambda _kind: driver) == 2
    assert collection.collect(MINUTE + 100_000, lambda _kind: driver) == 0
    return endpoint


def test_samples_are_kept_by_revision_and_day(collected):
    files = collection.kept(collected)
    assert [one.path.split("/")[0] for one in files] == ["1", "1"]
    assert collection.read(collected, files[0].path) == b'{"input": "1"}\n'


def test_what_a_revision_keeps_after_its_last_is_taken_is_another_file(collected):
    deployment, later = collected.deployments.get(), b'{"input": "later"}\n'
    driver = Driver()
    collection.collect_last(deployment, driver, MINUTE + 5000)
    driver.left = [Sample("e1-r1.1", MINUTE, later)]
    collection.collect_last(deployment, driver, MINUTE + 9000)
    found = [collection.read(collected, one.path) for one in collection.kept(collected)]
    assert len(found) == 5 and found.count(later) == 1


def test_programs_read_them_and_strangers_do_not(bearer, alice_user, charlie_user, workspace, collected):
    url = f"/w/{workspace.name}/api/v1/endpoints/{collected.name}/collected"
    [first, _second] = bearer(alice_user).get(url).json()
    assert bearer(alice_user).get(url, {"path": first["path"]}).content == b'{"input": "1"}\n'
    assert bearer(alice_user).get(url, {"path": "../../1/secret"}).status_code in (400, 404)
    assert bearer(charlie_user).get(url).status_code == 404


def test_they_go_with_the_endpoint(collected):
    collection.forget(collected)
    collection.forget(collected)
    assert collection.kept(collected) == []


def test_nothing_is_collected_unless_asked_for(endpoint):
    endpoint.deployments.update(state=DeploymentState.HEALTHY)
    assert collection.collect(MINUTE, lambda _kind: Driver()) == 0
