"""Datasets as inputs of jobs: named in the submission, recorded on the run, copied by the node."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from compute.launcher import Limits  # noqa: F401  the launcher's types load without a database
from compute.node import stages, work
from compute.node.work import Work
from experiments.data import operations as data
from experiments.data import queries, stores
from experiments.data.runs import Wanted
from experiments.models import RunDataset
from jobs import operations
from jobs.models import Job
from jobs.operations.plans import keep_plan, submit_planned
from jobs.operations.states import enter
from lib.errors import Conflict, InvalidValue, NotFound

pytestmark = pytest.mark.django_db

PART = {"HX-Request": "true"}

NODE = "/api/v1/node"


@pytest.fixture
def iris(alice, workspace, settings):
    settings.STUDIO_SENDS_FILES_BY_GATEWAY = False
    own = stores.default_of(workspace)
    for name, body in (("iris/a.csv", b"x\n1\n"), ("iris/deep/b.csv", b"x\n2\n")):
        data.put_file(alice, own, path=name, source=io.BytesIO(body), size_bytes=len(body))
    return data.create_dataset(alice, workspace, name="iris", kind="file", datastore=own, paths=["iris"])


def test_a_run_records_the_version_that_it_was_given(submit, iris, alice):
    job = submit(inputs={"training": Wanted("iris")})
    used = RunDataset.objects.get(run=job.run)
    assert (used.dataset.name, used.dataset.digest) == ("iris", iris.digest)
    assert used.tags == {"mlflow.data.context": "training"}
    assert [(one.run_id, one.number) for one in queries.uses(alice, iris.dataset)] == [(job.pk, 1)]


@pytest.mark.parametrize(
    ("inputs", "error"),
    [
        ({"training": Wanted("nothing@1")}, NotFound),
        ({"training": Wanted("iris@9")}, NotFound),
        ({"a-b": Wanted("iris@1")}, InvalidValue),
        ({"training": Wanted("iris@1", mode="link")}, InvalidValue),
        ({"training": Wanted("@1")}, InvalidValue),
    ],
)
def test_a_bad_input_is_refused(inputs, error, submit, iris):
    with pytest.raises(error):
        submit(inputs=inputs)


def test_a_dataset_of_another_workspace_is_not_given(submit, iris, alice, charlie, elsewhere):
    own = stores.default_of(elsewhere)
    data.put_file(charlie, own, path="x.csv", source=io.BytesIO(b"x"))
    data.create_dataset(charlie, elsewhere, name="theirs", kind="file", datastore=own, paths=["x.csv"])
    with pytest.raises(NotFound):
        submit(inputs={"x": Wanted("theirs@1")})


def test_a_version_stays_while_a_run_waits_for_it(submit, iris, alice):
    job = submit(inputs={"training": Wanted("iris@1")})
    for delete, target in ((data.delete_dataset_version, iris), (data.delete_dataset, iris.dataset)):
        with pytest.raises(Conflict):
            delete(alice, target)
    operations.cancel_job(alice, job)
    data.delete_dataset(alice, iris.dataset)


def test_running_again_takes_the_same_version(submit, iris, alice):
    job = submit(inputs={"training": Wanted("iris")})
    data.create_dataset_version(alice, iris.dataset, datastore=iris.datastore, paths=["iris/a.csv"])
    enter(job, "Canceled")
    again = operations.rerun_job(alice, job)
    assert [str(one.version) for one in again.run.data_inputs.all()] == ["iris@1"]


def test_a_job_whose_dataset_is_gone_is_not_run_again_without_it(submit, iris, alice):
    job = submit(inputs={"training": Wanted("iris@1")})
    enter(job, "Canceled")
    data.delete_dataset(alice, iris.dataset)
    for again in (lambda: operations.rerun_job(alice, job), lambda: operations.planned_as(job)):
        with pytest.raises(Conflict, match="iris@1"):
            again()
    job.run.refresh_from_db()
    assert [(one.name, one.reference, one.version) for one in job.run.data_inputs.all()] == [
        ("training", "iris@1", None)
    ]


def test_the_api_takes_inputs_and_shows_them(bearer, alice_user, iris):
    body = {
        "experiment": "Default",
        "files": {"train.py": "print(1)"},
        "command": ["python", "train.py"],
        "environment": {"requirements": "numpy"},
        "inputs": {"training": {"dataset": "iris@1"}},
    }
    answer = bearer(alice_user).post("/w/main/api/v1/jobs", body, content_type="application/json")
    assert answer.status_code == 201, answer.json()
    shown = {"name": "training", "dataset": "iris", "version": 1, "mode": "copy", "is_gone": False}
    assert answer.json()["inputs"] == [shown]


class Studio:
    """The studio's API as a node calls it, in this process."""

    def __init__(self, client) -> None:
        self.client = client
        self.downloads = 0

    def get(self, path: str) -> dict:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def download(self, path: str, target: Path) -> None:
        self.downloads += 1
        answer = self.client.get(path)
        assert answer.status_code == 200
        target.write_bytes(b"".join(answer.streaming_content))


