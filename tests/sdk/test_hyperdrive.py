"""HyperDrive: a sweep from a script of the original, its tries ranked."""

import json

import numpy as np
import pytest
from azureml.core import Environment, Experiment, Run, ScriptRunConfig
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.exceptions import ActivityFailedException, RunEnvironmentException, TrainingException
from azureml.train import hyperdrive as hd

from experiments import metrics
from jobs.models import Job, JobState, Sweep
from jobs.operations.sweeping import move_sweep
from lib.clock import now_ms

pytestmark = pytest.mark.django_db


@pytest.fixture
def script(ws, folder):
    code = folder / "code"
    code.mkdir()
    (code / "train.py").write_text("print('hello')\n")
    cluster = ComputeTarget.create(ws, "cpu-cluster", AmlCompute.provisioning_configuration("STANDARD_D2_V2"))
    environment = Environment("own")
    environment.python.conda_dependencies.add_pip_package("scikit-learn")
    return ScriptRunConfig(
        str(code), script="train.py", arguments=["--lr", 1], compute_target=cluster, environment=environment
    )


def config(script, **changes):
    given = {
        "hyperparameter_sampling": hd.GridParameterSampling({"--lr": hd.choice(0.1, 0.2, 0.3)}),
        "primary_metric_name": "accuracy",
        "primary_metric_goal": hd.PrimaryMetricGoal.MAXIMIZE,
        "max_total_runs": 3,
        "max_concurrent_runs": 3,
        "run_config": script,
    }
    return hd.HyperDriveConfig(**{**given, **changes})


@pytest.fixture
def sweep(ws, script):
    run = Experiment(ws, "tuning").submit(config(script), tags={"team": "red"})
    move_sweep(run.id)
    return run


def ended(sweep, values, state=JobState.COMPLETED):
    """Let each try report a value and end, as nodes would."""
    for child, value in zip(Sweep.objects.get(pk=sweep.id).children.order_by("number"), values, strict=True):
        if value is not None:
            metrics.append(child.run_id, [metrics.Point("accuracy", value, now_ms(), 0)])
        Job.objects.filter(pk=child.run_id).update(state=state, ended_ms=now_ms())
    move_sweep(sweep.id)


def test_a_config_becomes_a_sweep_whose_tries_get_their_parameters(sweep, script):
    assert isinstance(sweep, hd.HyperDriveRun)
    assert (sweep.type, sweep.get_status(), sweep.tags["team"]) == ("hyperdrive", "Running", "red")
    tries = list(sweep.get_children())
    assert {one.type for one in tries} == {"azureml.scriptrun"}
    assert sorted(tuple(Job.objects.get(pk=one.id).command) for one in tries) == [
        ("python", "train.py", "--lr", value) for value in ("0.1", "0.2", "0.3")
    ]


def test_tries_are_ranked_and_the_best_is_found(sweep):
    ended(sweep, [0.5, 0.9, None])
    assert sweep.get_status() == "Completed"
    ranked = sweep.get_children_sorted_by_primary_metric()
    assert [row["best_primary_metric"] for row in ranked] == [0.9, 0.5, None]
    assert json.loads(ranked[0]["hyperparameters"]) == {"--lr": "0.2"}
    assert len(sweep.get_children_sorted_by_primary_metric(top=1)) == 1
    worst = sweep.get_children_sorted_by_primary_metric(reverse=True, discard_no_metric=True)
    assert [row["best_primary_metric"] for row in worst] == [0.5, 0.9]
    best = sweep.get_best_run_by_primary_metric()
    assert best.get_metrics() == {"accuracy": 0.9}
    assert sweep.get_metrics()[best.id] == {"accuracy": 0.9}
    assert json.loads(sweep.get_hyperparameters()[best.id]) == {"--lr": "0.2"}


