"""`studio data`, `datastore`, `sweep`, `schedule` and what else the client can do, in a shell."""

from __future__ import annotations

import json

import pytest

from experiments import metrics
from experiments.data import stores
from experiments.data.models import Datastore
from jobs.models import Job, JobState, Sweep
from jobs.operations.sweeping import move_sweep
from lib.clock import now_ms

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(studio):
    """Run a command that must succeed; gives what it prints as JSON."""

    def run(*words):
        code, out, err = studio(*words, "-o", "json")
        assert code == 0, err
        return json.loads(out)

    return run


@pytest.fixture
def code(folder):
    (folder / "code").mkdir()
    (folder / "code/train.py").write_text("print(1)\n")
    return folder / "code"


@pytest.fixture
def raw(folder):
    (folder / "raw/2024").mkdir(parents=True)
    (folder / "raw/2024/a.csv").write_text("x;y\n1;2\n")
    (folder / "raw/notes.txt").write_text("hello")
    return folder / "raw"


# ---- Datastores ----------------------------------------------------------------------


def test_files_go_up_and_down(studio, rows, raw, folder):
    assert rows("datastore", "upload", "default", str(raw), "in") == {"stored": 2, "of": 2}
    assert rows("datastore", "upload", "default", str(raw), "in") == {"stored": 0, "of": 2}
    assert rows("datastore", "upload", "default", str(raw / "notes.txt"), "in", "--overwrite")["stored"] == 1
    assert [one["path"] for one in rows("datastore", "files", "default", "in")] == ["in/2024", "in/notes.txt"]
    assert len(rows("datastore", "files", "default", "-r")) == 2
    assert studio("datastore", "download", "default", "in/**/*.csv", "--to", str(folder / "down"))[0] == 0
    assert (folder / "down/2024/a.csv").read_text() == "x;y\n1;2\n"
    assert studio("datastore", "delete-file", "default", "in/notes.txt", "-y")[0] == 0
    assert len(rows("datastore", "files", "default", "-r")) == 1
    code, _out, err = studio("datastore", "upload", "default", "nothere")
    assert (code, "no file or folder" in err) == (1, True)


def test_credentials_of_a_store_are_replaced_and_taken_away(studio, rows, folder):
    for name in ("id", "first", "second"):
        (folder / name).write_text(f"{name}\n")
    key = f"access_key_id={folder / 'id'}"
    made = ("datastore", "create", "bucket", "--kind", "s3", "--container", "data", "--secret", key)
    assert rows(*made, "--secret", f"secret_access_key={folder / 'first'}")["has_credentials"]
    second = f"secret_access_key={folder / 'second'}"
    assert rows("datastore", "credentials", "bucket", "--secret", key, "--secret", second)["has_credentials"]
    assert stores.connection_of(Datastore.objects.get(name="bucket")).secret["secret_access_key"] == "second"
    code, _out, err = studio("datastore", "credentials", "bucket")
    assert (code, "Say --yes" in err) == (0, True)
    assert Datastore.objects.get(name="bucket").sealed
    assert not rows("datastore", "credentials", "bucket", "-y")["has_credentials"]


def test_a_folder_of_the_operator_is_opened_and_forgotten(studio, rows, folder, settings):
    (folder / "offered").mkdir()
    settings.DATA_FOLDERS = {"offered": folder / "offered"}
    assert rows("datastore", "create", "mine", "--folder", "offered")["kind"] == "folder"
    assert [one["name"] for one in rows("datastore", "list")] == ["workspaceblobstore", "mine"]
    assert rows("datastore", "show", "mine")["can_write"] is False
    assert studio("datastore", "delete", "mine")[0] == 0  # nobody there to say yes
    assert len(rows("datastore", "list")) == 2
    assert studio("datastore", "delete", "mine", "-y")[0] == 0
    assert len(rows("datastore", "list")) == 1


# ---- Datasets ----------------------------------------------------------------------


def test_a_table_is_registered_from_here_and_gets_versions(studio, rows, raw, folder):
    words = ("data", "create", "rain", str(raw / "2024"), "--local", "--table", "--separator", ";", "--tag", "a=b")
    made = rows(*words)
    assert (made["version"], made["kind"], made["options"]["separator"]) == (1, "tabular", ";")
    assert made["page"].endswith("/w/main/data/rain/")
    (raw / "2024/a.csv").write_text("x;y\n3;4\n")
    assert rows(*words)["version"] == 2
    assert rows("data", "list")[0]["latest_version"] == 2
    assert [one["version"] for one in rows("data", "versions", "rain")] == [2, 1]
    assert rows("data", "show", "rain@1")["tags"] == {"a": "b"}
    assert [one["name"] for one in rows("data", "files", "rain")] == ["a.csv"]
    assert studio("data", "download", "rain@1", "--to", str(folder / "down"))[0] == 0
    assert (folder / "down/a.csv").read_text() == "x;y\n1;2\n"
    assert studio("data", "delete", "rain@1", "-y")[0] == 0
    assert studio("data", "delete", "rain", "-y")[0] == 0
    assert rows("data", "list") == []


