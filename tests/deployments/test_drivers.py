"""One contract, held by every driver that this machine can run."""

from __future__ import annotations

import http.client
import json
import os
import pickle
import signal
import socket
import sys
import tempfile
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest

from deployments.drivers.base import Program, ServingSpec
from deployments.drivers.process import Options, ProcessDriver
from deployments.layer import SOURCE
from tests.deployments.fakes import FakeDriver

PATIENCE_S = 60


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="serve-") as made:
        yield Path(made)


@pytest.fixture(params=["fake", "process"])
def driver(request, folder):
    made = FakeDriver() if request.param == "fake" else ProcessDriver(Options(folder / "replicas of a test"))
    yield made
    for name in made.names():
        made.delete(name)


@pytest.fixture
def spec(folder) -> ServingSpec:
    """A bare model that needs numpy alone, served in this interpreter, which has granian: it starts in a moment."""
    model = folder / "model"
    model.mkdir()
    (model / "model.pkl").write_bytes(pickle.dumps(SimpleNamespace(predict=numpy.ravel)))
    return ServingSpec(
        name="e1-r1",
        replicas=1,
        python=Path(sys.executable),
        program=Program(SOURCE, folder / "no layer"),
        model=model,
        settings={"endpoint": "line", "auth": "none"},
        cpu_cores=1,
        memory_bytes=1 << 30,
    )


def until(driver, name, test):
    deadline = time.monotonic() + PATIENCE_S
    while not test(seen := driver.observe(name)):
        assert time.monotonic() < deadline, (seen, driver.logs(name, 50))
        time.sleep(0.05)
    return seen


def test_what_was_never_applied_is_absent(driver):
    assert driver.observe("e9-r9").is_absent
    assert (driver.logs("e9-r9", 5), driver.read_log("e9-r9", 0, 0)[0], driver.names()) == ([], b"", [])
    driver.delete("e9-r9")


def test_a_revision_becomes_ready_and_twice_applied_is_there_once(driver, spec):
    driver.apply(spec)
    seen = until(driver, spec.name, lambda seen: seen.ready)
    driver.apply(spec)
    again = driver.observe(spec.name)
    assert [one.pid for one in again.replicas] == [one.pid for one in seen.replicas]
    assert (len(again.urls), driver.names()) == (1, [spec.name])
    assert driver.logs(spec.name, 100)
    text, offset = driver.read_log(spec.name, 0, 0)
    assert text and driver.read_log(spec.name, 0, offset)[0] == b""


def test_more_and_fewer_replicas(driver, spec):
    driver.apply(replace(spec, replicas=2))
    until(driver, spec.name, lambda seen: len(seen.ready) == 2)
    driver.apply(spec)
    assert len(until(driver, spec.name, lambda seen: len(seen.replicas) == 1).replicas) == 1


def test_deleting_leaves_nothing_and_may_be_repeated(driver, spec):
    driver.apply(spec)
    pids = [one.pid for one in until(driver, spec.name, lambda seen: seen.ready).replicas]
    driver.delete(spec.name)
    driver.delete(spec.name)
    assert driver.observe(spec.name).is_absent
    assert driver.names() == []
    if not isinstance(driver, FakeDriver):
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_one_that_was_killed_is_seen_and_comes_back(driver, spec):
    driver.apply(spec)
    [replica] = until(driver, spec.name, lambda seen: seen.ready).replicas
    driver.kill(spec.name) if isinstance(driver, FakeDriver) else os.kill(replica.pid, signal.SIGKILL)
    seen = until(driver, spec.name, lambda seen: seen.ended)
    assert (seen.ended[0].exit_code, seen.urls) == (-9, ())
    driver.apply(spec)
    assert until(driver, spec.name, lambda seen: seen.ready).replicas[0].pid != replica.pid


# ---- Processes only -------------------------------------------------------------------------------------------------