def test_a_best_run_may_have_to_be_one_that_completed(sweep):
    ended(sweep, [0.5, 0.9, 0.7])
    best = sweep.get_best_run_by_primary_metric()
    Job.objects.filter(pk=best.id).update(state=JobState.FAILED)
    assert sweep.get_best_run_by_primary_metric().id == best.id
    second = sweep.get_best_run_by_primary_metric(include_failed=False)
    assert second.get_metrics() == {"accuracy": 0.7}


def test_without_a_value_there_is_no_best_run(sweep):
    assert sweep.get_best_run_by_primary_metric() is None


def test_waiting_prints_each_try_and_the_summary(sweep, capsys):
    ended(sweep, [0.5, 0.9, 0.7])
    assert sweep.wait_for_completion(show_output=True)["status"] == "Completed"
    said = capsys.readouterr().out
    assert "[1] Completed: --lr=0.2, best 0.9" in said
    assert "Execution Summary" in said


def test_a_sweep_whose_tries_all_fail_raises_with_its_reason(sweep):
    ended(sweep, [None, None, None], JobState.FAILED)
    with pytest.raises(ActivityFailedException, match="children failed"):
        sweep.wait_for_completion()
    assert sweep.wait_for_completion(raise_on_error=False)["status"] == "Failed"


def test_a_sweep_is_canceled_with_its_tries_and_not_ended_by_hand(sweep):
    with pytest.raises(RunEnvironmentException, match="cancel"):
        sweep.complete()
    sweep.cancel()
    assert sweep.get_status() == "CancelRequested"
    move_sweep(sweep.id)
    move_sweep(sweep.id)
    assert sweep.get_status() == "Canceled"
    assert {one.get_status() for one in sweep.get_children()} == {"Canceled"}


def test_a_sweep_is_found_again_as_one(ws, sweep):
    assert isinstance(Run.get(ws, sweep.id), hd.HyperDriveRun)
    assert [one.id for one in Experiment(ws, "tuning").get_runs(type="hyperdrive")] == [sweep.id]


def test_every_expression_is_understood_by_the_studio(ws, script):
    space = {
        "a": hd.choice([16, 32]), "b": hd.choice(range(3)), "c": hd.randint(5), "d": hd.uniform(0.1, 1),
        "e": hd.quniform(1, 9, 2), "f": hd.loguniform(-6, -1), "g": hd.qloguniform(0, 3, 1), "h": hd.normal(0, 1),
        "i": hd.qnormal(0, 1, 1), "j": hd.lognormal(0, 1), "k": hd.qlognormal(0, 1, 1),
        "l": hd.choice(np.int64(3), "a b", [1, 2]), "m": hd.choice([[8, 8]]),
    }  # fmt: skip
    sampling = hd.RandomParameterSampling(space, properties={"seed": 7})
    run = Experiment(ws, "tuning").submit(config(script, hyperparameter_sampling=sampling))
    row = Sweep.objects.get(pk=run.id)
    assert (row.seed, row.sampling, row.total) == (7, "random", 3)
    assert [(name, kind) for name, kind, _arguments in row.space] == [(n, s[0]) for n, s in space.items()]
    assert row.space[-2:] == [["l", "choice", [3, "a b", [1, 2]]], ["m", "choice", [[8, 8]]]]


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        (hd.BanditPolicy(evaluation_interval=2, slack_factor=0.1, delay_evaluation=5), ("bandit", 2, 5, 0.1, None)),
        (hd.BanditPolicy(slack_amount=0.2), ("bandit", 1, 0, None, None)),
        (hd.MedianStoppingPolicy(evaluation_interval=3), ("median", 3, 0, None, None)),
        (hd.TruncationSelectionPolicy(truncation_percentage=20), ("truncation", 1, 0, None, 20)),
        (hd.NoTerminationPolicy(), ("none", 1, 0, None, None)),
        (None, ("none", 1, 0, None, None)),
    ],
)
def test_every_policy_is_understood_by_the_studio(ws, script, policy, kept):
    run = Experiment(ws, "tuning").submit(config(script, policy=policy))
    row = Sweep.objects.get(pk=run.id).policy
    fields = ("kind", "evaluation_interval", "delay_evaluation", "slack_factor", "truncation_percentage")
    assert tuple(row[name] for name in fields) == kept