def test_a_profile_that_is_not_ready_is_said_and_one_that_is_shown(studio, rows, raw):
    from experiments.data.models import DatasetVersion

    rows("data", "create", "rain", str(raw / "2024"), "--local", "--table")
    code, _out, err = studio("data", "profile", "rain")
    assert (code, "profile is queued" in err) == (1, True)
    found = {"columns": [{"name": "x", "type": "integer", "missing": 0, "histogram": [1]}]}
    DatasetVersion.objects.update(profile_state="ready", profile=found)
    assert rows("data", "profile", "rain") == found["columns"]
    assert studio("data", "profile", "rain", "-o", "tsv")[1].startswith("x\tinteger\t–\t0\t")


def test_a_job_gets_a_dataset_and_the_dataset_knows_it(studio, rows, raw, code):
    rows("data", "create", "raw", str(raw), "--local")
    words = ("job", "submit", str(code), "-e", "x", "--input", "data=raw@1")
    assert studio(*words, "--", "python", "train.py", "--data", "${{inputs.data}}")[0] == 0
    job = Job.objects.get()
    assert job.command[-1] == "${{inputs.data}}"
    assert [one["run_id"] for one in rows("data", "uses", "raw")] == [job.pk]


# ---- Sweeps and schedules ----------------------------------------------------------------------


@pytest.fixture
def job(studio, code):
    done, _out, err = studio("job", "submit", str(code), "-e", "tuning", "--", "python", "train.py", "--lr", "1")
    assert done == 0, err
    return Job.objects.get().pk


def ended(run_id, *values):
    move_sweep(run_id)
    for child, value in zip(Sweep.objects.get(pk=run_id).children.order_by("number"), values, strict=True):
        metrics.append(child.run_id, [metrics.Point("loss", value, now_ms(), 0)])
        Job.objects.filter(pk=child.run_id).update(state=JobState.COMPLETED, ended_ms=now_ms())
    move_sweep(run_id)


def test_a_sweep_is_started_of_a_job_and_followed_to_its_best_try(studio, rows, job):
    made = rows("sweep", "create", "--from", job, "--vary", "lr=choice(0.1, 0.2)", "--metric", "loss",
                "--sampling", "grid", "--policy", "bandit", "--slack-factor", "0.1", "--interval", "2")  # fmt: skip
    run_id = made["run_id"]
    kept = Sweep.objects.get(pk=run_id)
    assert (kept.total, kept.policy["kind"], kept.policy["evaluation_interval"]) == (2, "bandit", 2)
    code, _out, err = studio("sweep", "best", run_id)
    assert (code, "No try" in err) == (1, True)
    ended(run_id, 0.5, 0.25)
    best = rows("sweep", "best", run_id)
    assert (best["best_metric"], best["parameters"]) == (0.25, {"lr": "0.2"})
    done, out, _err = studio("sweep", "follow", run_id)
    assert (done, out.splitlines()[1]) == (0, "[1] Completed  lr=0.2  0.25")
    assert [one["run_id"] for one in rows("sweep", "list")] == [run_id]
    assert "lr=0.2" in studio("sweep", "show", run_id)[1]
    assert rows("sweep", "show", run_id)["best"]["number"] == 1


def test_a_sweep_of_a_folder_is_canceled_and_following_it_fails(studio, rows, code):
    done, out, err = studio(
        "sweep", "create", "--folder", str(code), "-e", "tuning", "--vary", "lr=uniform(0, 1)", "--metric", "loss",
        "--total", "2", "--at-once", "1", "--seed", "3", "-o", "json", "--", "python", "train.py",
    )  # fmt: skip
    assert done == 0, err
    run_id = json.loads(out)["run_id"]
    assert rows("sweep", "cancel", run_id)["state"] == "Canceling"
    move_sweep(run_id)
    done, _out, err = studio("sweep", "follow", run_id)
    assert (done, "The sweep canceled" in err) == (1, True)


def test_a_sweep_wants_a_job_or_a_folder(studio):
    code, _out, err = studio("sweep", "create", "--vary", "lr=choice(1, 2)", "--metric", "loss")
    assert (code, "--from" in err) == (1, True)
    code, _out, err = studio("sweep", "create", "--folder", ".", "--vary", "lr=choice(1)", "--metric", "a", "--",
                             "python", "x.py")  # fmt: skip
    assert (code, "experiment" in err) == (1, True)


def test_a_schedule_is_made_changed_paused_run_and_deleted(studio, rows, job):
    made = rows("schedule", "create", "nightly", "--from", job, "--cron", "0 6 * * *", "--time-zone", "Europe/Berlin",
                "--no-catches-up")  # fmt: skip
    assert (made["state"], made["time_zone"], made["catches_up"]) == ("Active", "Europe/Berlin", False)
    assert rows("schedule", "update", "nightly", "--cron", "30 6 * * 1-5")["cron"] == "30 6 * * 1-5"
    assert rows("schedule", "pause", "nightly")["state"] == "Paused"
    assert rows("schedule", "resume", "nightly")["state"] == "Active"
    started = rows("schedule", "run", "nightly")["run_id"]
    assert Job.objects.filter(pk=started).exists()
    assert rows("schedule", "show", "nightly")["ticks"][0]["run_id"] == started
    assert "nightly" in studio("schedule", "show", "nightly")[1]
    assert studio("schedule", "delete", "nightly", "-y")[0] == 0
    assert rows("schedule", "list") == []