@pytest.fixture
def processes(folder):
    made = ProcessDriver(Options(folder / "replicas"))
    yield made
    for name in made.names():
        made.delete(name)


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path, timeout: float = 10) -> None:
        super().__init__("replica", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def ask(url, path="/score", key=None, body=b'{"data": [[3]]}'):
    connection = UnixConnection(Path(url.removeprefix("unix:")), timeout=10)
    try:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_replica_answers(processes, spec):
    processes.apply(spec)
    [url] = until(processes, spec.name, lambda seen: seen.ready).urls
    status, answer = ask(url)
    assert (status, answer["predict"]) == (200, [3])


def test_another_driver_of_the_same_folder_adopts_it(processes, spec, folder):
    processes.apply(spec)
    seen = until(processes, spec.name, lambda seen: seen.ready)
    again = ProcessDriver(Options(folder / "replicas")).observe(spec.name)
    assert [replace(one, status=None) for one in again.replicas] == [replace(one, status=None) for one in seen.replicas]


def test_new_keys_count_within_a_second(processes, spec):
    hashes = [sha256(b"first").hexdigest()]
    processes.apply(replace(spec, settings={"endpoint": "line", "auth": "key", "key_hashes": hashes}))
    [url] = until(processes, spec.name, lambda seen: seen.ready).urls
    assert (ask(url)[0], ask(url, key="first")[0], ask(url, key="second")[0]) == (401, 200, 401)
    hashes = [sha256(b"second").hexdigest()]
    processes.configure(replace(spec, settings={"endpoint": "line", "auth": "key", "key_hashes": hashes}))
    time.sleep(1)
    assert (ask(url, key="first")[0], ask(url, key="second")[0]) == (401, 200)


def test_a_model_that_cannot_be_loaded_ends_it_with_its_traceback(processes, spec):
    (spec.model / "model.pkl").write_bytes(b"not a pickle")
    processes.apply(spec)
    seen = until(processes, spec.name, lambda seen: seen.ended)
    assert seen.ended[0].exit_code == 1
    assert "Traceback (most recent call last):" in processes.logs(spec.name, 50)


def test_one_that_hangs_is_not_ready(processes, spec):
    processes.apply(spec)
    [replica] = until(processes, spec.name, lambda seen: seen.ready).replicas
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        until(processes, spec.name, lambda seen: [one.state for one in seen.replicas] == ["unready"])
    finally:
        os.kill(replica.pid, signal.SIGCONT)
    until(processes, spec.name, lambda seen: seen.ready)


def test_a_long_folder_still_has_a_socket(spec, folder):
    deep = folder / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    driver = ProcessDriver(Options(deep))
    try:
        driver.apply(spec)
        [url] = until(driver, spec.name, lambda seen: seen.ready).urls
        assert ask(url)[0] == 200
    finally:
        driver.delete(spec.name)
    ways = Path(tempfile.gettempdir()).glob("studio-????????????????")  # other studios of this machine have theirs
    assert not [way for way in ways if way.is_symlink() and str(way.readlink()).startswith(str(folder))]


def test_a_log_that_became_a_link_is_not_followed(processes, spec, folder):
    place = folder / "replicas/e5-r1.0"
    place.mkdir(parents=True)
    (folder / "secret").write_text("secret")
    (place / "log").symlink_to(folder / "secret")
    assert processes.logs("e5-r1", 10) == []
    assert processes.read_log("e5-r1", 0, 0) == (b"", 0)


def test_requests_under_way_are_finished_when_it_is_deleted(processes, spec):
    processes.apply(spec)
    [url] = until(processes, spec.name, lambda seen: seen.ready).urls
    connection = UnixConnection(Path(url.removeprefix("unix:")), timeout=10)
    connection.request("POST", "/score", b'{"data": [[3]]}')
    processes.delete(spec.name)
    try:
        assert connection.getresponse().status == 200
    except (ConnectionError, http.client.HTTPException):
        pytest.fail("the answer was cut off")


def test_one_replica_goes_and_the_other_stays(driver, spec):
    driver.apply(replace(spec, replicas=2))
    until(driver, spec.name, lambda seen: len(seen.ready) == 2)
    driver.remove(spec.name, 0)
    assert [one.number for one in driver.observe(spec.name).replicas] == [1]
    driver.remove(spec.name, 0)


def test_a_stopped_replica_is_not_ready_and_is_again_when_it_goes_on(processes, spec):
    processes.apply(spec)
    [replica] = until(processes, spec.name, lambda seen: seen.ready).replicas
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        assert until(processes, spec.name, lambda seen: not seen.ready).replicas[0].state == "unready"
    finally:
        os.kill(replica.pid, signal.SIGCONT)
    until(processes, spec.name, lambda seen: seen.ready)


def test_a_replica_says_what_it_answered(processes, spec):
    processes.apply(spec)
    [url] = until(processes, spec.name, lambda seen: seen.ready).urls
    assert [ask(url)[0], ask(url)[0], ask(url, body=b"no JSON")[0]] == [200, 200, 400]
    status = processes.observe(spec.name).replicas[0].status
    assert (status["requests"], status["in_flight"]) == (3, 0)
    minutes = status["minutes"]
    assert (sum(one["ok"] for one in minutes), sum(one["refused"] for one in minutes)) == (2, 1)
    assert sum(sum(one["latency"]) for one in minutes) == 3
    assert status["memory_bytes"] > 1 << 20


def test_samples_of_past_minutes_are_given_once(processes, spec, folder):
    processes.apply(replace(spec, settings={**spec.settings, "collects_data": True, "sample_rate": 1.0}))
    [url] = until(processes, spec.name, lambda seen: seen.ready).urls
    assert ask(url)[0] == 200
    deadline = time.monotonic() + PATIENCE_S
    # The file of a minute that goes on is empty for a moment, and whoever took it then would take nothing for good.
    while not any(file.stat().st_size for file in folder.rglob("captured/*.jsonl")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    later = time.time() * 1000 + 120_000
    samples = list(processes.take_samples(spec.name, int(later)))
    line = json.loads(samples[0].lines)
    assert (line["input"], line["output"]) == ('{"data": [[3]]}', '{"predict":[3]}')
    assert list(processes.take_samples(spec.name, int(later))) == []


def test_samples_stay_until_they_are_kept(processes, folder):
    captured = folder / "replicas" / "e1-r1.0" / "captured"
    captured.mkdir(parents=True)
    for minute in ("1795000000", "1795000060"):
        (captured / f"{minute}.jsonl").write_text("{}")
    assert next(processes.take_samples("e1-r1", 1 << 60)).lines == b"{}"
    assert len(list(processes.take_samples("e1-r1", 1 << 60))) == 2
    assert list(captured.iterdir()) == []


def test_samples_of_another_are_never_taken_by_a_link(processes, folder):
    victim = folder / "victim"
    victim.mkdir()
    (victim / "1795000000.jsonl").write_text("secret")
    replica = folder / "replicas" / "e1-r1.0"
    replica.mkdir(parents=True)
    (replica / "captured").symlink_to(victim)
    assert list(processes.take_samples("e1-r1", 1 << 60)) == []
    (replica / "captured").unlink()
    (replica / "captured").mkdir()
    (replica / "captured/1795000000.jsonl").symlink_to(victim / "1795000000.jsonl")
    assert list(processes.take_samples("e1-r1", 1 << 60)) == []
    assert (victim / "1795000000.jsonl").read_text() == "secret"


def test_an_entry_script_answers_with_what_it_loaded(processes, spec, folder):
    code = folder / "code"
    code.mkdir()
    (code / "score.py").write_text(
        "import json, os, pickle\n"
        "def init():\n"
        "    global model\n"
        "    model = pickle.load(open(os.path.join(os.environ['AZUREML_MODEL_DIR'], 'model.pkl'), 'rb'))\n"
        "def run(raw):\n"
        "    return model.predict(json.loads(raw)['data']).tolist()\n"
    )
    processes.apply(replace(spec, code=code, entry="score.py"))
    [url] = until(processes, spec.name, lambda seen: seen.ready).urls
    assert ask(url) == (200, [3])
    assert ask(url, body=b"{}")[0] == 500
