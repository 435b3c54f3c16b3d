"""What dies is started again; what is told to stop leaves nothing; what was killed whole comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from studio.supervisor import processes
from tests.live.outside import skip_unless_embedded
from tests.live.running import ROOT, fetch, until

PARTS = ["gateway", "broker", "database", "web", "control", "beat", "node"]
WITH_CHILDREN = ["gateway", "database", "web"]


@pytest.fixture(autouse=True)
def settled(request):
    """Five deaths within a minute are a failure by design, and this file causes many: it waits for them to be old."""
    if "studio" in request.fixturenames:
        running = request.getfixturevalue("studio")
        until(lambda: running.is_healthy() and all(part["state"] == "ready" for part in running.parts().values()), 120)


def recovered(studio, part: str, killed: int) -> bool:
    state = studio.parts()[part]
    return state["state"] == "ready" and state["pid"] != killed and studio.is_healthy()


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_master_is_replaced_with_all_its_children(studio, part):
    skip_unless_embedded(part, studio.parts())
    before = studio.members(part)
    os.kill(before[0].pid, signal.SIGKILL)
    until(lambda: recovered(studio, part, before[0].pid), 90)
    assert not [process for process in before if processes.same(process)]


@pytest.mark.parametrize("part", WITH_CHILDREN)
def test_killed_children_are_replaced(studio, part):
    skip_unless_embedded(part, studio.parts())
    children = [process for process in processes.every() if process.parent == studio.members(part)[0].pid]
    assert children
    for child in children:
        processes.send(child, signal.SIGKILL)
        until(lambda killed=child: not processes.same(killed), 60)
    until(studio.is_healthy, 90)
    assert not [child for child in children if processes.same(child)]


def test_a_page_is_back_within_seconds_of_a_kill(studio):
    loading_s = seconds_to_load()
    os.kill(studio.members("web")[0].pid, signal.SIGKILL)
    began = time.monotonic()
    until(lambda: fetch(f"{studio.url}/sign-in/").status_code == 200, 120)
    # As seconds on this machine go just now: the master comes first, then two workers that load at the same time.
    assert time.monotonic() - began < 5 + 4 * loading_s


def seconds_to_load() -> float:
    """Measure how long this machine takes, as busy as it is, to load what a web worker loads."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import studio.wsgi, studio.urls"], check=True, cwd=ROOT)
    return time.monotonic() - began


def test_the_gateway_says_when_the_web_is_away(studio):
    master = studio.members("web")[0]
    for process in studio.members("web"):
        os.kill(process.pid, signal.SIGSTOP)
    try:
        os.kill(master.pid, signal.SIGKILL)
        answers = until(lambda: unavailable(studio), 60, every_s=0.02)
    finally:
        until(studio.is_healthy, 90)
    page, api = answers
    assert page.headers["retry-after"] and page.headers["content-type"].startswith("text/html")
    assert api.json()["error_code"] == "TEMPORARILY_UNAVAILABLE"


def unavailable(studio):
    page = fetch(f"{studio.url}/", headers={"Accept": "text/html"})
    api = fetch(f"{studio.url}/api/2.0/mlflow/experiments/search", headers={"Accept": "*/*"})
    return (page, api) if page.status_code == api.status_code == 503 else None


def test_what_dies_again_and_again_is_reported(another_studio, used_home):
    running = another_studio(used_home, stays=True).start()
    for _ in range(5):
        pid = until(lambda: running.parts()["beat"]["pid"] and running.members("beat"), 60)[0].pid
        os.kill(pid, signal.SIGKILL)
        until(lambda killed=pid: not [p for p in running.members("beat") if p.pid == killed], 60)
    until(lambda: running.parts()["beat"]["state"] == "failed", 60)
    answer = fetch(f"{running.url}/health")
    assert answer.status_code == 503
    assert answer.json()["parts"]["beat"] == "failed"
    assert "FAILED" in running.output
    assert fetch(f"{running.url}/sign-in/").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_leaves_no_process(another_studio, used_home, number):
    running = another_studio(used_home, stays=True).start()
    assert len(running.processes()) > 6
    assert running.stop(number) == 0
    assert running.processes() == []


def test_a_stop_during_the_start_leaves_no_process(another_studio):
    running = another_studio().launch()
    until(lambda: "database" in running.output, 120, every_s=0.02)
    assert running.stop() == 0
    assert running.processes() == []


def test_a_killed_studio_starts_again_and_nothing_is_doubled(another_studio, used_home):
    running = another_studio(used_home, stays=True).start()
    old = running.processes()
    running.kill_supervisor()
    assert [process for process in old if processes.same(process)]
    running.start()
    assert not [process for process in old if processes.same(process)]
    assert running.stop() == 0
    assert running.processes() == []


def test_a_studio_killed_whole_starts_again(another_studio, used_home):
    running = another_studio(used_home, stays=True).start()
    token = running.token
    running.kill_supervisor()
    processes.kill(running.processes())
    running.start()
    assert running.token == token
    assert running.get("/account/").status_code == 200