def test_bayesian_sampling_is_random_and_says_so(ws, script):
    sampling = hd.BayesianParameterSampling({"lr": hd.uniform(0, 1)})
    with pytest.warns(UserWarning, match="random sampling"):
        run = Experiment(ws, "tuning").submit(config(script, hyperparameter_sampling=sampling))
    assert Sweep.objects.get(pk=run.id).sampling == "bayesian"
    assert "random" in run.get_details()["warnings"][0]["message"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda s: config(s, max_total_runs=0), "max_total_runs"),
        (lambda s: config(s, max_concurrent_runs=4), "at most max_total_runs"),
        (lambda s: config(s, primary_metric_goal="BEST"), "MAXIMIZE or MINIMIZE"),
        (lambda s: config(s, primary_metric_name=""), "primary metric"),
        (lambda s: config(s, policy="bandit"), "early termination policy"),
        (lambda s: config(s, run_config=None), "ScriptRunConfig"),
        (lambda s: config(s, hyperparameter_sampling={"lr": 1}), "is a sampling"),
        (lambda s: config(s, estimator=object()), "ScriptRunConfig"),
        (lambda s: config(s, resume_from=object()), "not resumed"),
        (lambda s: hd.GridParameterSampling({"lr": hd.uniform(0, 1)}), "takes choice"),
        (lambda s: hd.BayesianParameterSampling({"lr": hd.normal(0, 1)}), "takes choice, uniform, quniform"),
        (lambda s: hd.RandomParameterSampling({"lr": 0.1}), "give an expression"),
        (lambda s: hd.RandomParameterSampling({}), "not empty"),
        (lambda s: hd.BanditPolicy(slack_factor=0.1, slack_amount=1), "one of them"),
        (lambda s: hd.BanditPolicy(slack_factor=-1), "above 0"),
        (lambda s: hd.TruncationSelectionPolicy(100), "1 to 99"),
        (lambda s: hd.MedianStoppingPolicy(evaluation_interval=0), "1 or more"),
        (lambda s: hd.choice(), "at least one"),
        (lambda s: hd.randint(0), "above 0"),
        (lambda s: hd.uniform(2, 1), "lower end"),
        (lambda s: hd.normal(0, 0), "sigma"),
        (lambda s: hd.quniform(0, 1, 0), "q is above 0"),
        (lambda s: hd.uniform("a", 1), "takes numbers"),
        (
            lambda s: config(
                s,
                hyperparameter_sampling=hd.BayesianParameterSampling({"lr": hd.uniform(0, 1)}),
                policy=hd.MedianStoppingPolicy(),
            ),
            "no early termination",
        ),
    ],
)
def test_what_cannot_be_fails_before_anything_is_sent(wire, script, make, said):
    before = len(wire.asked)
    with pytest.raises(TrainingException, match=said):
        make(script)
    assert len(wire.asked) == before


def test_a_sweep_wants_a_cluster(ws, wire, script):
    script.run_config.target = "local"
    experiment, before = Experiment(ws, "tuning"), len(wire.asked)
    with pytest.raises(hd.HyperDriveScenarioNotSupportedException, match="compute_target"):
        experiment.submit(config(script))
    assert len(wire.asked) == before


def test_what_the_studio_refuses_is_a_training_exception(ws, script):
    space = {"not a name!": hd.choice(1, 2)}
    with pytest.raises(TrainingException, match="not a name"):
        Experiment(ws, "tuning").submit(config(script, hyperparameter_sampling=hd.GridParameterSampling(space)))


def test_the_widget_draws_the_tries_the_best_first(sweep):
    from azureml.widgets import _card

    ended(sweep, [0.5, 0.9, None])
    drawn = _card.card(sweep)
    assert drawn.index("0.9") < drawn.index("0.5")
    assert "<th>Parameters</th>" in drawn
    assert "{&quot;--lr&quot;: &quot;0.2&quot;}" in drawn
