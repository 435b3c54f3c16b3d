"""The description of the studio's API: whole, and without names that mean two things."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stderr
from dataclasses import dataclass

import pytest
import yaml
from django.core.management import call_command


@dataclass(frozen=True)
class Made:
    schema: dict
    said: str


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Made:
    file = tmp_path_factory.mktemp("openapi") / "openapi.yml"
    with redirect_stderr(io.StringIO()) as said:
        call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(file))
    return Made(yaml.load(file.read_text(), yaml.CSafeLoader), said.getvalue())


@pytest.fixture
def described(made: Made) -> dict:
    return made.schema


def test_it_is_valid_and_its_maker_has_nothing_to_say(made, described):
    assert "Warning" not in made.said
    assert "/w/{workspace}/api/v1/jobs" in described["paths"]


def test_every_operation_has_a_name_of_its_own_that_programs_can_use(described):
    names = [one["operationId"] for path in described["paths"].values() for one in path.values()]
    assert len(names) == len(set(names)) > 40
    assert not [name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]*", name)]
    assert {"get_workspace_runs", "get_workspace_runs_by_run_id", "post_groups"} <= set(names)


def test_components_of_one_class_name_in_two_apps_stay_two(described):
    names = set(described["components"]["schemas"])
    assert {"JobsLogOut", "DeploymentsLogOut"} <= names
