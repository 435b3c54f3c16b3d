"""Samples: what is drawn is kept as it came and went, within bounds, and what is left out is counted."""

from __future__ import annotations

import json
import random
import threading

import pytest

from deployments.scoring import capture
from deployments.scoring.capture import Allowance, Capture
from deployments.scoring.tally import Tally
from tests.deployments.scoring import make_caller

PATIENCE_S = 20
BODY = {"data": [[1, 2]]}


class Counted:
    """Adds up what a capture counts, and knows when all that was offered is accounted for."""

    def __init__(self) -> None:
        self.kept = self.left_out = 0
        self.changed = threading.Condition()

    def __call__(self, kept: int, left_out: int) -> None:
        with self.changed:
            self.kept, self.left_out = self.kept + kept, self.left_out + left_out
            self.changed.notify_all()

    def wait(self, total: int) -> tuple[int, int]:
        with self.changed:
            assert self.changed.wait_for(lambda: self.kept + self.left_out >= total, PATIENCE_S)
            return self.kept, self.left_out


@pytest.fixture
def counted():
    return Counted()


@pytest.fixture
def samples(tmp_path, counted):
    return Capture(tmp_path / "captured", counted)


def lines(samples: Capture) -> list[dict[str, object]]:
    files = sorted(samples._folder.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def test_bytes_are_kept_as_they_came_and_went(samples, counted):
    asked = '{ "data":\n[[1,  2]], "ü": null}'.encode()
    samples.offer(1, "3", "one", asked, b'{"predict":[3]}')
    samples.offer(1, "3", "two", b"\xff not text", b"")
    samples.flush()
    first, second = lines(samples)
    assert (first["request_id"], first["revision"], first["input"]) == ("one", "3", asked.decode())
    assert (first["output"], second["input"]) == ('{"predict":[3]}', "\ufffd not text")


def test_a_share_is_drawn(samples, counted, monkeypatch):
    draws = iter([0.0, 0.49, 0.5, 0.99])
    monkeypatch.setattr(capture.random, "random", lambda: next(draws))
    for number in range(4):
        samples.offer(0.5, "1", str(number), b"{}", b"[]")
    samples.flush()
    assert (counted.kept, counted.left_out) == (2, 0)
    assert [line["request_id"] for line in lines(samples)] == ["0", "1"]


def test_large_bodies_are_left_out_and_counted(samples, counted):
    samples.offer(1, "1", "large", b"x" * capture.LARGEST_BODY, b"y")
    assert (counted.kept, counted.left_out) == (0, 1)
    samples.offer(1, "1", "as large as may be", b"x" * (capture.LARGEST_BODY - 1), b"y")
    samples.flush()
    assert (counted.kept, counted.left_out) == (1, 1)


def test_a_busy_replica_keeps_so_many_bytes_a_second():
    now = [0.0]
    allowance = Allowance(1000, 500, lambda: now[0])
    let_in = 0
    for _request in range(10_000):
        let_in += 50 if allowance.lets_in(50) else 0
        now[0] += 0.001
    assert 10_000 <= let_in <= 10_000 + 500 + 50


def test_what_is_let_in_does_not_depend_on_its_size():
    now, let_in, chance = [0.0], {10: 0, 1000: 0}, random.Random(0)
    allowance = Allowance(1000, 500, lambda: now[0])
    for _request in range(20_000):
        size = chance.choice([10, 1000])
        let_in[size] += allowance.lets_in(size)
        now[0] += chance.expovariate(25)
    assert sum(let_in.values()) < 5000
    assert let_in[1000] == pytest.approx(let_in[10], rel=0.1)


def test_beyond_its_bytes_a_second_it_counts(samples, counted):
    body = b"x" * (capture.LARGEST_BODY // 2)
    for number in range(200):
        samples.offer(1, "1", str(number), body, b"")
    samples.flush()
    kept, left_out = counted.kept, counted.left_out
    assert kept + left_out == 200
    assert kept >= capture.MOST_AT_ONCE // len(body)
    assert left_out > 100
    assert len(lines(samples)) == kept


def test_a_full_folder_is_left_as_it_is_and_counted(samples, counted, monkeypatch):
    monkeypatch.setattr(capture, "LARGEST_FOLDER", 10)
    samples.offer(1, "1", "first", b"{}", b"[]")
    samples.flush()
    samples.offer(1, "1", "second", b"{}", b"[]")
    samples.flush()
    assert (counted.kept, counted.left_out) == (1, 1)
    assert [line["request_id"] for line in lines(samples)] == ["first"]


def test_a_disk_that_fails_costs_no_request_is_told_once_and_counted(tmp_path, counted, capsys):
    (tmp_path / "captured").write_text("no folder")
    samples = Capture(tmp_path / "captured", counted)
    for number in range(3):
        samples.offer(1, "1", str(number), b"{}", b"[]")
        samples.flush()
    assert (counted.kept, counted.left_out) == (0, 3)
    assert capsys.readouterr().out.count("samples are not kept") == 1
    (tmp_path / "captured").unlink()
    samples.offer(1, "1", "after", b"{}", b"[]")
    samples.flush()
    assert (counted.kept, counted.left_out) == (1, 3)


def test_what_gathers_is_written_without_being_asked_for(samples, counted):
    samples.offer(1, "1", "one", b"{}", b"[]")
    assert counted.wait(1) == (1, 0)
    assert [line["request_id"] for line in lines(samples)] == ["one"]


def test_what_was_answered_well_is_offered_and_counted_by_the_minute(tmp_path):
    tally = Tally()
    samples = Capture(tmp_path / "captured", tally.count_samples)
    asked = {"tally": tally, "capture": samples, "sample_rate": 1.0}
    on = make_caller(tmp_path, collects_data=True, **asked)
    assert on("/score", BODY, x_ms_client_request_id="mine").status == 200
    assert on("/invocations", {"inputs": [[1, 2]]}).status == 200
    assert on("/score", {"data": [["no number"]]}).status == 400
    large = [[0.125, 0.125]] * (capture.LARGEST_BODY // 10)
    assert on("/score", {"data": large}).status == 200
    samples.flush()
    first, second = lines(samples)
    assert (first["request_id"], first["input"], first["output"]) == ("mine", json.dumps(BODY), '{"predict":[3.0]}')
    assert second["output"] == '{"predictions":[3.0]}'
    minutes = tally.snapshot()["minutes"]
    assert sum(one["sampled"] for one in minutes) == 2
    assert sum(one["unsampled"] for one in minutes) == 1


def test_nothing_is_kept_unless_it_was_asked_for(tmp_path):
    samples = Capture(tmp_path / "captured", Counted())
    off = make_caller(tmp_path, capture=samples, sample_rate=1.0)
    assert off("/score", BODY).status == 200
    samples.flush()
    assert lines(samples) == []
