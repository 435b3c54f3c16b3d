"""Jobs outlive the supervisor that is killed, and not the one that is told to stop."""

from __future__ import annotations

import httpx

from studio.supervisor import processes
from tests.live.running import RunningStudio, command_line, until


def submit_sample(running: RunningStudio) -> None:
    answer = httpx.post(
        f"{running.url}/w/main/api/v1/jobs/sample", headers={"Authorization": f"Bearer {running.token}"}, timeout=60
    )
    assert answer.status_code == 201, answer.text


def training(running: RunningStudio) -> list[processes.Process]:
    """The processes that run the sample's own program."""
    venvs = f"{running.home}/environments/"
    return [
        found
        for found in running.processes()
        if venvs in command_line(found.pid) and "train.py" in command_line(found.pid)
    ]


def test_a_job_outlives_a_kill_and_ends_with_a_stop(another_studio):
    running = another_studio(with_sample=True).start()
    submit_sample(running)
    before = until(lambda: training(running), 120)
    running.kill_supervisor()
    running.start()
    assert [process for process in before if processes.same(process)] or not training(running)
    submit_sample(running)
    until(lambda: training(running), 120)
    assert running.stop() == 0
    assert running.processes() == []
