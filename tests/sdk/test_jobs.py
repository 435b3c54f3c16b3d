"""ScriptRunConfig, submitting to a cluster and to this computer, waiting."""

import json
import subprocess
import sys

import pytest
from azureml.core import Environment, Experiment, RunConfiguration, ScriptRunConfig
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.exceptions import (
    ActivityFailedException,
    ExperimentExecutionException,
    RunConfigurationException,
    RunEnvironmentException,
    SnapshotException,
    UserErrorException,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(folder):
    code = folder / "code"
    code.mkdir()
    (code / "train.py").write_text("print('hello')\n")
    (code / "secret.txt").write_text("no")
    (code / ".amlignore").write_text("secret.txt\n")
    return code


@pytest.fixture
def cluster(ws):
    return ComputeTarget.create(ws, "cpu-cluster", AmlCompute.provisioning_configuration("STANDARD_D2_V2", max_nodes=2))


def sklearn():
    made = Environment("own-sklearn")
    made.python.conda_dependencies.add_pip_package("scikit-learn")
    return made


def test_a_script_that_is_not_in_the_folder_fails_before_anything_is_sent(ws, wire, source):
    before = len(wire.asked)
    with pytest.raises(UserErrorException, match=r"“nothere\.py” is not in"):
        ScriptRunConfig(str(source), script="nothere.py")
    with pytest.raises(UserErrorException, match="is not a folder"):
        ScriptRunConfig(str(source / "nothere"), script="train.py")
    assert len(wire.asked) == before


def test_a_script_and_a_command_exclude_each_other(source):
    with pytest.raises(UserErrorException, match="one of them"):
        ScriptRunConfig(str(source), script="train.py", command="python train.py")
    with pytest.raises(UserErrorException, match="Give a script or a command"):
        ScriptRunConfig(str(source))
    with pytest.raises(UserErrorException, match="not one text"):
        ScriptRunConfig(str(source), script="train.py", arguments="--a 1")


def test_several_nodes_are_refused_clearly(source):
    with pytest.raises(RunConfigurationException, match="one node"):
        ScriptRunConfig(str(source), script="train.py", distributed_job_config=object())


def test_numbers_among_the_arguments_become_words(source):
    config = ScriptRunConfig(str(source), script="train.py", arguments=["--kernel", "linear", "--penalty", 1.0])
    assert config.words == ["python", "train.py", "--kernel", "linear", "--penalty", "1.0"]
    assert ScriptRunConfig(str(source), command="python train.py --x 'a b'").words[-1] == "a b"


def test_a_target_may_be_assigned_afterwards_by_name_or_object(source, cluster):
    config = ScriptRunConfig(str(source), script="train.py")
    assert config.run_config.target == "local"
    config.run_config.target = cluster
    assert config.run_config.target == "cpu-cluster"
    config.run_config.target = "other"
    assert config.run_config.target == "other"


def test_a_run_configuration_is_copied_so_that_two_scripts_do_not_share_it(source):
    shared = RunConfiguration()
    first = ScriptRunConfig(str(source), script="train.py", arguments=[1], run_config=shared)
    second = ScriptRunConfig(str(source), script="train.py", arguments=[2], run_config=shared)
    assert (first.arguments, second.arguments, shared.arguments) == ([1], [2], [])


def test_a_submitted_script_is_a_job_with_its_code_and_tags(ws, source, cluster):
    from jobs.models import Job

    config = ScriptRunConfig(
        str(source), script="train.py", arguments=["--n", 3], compute_target=cluster, environment=sklearn()
    )
    config.run_config.environment_variables["COLOUR"] = "blue"
    run = Experiment(ws, "remote").submit(config, tags={"team": "red"})
    job = Job.objects.get(pk=run.id)
    assert job.command == ["python", "train.py", "--n", "3"]
    assert {one["path"] for one in job.snapshot.manifest} == {"train.py", ".amlignore"}
    assert job.env == {"COLOUR": "blue"}
    assert job.target.name == "cpu-cluster"
    assert "scikit-learn" in " ".join(job.environment.spec["requirements"])
    assert run.tags["team"] == "red"
    assert run.type == "azureml.scriptrun"
    assert run.get_status() == "Queued"
    details = run.get_details()
    assert details["target"] == "cpu-cluster"
    assert details["runDefinition"]["script"] == "train.py"
    assert details["runDefinition"]["arguments"] == ["--n", "3"]
    assert "endTimeUtc" not in details


def test_an_unchanged_folder_is_not_sent_again(ws, wire, source, cluster):
    config = ScriptRunConfig(str(source), script="train.py", compute_target=cluster, environment=sklearn())
    experiment = Experiment(ws, "remote")
    experiment.submit(config)
    sent = sum("blobs" in path for _method, path in wire.asked)
    experiment.submit(config)
    assert sent == 1
    assert sum("blobs" in path for _method, path in wire.asked) == 1


def test_a_target_that_is_not_there_is_said(ws, source):
    config = ScriptRunConfig(str(source), script="train.py", compute_target="nothere", environment=sklearn())
    with pytest.raises(ExperimentExecutionException, match="nothere"):
        Experiment(ws, "remote").submit(config)


def test_too_many_files_are_refused_with_the_numbers(ws, source, cluster, monkeypatch):
    for number in range(2001):
        (source / f"{number}.txt").touch()
    config = ScriptRunConfig(str(source), script="train.py", compute_target=cluster, environment=sklearn())
    with pytest.raises(SnapshotException, match=r"2,?000"):
        Experiment(ws, "remote").submit(config)
    monkeypatch.setenv("AML_SNAPSHOT_NO_FILE_LIMIT", "1")
    assert Experiment(ws, "remote").submit(config).id


def test_too_many_bytes_are_refused_with_the_numbers(ws, source, cluster):
    with (source / "large.bin").open("wb") as file:
        file.truncate(301 * 1024 * 1024)
    config = ScriptRunConfig(str(source), script="train.py", compute_target=cluster, environment=sklearn())
    with pytest.raises(SnapshotException, match="300"):
        Experiment(ws, "remote").submit(config)


def test_what_is_no_configuration_is_refused(ws):
    with pytest.raises(UserErrorException, match="takes a ScriptRunConfig"):
        Experiment(ws, "remote").submit({"script": "x"})


def test_a_cancelled_job_is_canceled_and_waiting_ends(ws, source, cluster, capsys):
    config = ScriptRunConfig(str(source), script="train.py", compute_target=cluster, environment=sklearn())
    run = Experiment(ws, "remote").submit(config)
    run.cancel()
    details = run.wait_for_completion(show_output=True)
    assert details["status"] == "Canceled"
    said = capsys.readouterr().out
    assert f"RunId: {run.id}\nWeb View: http://localhost/w/main/runs/{run.id}/" in said
    assert "Execution Summary\n=================" in said


def test_a_failed_job_raises_with_its_error_as_json(ws, source, cluster):
    from jobs import operations
    from jobs.models import Job

    config = ScriptRunConfig(str(source), script="train.py", compute_target=cluster, environment=sklearn())
    run = Experiment(ws, "remote").submit(config)
    operations.finish_job  # noqa: B018  what a node would call; the row is enough here
    Job.objects.filter(pk=run.id).update(state="Failed", error="The script ended with 1.", ended_ms=2)
    with pytest.raises(ActivityFailedException) as raised:
        run.wait_for_completion()
    assert json.loads(raised.value.message)["error"]["message"] == "The script ended with 1."
    assert run.wait_for_completion(raise_on_error=False)["status"] == "Failed"


def test_a_submitted_run_is_not_ended_by_hand(ws, source, cluster, monkeypatch):
    config = ScriptRunConfig(str(source), script="train.py", compute_target=cluster, environment=sklearn())
    run = Experiment(ws, "remote").submit(config)
    for end in (run.complete, run.fail):
        with pytest.raises(RunEnvironmentException, match="ended by the compute"):
            end()


def test_a_child_is_submitted_below_its_parent(ws, source, cluster):
    parent = Experiment(ws, "remote").start_logging()
    config = ScriptRunConfig(str(source), script="train.py", compute_target=cluster, environment=sklearn())
    child = parent.submit_child(config)
    assert child.parent.id == parent.id
    assert [one.id for one in parent.get_children()] == [child.id]


def test_a_script_inside_a_job_finds_its_run_by_what_the_node_tells_it(ws, workspace, source, cluster, monkeypatch):
    """Its token is the run's, and reaches less than the submitter's."""
    from azureml.core import Run

    from jobs.operations.running import JOB_PERMISSIONS
    from workspaces.models import Token
    from workspaces.operations import make_token

    config = ScriptRunConfig(str(source), script="train.py", compute_target=cluster, environment=sklearn())
    run = Experiment(ws, "remote").submit(config)
    _token, secret = make_token(
        kind=Token.Kind.JOB, name="job", workspace=workspace, permissions=JOB_PERMISSIONS, subject=run.id
    )
    monkeypatch.delenv("STUDIO_URL")
    monkeypatch.delenv("STUDIO_TOKEN")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost/w/main")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", secret)
    monkeypatch.setenv("MLFLOW_RUN_ID", run.id)
    monkeypatch.setenv("AZUREML_RUN_ID", run.id)
    monkeypatch.setenv("AZUREML_ARM_WORKSPACE_NAME", "main")
    inside = Run.get_context()
    assert inside.id == run.id
    inside.log("kernel", "linear")
    assert run.get_metrics() == {"kernel": "linear"}
    with pytest.raises(RunEnvironmentException):
        inside.complete()


def test_a_local_run_whose_outputs_cannot_be_kept_ends_all_the_same(ws, source, monkeypatch):
    from azureml._jobs.local import LocalProcess, LocalRun
    from studio_sdk.errors import Unreachable

    experiment = Experiment(ws, "local")
    run = LocalRun._of_row(experiment, experiment.start_logging()._row)
    process = LocalProcess(run, ScriptRunConfig(str(source), script="train.py"))
    process.process = subprocess.Popen([sys.executable, "-c", ""])
    process.process.wait()
    process.is_over.set()

    def away() -> None:
        raise Unreachable("The studio is away.")

    monkeypatch.setattr(process, "send_outputs", away)
    process.keep()
    details = run.get_details()
    assert details["status"] == "Failed"
    assert "could not be kept" in details["error"]["error"]["message"]


def test_the_command_of_a_local_run_uses_the_callers_interpreter(ws, source):
    from azureml._jobs.local import LocalProcess

    config = ScriptRunConfig(str(source), script="train.py", arguments=[1])
    process = LocalProcess(None, config)
    assert process.command() == [sys.executable, "train.py", "1"]
