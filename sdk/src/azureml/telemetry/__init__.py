"""A studio sends nothing home: the switch of the original is kept, and does nothing."""

from __future__ import annotations

from typing import Any

SAID = {
    True: "A studio collects no diagnostics: there is nothing to turn on.",
    False: "Turning diagnostics collection off: a studio collects none.",
}


def set_diagnostics_collection(
    send_diagnostics: bool = True, verbosity: int = 20, reason: str = "", **_more: Any
) -> None:
    """Print that nothing is collected, whatever was asked."""
    print(SAID[bool(send_diagnostics)])
