"""Let requests take turns at a model, and merge those that queued while it was busy.

As many calls run at once as there are lanes. Who finds a lane free goes at once and alone: nothing waits for company.
The others queue; whoever leaves a lane hands it to the first of them, which takes along all behind it that ask the same
of the model (`Call.key`), up to `most_rows` rows together, and answers for them by one call of the model.

`most_rows` is where one call takes twice as long as one of a single row (see gain.py). Up to there the callers of a
merged call have their answers sooner, on average, than if the model were called for one after the other.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .call import Call, divide, join

MOST_REMEMBERED = 256


@dataclass(frozen=True)
class Outcome:
    """What a call gave or raised, and how long the model worked on it."""

    value: Any = None
    error: Exception | None = None
    spent_s: float = 0.0


@dataclass
class _Waiter:
    """A request in the queue. `ready` is released when it has an outcome, or a lane and what to run there."""

    call: Call | None
    check: Callable[[], None]
    ready: threading.Lock = field(default_factory=threading.Lock)
    batch: list[_Waiter] = field(default_factory=list)
    outcome: Outcome | None = None

    def settle(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.ready.release()


class Turns:
    """The lanes of one model. Without `most_rows` nothing is merged."""

    def __init__(self, lanes: int, most_rows: int = 0, *, merges: Callable[[], bool] = lambda: True) -> None:
        self._free = max(1, lanes)
        self._most_rows = most_rows
        self._merges = merges
        self._mutex = threading.Lock()
        self._queue: deque[_Waiter] = deque()
        self._indivisible: set[Any] = set()

    def run(self, call: Call, check: Callable[[], None] = lambda: None) -> tuple[Any, float]:
        """Give what the model says and the seconds that it took; raise what it raised.

        `check` is called once a turn came after a wait; what it raises ends the request before the model is called.
        """
        waiter = self._enter(call, check)
        if waiter is None:
            try:
                outcome = outcome_of(call)
            finally:
                self._leave()
        elif waiter.outcome is not None:
            outcome = waiter.outcome
        else:
            try:
                outcome = self._answer(waiter.batch)
            finally:
                self._leave()
        if outcome.error is not None:
            raise outcome.error
        return outcome.value, outcome.spent_s

    @contextmanager
    def lane(self, check: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold a lane for what is never merged: a body too large to have many of in memory."""
        waited = self._enter(None, check) is not None
        try:
            if waited:
                check()
            yield
        finally:
            self._leave()

    def _enter(self, call: Call | None, check: Callable[[], None]) -> _Waiter | None:
        """Take a free lane (None), or wait until a lane or an answer is handed over."""
        with self._mutex:
            if self._free:
                self._free -= 1
                return None
            waiter = _Waiter(call, check)
            waiter.ready.acquire()
            self._queue.append(waiter)
        waiter.ready.acquire()
        return waiter

    def _leave(self) -> None:
        with self._mutex:
            if not self._queue:
                self._free += 1
                return
            first, *others = self._taken()
        first.batch = [first, *others]
        first.ready.release()

    def _taken(self) -> list[_Waiter]:
        """Take the first of the queue with those that can be merged with it; the others stay in their order."""
        first = self._queue.popleft()
        call = first.call
        if call is None or call.key is None or not self._most_rows or not self._queue or not self._merges():
            return [first]
        rows, batch, left = call.rows, [first], deque[_Waiter]()
        for other in self._queue:
            is_same = other.call is not None and other.call.key == call.key and call.key not in self._indivisible
            if is_same and other.call is not None and rows + other.call.rows <= self._most_rows:
                rows += other.call.rows
                batch.append(other)
            else:
                left.append(other)
        self._queue = left
        return batch

    def _answer(self, batch: list[_Waiter]) -> Outcome:
        """Answer for a batch: the first is the caller's own, the others are told."""
        first, own = batch[0], Outcome(error=RuntimeError("The model was not called."))
        try:
            for waiter, outcome in self._outcomes(batch):
                if waiter is first:
                    own = outcome
                else:
                    waiter.settle(outcome)
        finally:
            # Whatever ended this: nobody may wait for an answer that does not come.
            for waiter in batch[1:]:
                if waiter.outcome is None:
                    waiter.settle(Outcome(error=RuntimeError("The model was not called.")))
        return own

    def _outcomes(self, batch: list[_Waiter]) -> Iterator[tuple[_Waiter, Outcome]]:
        due = []
        for waiter in batch:
            try:
                waiter.check()
            except Exception as error:  # noqa: BLE001  it is the waiter's, and raised there
                yield waiter, Outcome(error=error)
            else:
                due.append(waiter)
        merged = self._merged([waiter.call for waiter in due if waiter.call is not None])
        if merged is not None:
            yield from zip(due, merged, strict=True)
            return
        for waiter in due:
            if waiter.call is not None:
                yield waiter, outcome_of(waiter.call)

    def _merged(self, calls: list[Call]) -> list[Outcome] | None:
        """Call the model once for all; None where that cannot be, or where one of them makes it fail."""
        if len(calls) < 2:
            return None
        began = time.perf_counter()
        try:
            result = join(calls).run()
        except Exception:  # noqa: BLE001  each is then asked by itself, and the one at fault hears of it alone
            return None
        spent_s = time.perf_counter() - began
        parts = divide(result, [call.rows for call in calls])
        if parts is None:
            if len(self._indivisible) < MOST_REMEMBERED:
                self._indivisible.add(calls[0].key)
            return None
        return [Outcome(part, spent_s=spent_s) for part in parts]


def outcome_of(call: Call) -> Outcome:
    began = time.perf_counter()
    try:
        value = call.run()
    except Exception as error:  # noqa: BLE001  it is raised by whoever asked
        return Outcome(error=error)
    return Outcome(value, spent_s=time.perf_counter() - began)
