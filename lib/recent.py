"""What was asked a moment ago, remembered by this process: for answers that every request needs and few change."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")

MOST = 10_000


class Recent(Generic[Answer]):
    """Remember answers for some seconds; an error is no answer and is not remembered."""

    def __init__(self) -> None:
        self.known: dict[Hashable, tuple[float, Answer]] = {}

    def get(self, key: Hashable, ask: Callable[[], Answer], *, seconds: float) -> Answer:
        now = time.monotonic()
        found = self.known.get(key)
        if found is not None and now < found[0]:
            return found[1]
        answer = ask()
        if seconds > 0:
            if len(self.known) >= MOST:
                self.known.clear()
            self.known[key] = (now + seconds, answer)
        return answer

    def forget(self) -> None:
        self.known.clear()
