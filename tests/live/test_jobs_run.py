"""Jobs on the embedded cluster: the sample to its end, and what becomes of a job when something is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.live.browser import window
from tests.live.network import NotHere, apart
from tests.live.running import RunningStudio, temporary_folder, until

SLEEPS = (
    "import subprocess, time\nsubprocess.Popen(['setsid', 'sleep', '7351'])\nprint('up', flush=True)\ntime.sleep(600)\n"
)
ENDED = ("Completed", "Failed", "Canceled")


class Jobs:
    """A member who submits jobs, and the hand that kills their runners."""

    def __init__(self, studio: RunningStudio) -> None:
        self.studio = studio
        headers = {"Authorization": f"Bearer {studio.token}"}
        self.http = httpx.Client(base_url=f"{studio.url}/w/main", headers=headers, timeout=30, trust_env=False)

    def submit(self, script: str, **fields: object) -> str:
        body = {"experiment": "live", "files": {"train.py": script}, "command": ["python", "train.py"], **fields}
        answer = self.http.post("/api/v1/jobs", json={"environment": {"packages": []}, **body})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["run_id"])

    def get(self, run_id: str) -> dict:
        return self.http.get(f"/api/v1/jobs/{run_id}").json()

    def wait(self, run_id: str, *states: str, timeout_s: float = 90) -> dict:
        return until(lambda: (job := self.get(run_id)).get("state") in states and job, timeout_s)

    def log(self, run_id: str) -> str:
        return str(self.http.get(f"/api/v1/jobs/{run_id}/logs/std").json()["text"])

    def up(self, script: str, **fields: object) -> str:
        run_id = self.submit(script, **fields)
        until(lambda: "up" in self.log(run_id), 90)
        return run_id

    def record(self, run_id: str, attempt: int = 1) -> dict:
        found = [*self.studio.home.rglob(f"{run_id}-{attempt}/state.json")]
        found += [*Path("/var/lib/studio").glob(f"*/jobs/{run_id}-{attempt}/state.json")]
        return json.loads(found[0].read_text())


@pytest.fixture(scope="module")
def jobs(studio: RunningStudio) -> Jobs:
    return Jobs(studio)


def sleepers() -> str:
    return subprocess.run(["pgrep", "-f", "sleep 7351"], capture_output=True, text=True, check=False).stdout


def test_the_sample_logs_live_and_leaves_a_model(jobs):
    answer = jobs.http.post("/api/v1/jobs/sample")
    run_id = answer.json()["run_id"]
    first = until(lambda: metrics(jobs, run_id), 90)
    assert jobs.get(run_id)["state"] not in ENDED
    assert jobs.wait(run_id, *ENDED, timeout_s=180)["state"] == "Completed"
    run = jobs.http.get("/api/2.0/mlflow/runs/get", params={"run_id": run_id}).json()["run"]
    last = {one["key"]: one for one in run["data"]["metrics"]}
    assert run["info"]["status"] == "FINISHED"
    assert last["test_rmse"]["step"] == 200
    assert last["test_rmse"]["value"] < first[0]["value"] or last["test_rmse"]["value"] < 60
    assert run["outputs"]["model_outputs"]


def metrics(jobs: Jobs, run_id: str) -> list[dict]:
    run = jobs.http.get("/api/2.0/mlflow/runs/get", params={"run_id": run_id}).json()["run"]
    return run["data"].get("metrics", [])


def test_outputs_are_kept_and_links_out_of_them_are_not(jobs):
    script = (
        "import os\n"
        "os.makedirs('outputs/a')\n"
        "open('outputs/a/x.txt', 'w').write('hi')\n"
        "os.symlink('/etc/passwd', 'outputs/link')\n"
        "print({name for name in os.environ if 'SECRET' in name or 'DATABASE' in name})\n"
    )
    run_id = jobs.submit(script)
    assert jobs.wait(run_id, *ENDED)["state"] == "Completed"
    assert jobs.log(run_id) == "set()\n"
    answer = jobs.http.get("/api/2.0/mlflow/artifacts/list", params={"run_id": run_id, "path": "outputs"}).json()
    assert [file["path"] for file in answer["files"]] == ["outputs/a"]


def test_cancel_reaches_every_process_of_the_job(jobs):
    run_id = jobs.up(SLEEPS)
    jobs.http.post(f"/api/v1/jobs/{run_id}/cancel")
    assert jobs.wait(run_id, *ENDED)["state"] == "Canceled"
    assert not sleepers()


@pytest.mark.parametrize("victim", ["pid", "shim"])
def test_a_killed_runner_fails_the_job_and_leaves_no_process(jobs, victim):
    run_id = jobs.up(SLEEPS)
    os.kill(jobs.record(run_id)[victim], signal.SIGKILL)
    job = jobs.wait(run_id, *ENDED)
    assert (job["state"], job["error"]) == ("Failed", "The job's runner was killed.")
    assert not sleepers()


def test_a_lost_attempt_is_run_again_where_the_rule_allows(jobs):
    run_id = jobs.up("import time\nprint('up', flush=True)\ntime.sleep(20)\n", attempts_allowed=2)
    os.kill(jobs.record(run_id)["pid"], signal.SIGKILL)
    job = jobs.wait(run_id, *ENDED)
    assert (job["state"], job["attempt"]) == ("Completed", 2)


def test_a_killed_node_changes_nothing_for_a_job_under_way(jobs):
    run_id = jobs.up("import time\nprint('up', flush=True)\ntime.sleep(12)\nprint('end')\n")
    parts = json.loads((jobs.studio.home / "run/parts.json").read_text())["parts"]
    os.kill(parts["node"]["pid"], signal.SIGKILL)
    job = jobs.wait(run_id, *ENDED)
    assert (job["state"], job["attempt"]) == ("Completed", 1)
    assert jobs.log(run_id) == "up\nend\n"


def test_limits_end_a_greedy_job_and_say_so(jobs):
    memory = jobs.submit("x = []\nwhile True: x.append(bytearray(10**6))\n", limits={"memory_bytes": 200_000_000})
    late = jobs.submit("import time\ntime.sleep(600)\n", time_limit_s=2)
    assert "out of memory" in jobs.wait(memory, *ENDED)["error"]
    assert "time limit" in jobs.wait(late, *ENDED)["error"]


SPEAKS = "import time\nfor n in range(28):\n    print('at', time.time(), flush=True)\n    time.sleep(.25)\n"
# How late each line is when it stands in the page, by the clock that the job and the browser share.
WATCH = """
(lines) => {
  window.late = [];
  const look = (records) => {
    for (const record of records) for (const line of record.addedNodes) {
      const found = /^at ([0-9.]+)/.exec(line.textContent);
      if (found) window.late.push(Date.now() / 1000 - Number(found[1]));
    }
  };
  new MutationObserver(look).observe(lines, {childList: true});
}
"""


def test_a_line_stands_on_the_page_within_two_seconds(jobs, studio, chromium):
    run_id = jobs.submit(SPEAKS)
    with window(chromium, studio.url, session=studio.session()) as page:
        page.goto(f"/w/main/runs/{run_id}/job/")
        lines = page.locator("[data-log-lines]").first
        lines.wait_for()
        page.evaluate(WATCH, lines.element_handle())
        until(lambda: page.evaluate("window.late.length") >= 28, 120, every_s=0.5)
        late = sorted(page.evaluate("window.late"))
    p95 = late[int(len(late) * 0.95) - 1]
    print(f"\na job's line on its page: {len(late)} lines, p50 {late[len(late) // 2]:.2f} s, p95 {p95:.2f} s")
    assert p95 < 2.0


PROJECT = {
    "MLproject": (
        "name: demo\nentry_points:\n  main:\n    parameters:\n      times: {type: float, default: 2}\n"
        '    command: "python train.py {times}"\n  check:\n    command: "python -c \'print(42)\'"\n'
    ),
    "requirements.txt": "",
    "train.py": (
        "import os, sys\nos.makedirs('outputs')\nos.makedirs('logs')\nopen('outputs/a.txt', 'w').write(sys.argv[1])\n"
        "open('logs/own.txt', 'w').write('own line')\nopen('left.bin', 'w').write('x')\nprint('times', sys.argv[1])\n"
    ),
}


@pytest.fixture
def worker_home() -> Iterator[Path]:
    """A folder that other users can pass through, as jobs are such users."""
    folder = temporary_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def elsewhere(jobs) -> Iterator[tuple[str, ...]]:
    """Words before a command that runs where only the studio's port is reached; none where that cannot be."""
    with ExitStack() as stack:
        try:
            prefix = stack.enter_context(apart(jobs.studio.port))
        except NotHere as reason:
            print(f"skipped: another network namespace ({reason}); the worker has a home of its own only")
            prefix = ()
        yield prefix