def test_the_node_copies_the_files_and_says_where_they_are(submit, iris, node_client, tmp_path):
    job = submit(inputs={"training": Wanted("iris@1")}, command=["python", "train.py", "--data=${{inputs.training}}"])
    post = {"name": "n1", "slots": 2, "cpu_count": 2, "memory_bytes": 1, "load": 0.5}
    node_client.post(f"{NODE}/heartbeat", post, content_type="application/json")
    claimed = node_client.post(f"{NODE}/claim", {"node": "n1"}, content_type="application/json").json()["job"]
    assert claimed["run_id"] == job.pk
    given, studio = Work(**claimed), Studio(node_client)
    for _time in range(2):  # what is there is not fetched again
        stages.fetch_inputs(studio, given, tmp_path, owner=None, still_wanted=lambda: True)
    folder = tmp_path / "process" / "data" / "training"
    assert studio.downloads == 2
    assert (folder / "deep" / "b.csv").read_bytes() == b"x\n2\n"
    spec = work.command_process(tmp_path, given, Path("/env/bin/python"), run_as_other=False)
    assert spec.argv[-1] == f"--data={folder}"
    assert spec.env["AZUREML_DATAREFERENCE_training"] == str(folder)


def test_a_file_that_changed_since_fails_the_job(submit, iris, node_client, tmp_path):
    given = Work("0" * 32, 1, "0", "main", [], "", "", "", inputs=["training"])

    class Changed:
        def get(self, path: str) -> dict:
            return {"files": [{"name": "a.csv", "size_bytes": 9}]}

        def download(self, path: str, target: Path) -> None:
            target.write_bytes(b"short")

    with pytest.raises(stages.StageFailed, match="9"):
        stages.fetch_inputs(Changed(), given, tmp_path, owner=None, still_wanted=lambda: True)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", ""])
def test_a_name_that_leads_out_is_not_written(name, tmp_path):
    with pytest.raises(stages.StageFailed):
        stages.below(tmp_path, name)


def test_inputs_are_for_the_jobs_own_cluster(submit, iris, node_client, bearer, alice_user):
    job = submit(inputs={"training": Wanted("iris@1")})
    path = f"{NODE}/jobs/{job.pk}/inputs/training"
    assert node_client.get(path).status_code == 404  # nobody has claimed it
    assert bearer(alice_user).get(path).status_code == 404


# ---- Pages ----------------------------------------------------------------------------------------------------------


FORM = {
    "experiment": "Default", "command": "python train.py", "environment": "packages:", "packages": "numpy",
    "target": "local-cluster", "attempts_allowed": "1",
}  # fmt: skip


@pytest.fixture
def form(alice, workspace, node) -> str:
    snapshot = operations.store_snapshot(alice, workspace, files={"train.py": b"print(1)"})
    return f"/w/main/jobs/new/{snapshot.digest}/"


def test_the_form_gives_a_job_datasets_and_both_pages_lead_to_the_other(form, iris, browse, alice_user):
    mine = browse(alice_user)
    shown = mine.get(f"{form}?data=iris@1").content.decode()
    assert 'value="iris@1"' in shown
    assert '<option value="iris@latest">' in shown
    answer = mine.post(form, {**FORM, "input-data-0": "iris@1", "input-name-0": "training"})
    assert answer.status_code == 303, answer.content.decode()
    job = Job.objects.get()
    assert [(one.name, one.reference) for one in job.run.data_inputs.all()] == [("training", "iris@1")]
    assert "/w/main/datasets/iris/1/" in mine.get(f"/w/main/jobs/{job.pk}/", headers=PART).content.decode()
    assert f"/w/main/runs/{job.pk}/" in mine.get("/w/main/datasets/iris/1/").content.decode()
    assert "jobs/new/?data=iris%401" in mine.get("/w/main/datasets/iris/1/").content.decode()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"input-data-0": "nothing@1", "input-name-0": "a"}, "There is no dataset"),
        ({"input-data-0": "iris@1"}, "the name that the job knows it by"),
        ({"input-data-0": "iris@1", "input-name-0": "a-b"}, "letters, digits"),
        ({f"input-{one}-{at}": v for at in (0, 1) for one, v in (("data", "iris"), ("name", "a"))}, "Two inputs"),
    ],
)
def test_a_row_that_cannot_be_is_said_in_the_form(rows, words, form, iris, browse, alice_user):
    answer = browse(alice_user).post(form, {**FORM, **rows})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Job.objects.exists()


def test_run_again_says_which_dataset_is_gone_and_the_clone_shows_its_row(submit, iris, alice, browse, alice_user):
    job = submit(inputs={"training": Wanted("iris@1", mode="mount")})
    enter(job, "Canceled")
    mine = browse(alice_user)
    assert "to be mounted; copied" in mine.get(f"/w/main/jobs/{job.pk}/", headers=PART).content.decode()
    data.delete_dataset(alice, iris.dataset)
    assert "deleted since" in mine.get(f"/w/main/jobs/{job.pk}/", headers=PART).content.decode()
    after = mine.get(mine.post(f"/w/main/jobs/{job.pk}/rerun/")["Location"])
    assert "“iris@1” of this job has been deleted" in after.content.decode()
    assert Job.objects.count() == 1
    clone = mine.get(f"/w/main/jobs/new/{job.snapshot.digest}/?from={job.pk}").content.decode()
    assert 'value="iris@1"' in clone


def test_a_plan_keeps_its_datasets(submit, iris, alice):
    job = submit(inputs={"training": Wanted("iris")})
    plan = keep_plan(alice, job.run.experiment, operations.planned_as(job))
    again = submit_planned(plan)
    assert [one.reference for one in again.run.data_inputs.all()] == ["iris@1"]
    with pytest.raises(NotFound):
        keep_plan(alice, job.run.experiment, replace(operations.planned_as(job), inputs={"x": Wanted("gone@1")}))
