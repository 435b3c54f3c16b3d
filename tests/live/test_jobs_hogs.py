"""Jobs that take more than their share: stopped by their limits, and their neighbour goes on. Fifty jobs, four nodes.

Minutes of work for a quiet machine, so only where STUDIO_FAULTS is set: `STUDIO_FAULTS=1 pytest -s tests/live/…`.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from lib.ids import new_id
from tests.live.running import RunningStudio, until
from tests.live.test_jobs_run import ENDED, Jobs

pytestmark = pytest.mark.skipif("STUDIO_FAULTS" not in os.environ, reason="STUDIO_FAULTS is not set")

NEIGHBOUR = (
    "import time\nprint('up', flush=True)\nlast, worst = time.monotonic(), 0\nend = last + {seconds}\n"
    "while last < end:\n    time.sleep(.1)\n    now = time.monotonic()\n    worst, last = max(worst, now - last), now\n"
    "print('worst', round(worst, 2))\n"
)
MEMORY = "kept = []\nwhile True:\n    kept.append(bytearray(10**7))\n"
STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(600)\n"
)
CHILDREN = """
import os, time
made = 0
for n in range(10_000):
    try:
        pid = os.fork()
    except OSError as error:
        print("refused after", made, error.strerror, flush=True)
        time.sleep(5)
        raise SystemExit(3)
    if pid == 0:
        time.sleep(600)
        os._exit(0)
    made += 1
"""
FLOOD = "line = 'x' * 99 + '\\n'\nfor n in range(10_000):\n    print(line * 1000, end='')\nprint('the end')\n"


@dataclass(frozen=True)
class Hog:
    name: str
    script: str
    limits: dict[str, float]
    time_limit_s: int | None
    says: str


HOGS = (
    Hog("memory without end", MEMORY, {"memory_bytes": 300_000_000}, None, "out of memory"),
    Hog("ignores SIGTERM", STUBBORN, {}, 3, "time limit"),
    Hog("10,000 children", CHILDREN, {"processes": 200}, None, "exit code 3"),
    Hog("1 GB to stdout", FLOOD, {}, None, ""),
)


@pytest.fixture(scope="module")
def jobs(studio: RunningStudio) -> Jobs:
    return Jobs(studio)


def processes_of(mark: str) -> int:
    """Count the processes whose environment has the run's id."""
    count = 0
    for one in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            count += one.name.isdigit() and f"MLFLOW_RUN_ID={mark}".encode() in (one / "environ").read_bytes()
    return count


def test_a_greedy_job_is_stopped_by_its_limits_and_its_neighbour_goes_on(jobs):
    print("\n  job                 state      took s  log bytes  left  neighbour's worst pause s   reason")
    for hog in HOGS:
        neighbour = jobs.up(NEIGHBOUR.format(seconds=25))
        began = time.monotonic()
        run_id = jobs.submit(hog.script, limits=hog.limits, time_limit_s=hog.time_limit_s)
        job = jobs.wait(run_id, *ENDED, timeout_s=180)
        took = time.monotonic() - began
        assert jobs.wait(neighbour, *ENDED)["state"] == "Completed"
        worst = float(jobs.log(neighbour).split("worst")[1])
        size = sum(path.stat().st_size for path in jobs.studio.home.glob(f"artifacts/jobs/{run_id}/std-1.log"))
        left = processes_of(run_id)
        print(
            f"  {hog.name:<19} {job['state']:<10} {took:>6.1f} {size:>10,} {left:>5} {worst:>8.2f}   "
            f"{job['error'][:50]}"
        )
        assert hog.says in job["error"]
        assert job["state"] == ("Failed" if hog.says else "Completed")
        assert left == 0
        assert size < 70 * 1024**2
        assert worst < 5


def test_fifty_jobs_on_four_nodes_keep_their_order_and_all_end(jobs):
    name = f"fifty{os.getpid() % 10_000}"
    made = jobs.http.post("/api/v1/compute", json={"name": name, "max_nodes": 4, "idle_s": 5})
    assert made.status_code == 201, made.text
    ids = [jobs.submit("import time\ntime.sleep(1)\n", target=name) for _n in range(50)]
    most = 0

    def live() -> bool:
        nonlocal most
        rows = jobs.http.get("/api/v1/jobs", params={"target": name}).json()
        states = [one["state"] for one in rows]
        most = max(most, sum(one not in (*ENDED, "Queued", "Provisioning") for one in states))
        return all(one in ENDED for one in states)

    until(live, 900, every_s=0.5)
    ended = [jobs.get(run_id) for run_id in ids]
    taken = [next(since for state, since, _newest in job["stages"] if state == "Preparing") for job in ended]
    print(
        f"\n50 jobs: {sum(job['state'] == 'Completed' for job in ended)} completed, at most {most} at a time, in order"
    )
    assert {job["state"] for job in ended} == {"Completed"}
    assert most <= 4
    assert taken == sorted(taken)
    jobs.http.delete(f"/api/v1/compute/{name}")


def test_ten_jobs_that_ask_for_one_new_environment_get_one_build(jobs):
    # Content that no environment had before, and every version passes.
    package = f"packaging!=99.{int(new_id()[:8], 16)}"
    ids = [jobs.submit("import packaging\n", environment={"packages": [package]}) for _n in range(10)]
    ended = [jobs.wait(run_id, *ENDED, timeout_s=300) for run_id in ids]
    digests = {job["environment_digest"] for job in ended}
    logs = [jobs.http.get(f"/api/v1/jobs/{run_id}/logs/build").json()["text"] for run_id in ids]
    print(f"\n10 jobs: {[job['state'] for job in ended].count('Completed')} completed, {len(digests)} environment")
    assert {job["state"] for job in ended} == {"Completed"}, [job["error"] for job in ended]
    assert len(digests) == 1
    assert len({text for text in logs if "ready in" in text}) == 1
