"""The widget of a run, in a notebook and out of one; the switch of diagnostics; usages of clusters."""

from __future__ import annotations

import sys
import types

import pytest
from azureml.core import Experiment
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute.usage import counted
from azureml.exceptions import ComputeTargetException
from azureml.telemetry import set_diagnostics_collection
from azureml.widgets import RunDetails, _card
from studio_sdk.usage import Usage

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(ws):
    made = Experiment(ws, "diabetes").start_logging(display_name="<first>")
    made.log("loss", 0.5)
    made.log("loss", 0.25)
    return made


@pytest.fixture
def drawn(monkeypatch):
    """A notebook: each entry is what stands below the cell after a drawing."""
    seen = []

    class Handle:
        def update(self, html):
            seen.append(html)

    outer = types.ModuleType("IPython")
    outer.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    inner = types.ModuleType("IPython.display")
    inner.HTML = str
    inner.display = lambda html, display_id: seen.append(html) or Handle()
    monkeypatch.setitem(sys.modules, "IPython", outer)
    monkeypatch.setitem(sys.modules, "IPython.display", inner)
    return seen


def test_outside_a_notebook_the_link_and_state_are_printed(run, capsys):
    RunDetails(run).show()
    assert capsys.readouterr().out == f"Run <first>: Running\nhttp://localhost/w/main/runs/{run.id}/\n"


def test_ipython_in_a_terminal_is_no_notebook(run, drawn, monkeypatch, capsys):
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: types.SimpleNamespace())
    RunDetails(run).show()
    assert "Running" in capsys.readouterr().out
    assert drawn == []


def test_in_a_notebook_state_link_and_metrics_are_drawn(run, drawn):
    run.complete()
    RunDetails(run).show()
    assert "&lt;first&gt;" in drawn[0]
    assert "<b>Completed</b>" in drawn[0]
    assert f'href="http://localhost/w/main/runs/{run.id}/"' in drawn[0]
    assert "<td>loss</td><td>0.25</td>" in drawn[0]


def test_a_run_is_drawn_again_until_it_has_ended(run, drawn):
    """The thread's body, called as a function: the database is this thread's."""
    widget = RunDetails(run)
    handle = types.SimpleNamespace(update=drawn.append)
    looks = iter([False, False])
    widget._stopped = types.SimpleNamespace(wait=lambda _s: next(looks, True))
    states = iter([True, False])
    type(widget)._is_live, kept = property(lambda self: next(states)), type(widget)._is_live
    try:
        widget._follow(handle, str)
    finally:
        type(widget)._is_live = kept
    assert len(drawn) == 2


def test_what_went_wrong_is_drawn(run):
    run.fail(error_details="KeyError: <x>")
    assert "<pre>KeyError: &lt;x&gt;</pre>" in _card.card(run)


def test_a_widgets_data_is_the_runs(run):
    data = RunDetails(run).get_widget_data()
    assert (data["status"], data["run_metrics"]) == ("Running", {"loss": [0.5, 0.25]})
    assert data["run_properties"]["runId"] == run.id


def test_the_switch_of_diagnostics_does_nothing_and_says_so(capsys):
    set_diagnostics_collection(send_diagnostics=True)
    set_diagnostics_collection(False, verbosity=10, reason="x")
    assert capsys.readouterr().out.count("collect") == 3


def test_usages_are_cores_of_clusters(ws, workspace):
    from compute.operations import NodeReport, heartbeat
    from workspaces.access import Actor

    cluster = ComputeTarget.create(
        ws, "cpu-cluster", AmlCompute.provisioning_configuration("STANDARD_D2_V2", max_nodes=3)
    )
    assert not [one for one in AmlCompute.list_usages(ws) if one["name"]["value"] == "cpu-cluster"]
    (row,) = [one for one in AmlCompute.list_usages(ws, show_all=True) if one["name"]["value"] == "cpu-cluster"]
    assert (row["currentValue"], row["limit"]) == (0, 6)
    assert {"id": "cpu-cluster", "limit": 6, "unit": "Count"} in AmlCompute.list_quotas(ws)
    node = Actor(kind="node", name="node:cpu-cluster", by="token", subject="cpu-cluster", only_workspace=workspace.pk)
    heartbeat(node, report=NodeReport(name="n1", slots=1))
    (row,) = [one for one in AmlCompute.list_usages(ws) if one["name"]["value"] == "cpu-cluster"]
    assert row["currentValue"] == 2
    own = counted(Usage("local-cluster", "", 1, 2, 0, None, None))
    assert (own["currentValue"], own["limit"], own["unit"]) == (1, 2, "Nodes")
    with pytest.raises(ComputeTargetException, match="max_nodes"):
        AmlCompute.update_quotas(ws, [])
    assert cluster.name == "cpu-cluster"