def test_logs_are_followed_to_the_jobs_end_whatever_it_is(studio, job):
    Job.objects.filter(pk=job).update(state=JobState.COMPLETED, ended_ms=now_ms())
    assert studio("job", "logs", job, "-f")[0] == 0
    Job.objects.filter(pk=job).update(state=JobState.FAILED, error="The script ended with 1.")
    code, _out, err = studio("job", "logs", job, "-f")
    assert (code, err) == (1, "studio: The job failed: The script ended with 1.\n")


# ---- The rest ----------------------------------------------------------------------


def test_a_run_is_begun_logged_to_ended_and_restored(studio, rows):
    rows("experiment", "create", "shell")
    run_id = rows("run", "create", "-e", "shell", "--name", "by hand")["id"]
    assert studio("run", "log", run_id, "--metric", "loss=1")[0] == 0
    assert studio("run", "end", run_id, "--status", "failed")[0] == 0
    assert rows("run", "show", run_id)["status"].lower() == "failed"
    assert studio("run", "delete", run_id, "-y")[0] == 0
    assert studio("run", "restore", run_id)[0] == 0
    assert [one["id"] for one in rows("run", "list", "-e", "shell")] == [run_id]
    assert studio("experiment", "rename", "shell", "terminal")[0] == 0
    assert rows("run", "list", "-e", "terminal")[0]["name"] == "by hand"


def test_a_jobs_script_logs_to_its_own_run(studio, rows, monkeypatch):
    rows("experiment", "create", "shell")
    run_id = rows("run", "create", "-e", "shell")["id"]
    code, _out, err = studio("log", "--metric", "loss=1")
    assert (code, "Name the run" in err) == (1, True)
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    monkeypatch.setenv("AZUREML_ARM_WORKSPACE_NAME", "main")
    assert studio("log", "--metric", "loss=0.5", "--step", "2")[0] == 0
    assert rows("run", "metrics", run_id, "loss") == [{"number": 0, "value": 0.5}]
    code, _out, err = studio("log", "--metric", "loss=low")
    assert (code, err) == (1, "studio: A metric is a number, not “low”.\n")


def test_a_version_is_described_tagged_and_named(studio, rows, folder):
    (folder / "model.pkl").write_bytes(b"x")
    assert studio("model", "register", "diabetes", str(folder / "model.pkl"))[0] == 0
    words = ("model", "update", "diabetes:1", "--description", "best", "--tag", "a=b", "--alias", "champion")
    assert studio(*words)[0] == 0
    found = rows("model", "show", "diabetes:1")
    assert (found["description"], found["aliases"]) == ("best", ["champion"])


def test_an_endpoints_rules_are_changed_and_its_history_read(studio, rows, ws, folder):
    from azureml.core import Model

    (folder / "model.joblib").write_bytes(b"x")
    Model.register(ws, str(folder / "model.joblib"), "diabetes", model_framework="ScikitLearn")
    assert studio("endpoint", "create", "diabetes", "-m", "diabetes:1")[0] == 0
    changed = rows("endpoint", "set", "diabetes", "--description", "new", "--no-auth", "--tag", "a=b")
    assert (changed["description"], changed["auth_enabled"], changed["tags"]) == ("new", False, {"a": "b"})
    assert rows("endpoint", "history", "diabetes")
    assert isinstance(rows("endpoint", "metrics", "diabetes", "--minutes", "5"), list)


def test_usage_counts_the_cores_of_clusters(studio, rows):
    rows("compute", "create", "cpu-cluster", "--size", "Standard_D2_v2", "--max", "2")
    (row,) = [one for one in rows("compute", "usage") if one["name"] == "cpu-cluster"]
    assert (row["nodes"], row["most"], row["cores_most"]) == (0, 2, 4.0)
    code, _out, err = studio("compute", "node", "cpu-cluster", "nothere", "drain")
    assert (code, "no node" in err) == (1, True)


def test_an_admin_makes_a_workspace_and_deletes_its_group(studio, rows, alice_user, settings):
    settings.CREDENTIALS_SECONDS = 0  # alice becomes an admin
    code, _out, err = studio("workspace", "create", "new")
    assert (code, err.startswith("studio: ")) == (1, True)
    type(alice_user).objects.filter(pk=alice_user.pk).update(is_superuser=True)
    assert rows("workspace", "create", "new", "--group", "g")["group"] == "g"
    assert {"g", "rg"} <= {one["name"] for one in rows("group", "list")}
    assert rows("workspace", "contents", "-w", "main")
    assert studio("group", "delete", "g")[0] == 0
    assert rows("group", "delete", "g", "-y")["state"] == "deleting"


@pytest.mark.parametrize("noun", ["data", "datastore", "sweep", "schedule", "group"])
def test_completion_knows_the_nouns(studio, noun):
    assert f"    {noun}) words=" in studio("completion", "bash")[1]
