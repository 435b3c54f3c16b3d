"""MLflow projects: what MLproject says, and the command that comes of it."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from experiments.models import RunParam
from jobs import operations, projects
from jobs.models import Job, Snapshot
from jobs.projects import EntryPoint, Parameter, plan, read_project
from lib.errors import InvalidValue

MLPROJECT = """
name: iris
conda_env: conda.yaml
entry_points:
  main:
    parameters:
      alpha: {type: float, default: 0.5}
      data: path
      note: {default: "it's"}
    command: "python train.py --alpha {alpha} --data {data} --note {note}"
  check:
    command: "python check.py"
"""
CONDA = "name: x\nchannels: [conda-forge]\ndependencies: [python=3.11, pip, {pip: [numpy]}]\n"
FILES = {"MLproject": MLPROJECT.encode(), "conda.yaml": CONDA.encode(), "train.py": b"", "check.py": b""}
API = "/w/main/api/v1/jobs"


def test_entry_points_parameters_and_environment_are_read():
    project = read_project({"MLproject": MLPROJECT}.get)
    assert (project.name, [one.name for one in project.entry_points]) == ("iris", ["main", "check"])
    assert project.entry_point("main").parameters == (
        Parameter("alpha", "float", "0.5"), Parameter("data", "path"), Parameter("note", "string", "it's"),
    )  # fmt: skip
    assert projects.environment(project, {"conda.yaml": CONDA}.get).requirements == ("numpy",)


def test_a_command_is_filled_in_and_quoted():
    point = read_project({"MLproject": MLPROJECT}.get).entry_point("main")
    planned = plan(point, {"data": "in put", "more": "1; rm"})
    assert planned.command == [
        "bash", "-c", "python train.py --alpha 0.5 --data 'in put' --note 'it'\"'\"'s' --more '1; rm'",
    ]  # fmt: skip
    assert planned.parameters == {"alpha": "0.5", "data": "in put", "note": "it's", "more": "1; rm"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "data"),
        ({"data": "x", "alpha": "much"}, "number"),
        ({"data": "s3://bucket/x"}, "elsewhere"),
        ({"data": "../x"}, "elsewhere"),
        ({"data": "x", "a b": "1"}, "name"),
    ],
)
def test_what_is_missing_or_mistyped_is_refused(given, says):
    point = read_project({"MLproject": MLPROJECT}.get).entry_point("main")
    with pytest.raises(InvalidValue, match=says):
        plan(point, given)


@pytest.mark.parametrize(
    "text", ["- a", "entry_points: [a]", "entry_points: {main: {}}", "docker_env: {image: x}", "a: b: c", "x" * 300_000]
)
def test_a_bad_project_is_refused(text):
    with pytest.raises(InvalidValue):
        read_project({"MLproject": text}.get)


def test_a_script_is_an_entry_point_and_an_unknown_one_names_the_others():
    project = read_project({"MLproject": MLPROJECT}.get)
    assert project.entry_point("my script.py") == EntryPoint("my script.py", "python 'my script.py'")
    with pytest.raises(InvalidValue, match="main, check"):
        project.entry_point("other")


@pytest.mark.django_db
def test_a_program_submits_an_entry_point(bearer, alice_user):
    files = {path: content.decode() for path, content in FILES.items()}
    body = {"experiment": "p", "files": files, "entry_point": "main", "parameters": {"data": "x", "alpha": "0.1"}}
    answer = bearer(alice_user).post(API, body, content_type="application/json")
    assert answer.status_code == 201, answer.content
    said = answer.json()
    assert (said["entry_point"], said["parameters"]["alpha"]) == ("main", "0.1")
    job = Job.objects.select_related("environment").get()
    assert job.environment.spec["requirements"] == ["numpy"]
    assert dict(RunParam.objects.filter(run_id=job.pk).values_list("key", "value")) == {
        "alpha": "0.1", "data": "x", "note": "it's",
    }  # fmt: skip
    body["parameters"] = {}
    refused = bearer(alice_user).post(API, body, content_type="application/json")
    assert (refused.status_code, refused.json().get("field")) == (400, "data")


@pytest.mark.django_db
def test_a_page_submits_a_project_in_two_steps_and_clones_it(browse, alice_user, alice, workspace):
    snapshot = operations.store_snapshot(alice, workspace, files=FILES)
    page = browse(alice_user)
    form = page.get(f"/w/main/jobs/new/{snapshot.digest}/").content.decode()
    assert 'name="parameter-alpha"' in form
    assert 'name="parameter-' not in page.get(f"/w/main/jobs/new/{snapshot.digest}/?entry=check").content.decode()
    body = {
        "parameter-alpha": "0.2", "parameter-data": "d", "parameter-note": "", "experiment": "by page",
        "environment": "project:", "target": "local-cluster", "attempts_allowed": "2", "env": "A=b=c\n", "name": "",
    }  # fmt: skip
    answer = page.post(f"/w/main/jobs/new/{snapshot.digest}/", body)
    assert answer.status_code == 303, answer.content
    job = Job.objects.get()
    assert (job.env, job.attempts_allowed, job.parameters["note"]) == ({"A": "b=c"}, 2, "it's")
    assert job.pk in answer["Location"]
    refused = page.post(f"/w/main/jobs/new/{snapshot.digest}/", body | {"parameter-alpha": "much"})
    assert (refused.status_code, b"is a number" in refused.content) == (422, True)
    clone = page.get(f"/w/main/jobs/new/{snapshot.digest}/?from={job.pk}").content.decode()
    assert 'value="0.2"' in clone
    assert "A=b=c" in clone


@pytest.mark.django_db
def test_a_page_takes_a_script_or_a_zip(browse, alice_user):
    page = browse(alice_user)
    answer = page.post("/w/main/jobs/new/", {"script": "print(1)\r\n"})
    assert answer.status_code == 303
    shown = page.get(answer["Location"]).content.decode()
    assert "python train.py" in shown
    body = {
        "command": "python 'train.py' --x 1", "experiment": "s", "environment": "packages:", "packages": "numpy\n",
        "target": "local-cluster", "attempts_allowed": "1",
    }  # fmt: skip
    assert page.post(answer["Location"], body).status_code == 303
    assert Job.objects.get().command == ["python", "train.py", "--x", "1"]
    assert page.post("/w/main/jobs/new/", {"script": " "}).status_code == 422
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("folder/MLproject", MLPROJECT)
        archive.writestr("folder/conda.yaml", CONDA)
    upload = SimpleUploadedFile("folder.zip", body.getvalue())
    answer = page.post("/w/main/jobs/new/", {"uploads": [upload], "script": ""})
    assert answer.status_code == 303
    assert 'name="parameter-alpha"' in page.get(answer["Location"]).content.decode()
    again = SimpleUploadedFile("folder.zip", body.getvalue())
    assert page.post("/w/main/jobs/new/", {"uploads": [again], "script": "print(1)"}).status_code == 303
    assert {file["path"] for file in Snapshot.objects.latest("pk").manifest} == {"MLproject", "conda.yaml", "train.py"}
    hides = page.post("/w/main/jobs/new/", {"uploads": [SimpleUploadedFile("train.py", b"2")], "script": "print(1)"})
    assert hides.status_code == 422
    assert "print(1)" in hides.content.decode()
    assert "have a train.py already" in hides.content.decode()


@pytest.mark.django_db
def test_a_clone_keeps_the_limits_and_a_time_that_cannot_be_is_refused(submit, browse, alice_user):
    job, page = submit(limits={"memory_bytes": 2**30}), browse(alice_user)
    form = f"/w/main/jobs/new/{job.snapshot.digest}/?from={job.pk}"
    body = {
        "command": "python train.py", "experiment": "s", "environment": "as-before:", "target": "local-cluster",
        "attempts_allowed": "1",
    }  # fmt: skip
    refused = page.post(form, {**body, "time_limit_s": "10000000000"})
    assert refused.status_code == 422
    assert "365 days" in refused.content.decode()
    assert page.post(form, body).status_code == 303
    assert Job.objects.exclude(pk=job.pk).get().limits == {"memory_bytes": 2**30}


@pytest.mark.django_db
def test_states_are_asked_for_in_any_case_of_letters(submit, bearer, alice_user):
    submit()
    asked = bearer(alice_user)
    assert len(asked.get("/w/main/api/v1/jobs?state=queued").json()) == 1
    assert len(asked.get("/w/main/api/v1/jobs?state=Waiting").json()) == 1
    assert asked.get("/w/main/api/v1/jobs?state=running").json() == []
    assert asked.get("/w/main/api/v1/jobs?state=nonsense").json() == []


@pytest.mark.django_db
def test_a_job_is_run_again_and_may_have_a_parent(submit, alice, bearer, alice_user, node_actor, node):
    job = submit(parameters={"a": "1"}, env={"SECRET": "hidden"})
    operations.claim_job(node_actor, node_name="n1")
    client = bearer(alice_user)
    assert client.post(f"{API}/{job.pk}/rerun").status_code == 409
    operations.finish_job(node_actor, job.pk, attempt=1, outcome="failed", error="x")
    again = client.post(f"{API}/{job.pk}/rerun").json()
    assert (again["state"], again["parameters"], again["snapshot"]) == ("Queued", {"a": "1"}, job.snapshot.digest)
    body = {
        "experiment": "Default", "snapshot": job.snapshot.digest, "command": ["true"],
        "environment": {"reference": "AzureML-Minimal"}, "parent_run_id": job.pk,
    }  # fmt: skip
    child = client.post(API, body, content_type="application/json").json()
    assert child["environment_name"] == "AzureML-Minimal@1"
    tags = dict(Job.objects.get(pk=child["run_id"]).run.tags.values_list("key", "value"))
    assert tags["mlflow.parentRunId"] == job.pk


@pytest.mark.django_db
def test_what_a_variable_holds_stays_out_of_the_audit_log(bearer, alice_user):
    from workspaces.models import AuditEntry

    body = {
        "experiment": "e", "files": {"a.py": ""}, "command": ["true"], "environment": {"packages": []},
        "env": {"PASSPHRASE": "very hidden"},
    }  # fmt: skip
    assert bearer(alice_user).post(API, body, content_type="application/json").status_code == 201
    entry = AuditEntry.objects.get(action="jobs.submit_job")
    assert "PASSPHRASE" in str(entry.details)
    assert "very hidden" not in str(entry.details)
