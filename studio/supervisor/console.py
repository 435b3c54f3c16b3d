"""What the owner sees: a line for each part, and at the end what to do next."""

from __future__ import annotations

import sys
import time

from studio.supervisor.keeper import State


class Console:
    """Writes to standard output, whole lines at once."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.began

    def say(self, words: str = "") -> None:
        """Print a line."""
        try:
            print(words, flush=True)
        except (BrokenPipeError, ValueError):
            sys.stdout = None  # whoever read it has gone; the studio runs on

    def part(self, name: str, before: State, now: State) -> None:
        """Print what became of a part, unless it is what is expected."""
        if now.state == "ready":
            self.say(f"  {name:<10} ready " + ("again" if now.restarts else f"{self.elapsed_s:5.1f} s"))
        elif now.state == "backoff":
            self.say(f"  {name:<10} died, is started again{reason(now)}")
        elif now.state == "failed" and before.state != "failed":
            self.say(f"  {name:<10} FAILED: died five times in a minute, is tried every 30 s{reason(now)}")


def reason(state: State) -> str:
    """Return the last words of a part as the end of a sentence."""
    return f": {state.reason}" if state.reason else ""
