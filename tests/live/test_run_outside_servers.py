"""A studio on servers of one's own: DATABASE_URL and REDIS_URL instead of the embedded ones."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
import redis

from studio.supervisor.broker import server
from tests.live import outside
from tests.live.running import free_port, until
from tests.live.test_run_work import submit_sample


@pytest.fixture
def database_url() -> Iterator[str]:
    with outside.database() as url:
        yield url


@pytest.fixture
def redis_url() -> Iterator[str]:
    port = free_port()
    command = [server(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "outside"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://:outside@127.0.0.1:{port}/0"
    until(lambda: answers(url), 60)
    yield url
    process.terminate()
    process.wait()


def answers(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url).ping())
    except redis.ConnectionError:
        return False


def test_the_flow_runs_on_servers_of_ones_own(another_studio, database_url, redis_url):
    running = another_studio(with_sample=True, settings={"DATABASE_URL": database_url, "REDIS_URL": redis_url}).start()
    assert not {"database", "broker"} & set(running.parts())
    submit_sample(running)
    jobs = until(lambda: [job for job in listed(running) if job["state"] == "Completed"], 180)
    assert len(jobs) == 1
    running.stop()
    assert running.processes() == []


def listed(running) -> list[dict]:
    found = running.get("/w/main/api/v1/jobs").json()
    return found if isinstance(found, list) else found["jobs"]
