"""Rules that hold for operations not yet written."""

from dataclasses import dataclass

import pytest
from django.urls import get_resolver

from lib.errors import Denied, NotFound
from workspaces.access import OPERATIONS, READS, STUDIO
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

assert get_resolver().url_patterns  # loads every app's views, and with them every operation

IN_A_WORKSPACE = sorted(name for name, one in OPERATIONS.items() if one.permission not in STUDIO)

# Logging is too much for one audit row a call; what ends or removes something is never on this list.
NOT_AUDITED = {
    "experiments.create_run",
    "experiments.finalize_logged_model",
    "experiments.log_batch",
    "experiments.log_inputs",
    "experiments.log_metric",
    "experiments.log_model_params",
    "experiments.log_outputs",
    "experiments.log_param",
    "experiments.put_file",
    "experiments.record_model",
    "experiments.create_logged_model",
    "experiments.set_logged_model_tags",
    "experiments.set_tag",
}


@dataclass(frozen=True)
class Target:
    workspace: Workspace


@pytest.mark.parametrize("name", IN_A_WORKSPACE)
def test_an_operation_refuses_a_stranger_before_it_does_anything(name, charlie, workspace):
    with pytest.raises(NotFound):
        OPERATIONS[name](charlie, Target(workspace))


@pytest.mark.parametrize("name", IN_A_WORKSPACE)
def test_an_operation_refuses_a_reader_unless_it_only_reads(name, bob, workspace):
    if OPERATIONS[name].permission in READS:
        return
    with pytest.raises(Denied):
        OPERATIONS[name](bob, Target(workspace))


def test_every_operation_is_audited_but_the_listed_ones():
    assert {name for name, one in OPERATIONS.items() if not one.audited} <= NOT_AUDITED