def test_a_machine_joins_by_one_command_and_runs_a_project_like_the_studio_does(jobs, worker_home, elsewhere):
    """Its home, its folder and its network are its own; of the studio it knows the address and a token."""
    name = f"joined{os.getpid() % 10_000}"
    assert jobs.http.post("/api/v1/compute", json={"name": name, "max_nodes": None}).status_code == 201
    command = jobs.http.post(f"/api/v1/compute/{name}/join-token").json()["command"].split()
    env = {key: value for key, value in os.environ.items() if not key.startswith("STUDIO_") and key != "REDIS_URL"}
    with (worker_home / "worker.log").open("w") as log:
        worker = subprocess.Popen(
            [*elsewhere, *command, "--home", str(worker_home / "home"), "--name", "desk"],
            cwd=Path(__file__).parent.parent.parent,
            env={**env, "STUDIO_PYTHON": sys.executable},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        body = {"experiment": "live", "files": PROJECT, "entry_point": "main", "parameters": {"times": "3"}}
        live = jobs.up("import time\nprint('up', flush=True)\ntime.sleep(600)\n", target=name)
        assert jobs.get(live)["state"] == "Running"  # its line was seen while it ran
        jobs.http.post(f"/api/v1/jobs/{live}/cancel")
        ended = []
        for target in (name, ""):
            run_id = jobs.http.post("/api/v1/jobs", json={**body, "target": target}).json()["run_id"]
            ended.append(jobs.wait(run_id, *ENDED))
        for job in ended:
            assert (job["state"], jobs.log(job["run_id"])) == ("Completed", "times 3\n"), job["error"]
            assert job["left_behind"]["paths"] == ["left.bin"]
            assert "logs/own.txt" in [row["name"] for row in job["logs"]]
            kept = jobs.http.get("/get-artifact", params={"run_uuid": job["run_id"], "path": "outputs/a.txt"})
            assert kept.text == "3"
        assert ended[0]["node"] == "desk"
        assert jobs.http.post(f"/api/v1/compute/{name}/nodes/desk", json={"act": "remove"}).status_code == 202
        assert worker.wait(30) == 0
        assert jobs.http.get(f"/api/v1/compute/{name}").json()["nodes"] == []
    finally:
        if worker.poll() is None:
            worker.kill()
        jobs.http.delete(f"/api/v1/compute/{name}")


def test_a_cluster_starts_a_node_for_a_job_and_lets_it_go(jobs):
    name = f"scale{os.getpid() % 10_000}"
    made = {"name": name, "max_nodes": 1, "idle_s": 1, "vm_size": "Standard_D1"}
    assert jobs.http.post("/api/v1/compute", json=made).status_code == 201
    job = jobs.wait(jobs.submit("print('here')\n", target=name), *ENDED)
    assert (job["state"], job["error"]) == ("Completed", "")
    assert "Provisioning" in [state for state, _since, _newest in job["stages"]]
    until(lambda: not jobs.http.get(f"/api/v1/compute/{name}").json()["nodes"], 60)
    jobs.http.delete(f"/api/v1/compute/{name}")
