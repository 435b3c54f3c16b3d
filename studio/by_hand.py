"""Lets a management command that is run by hand reach the servers of the home's studio.

The supervisor writes their addresses into `run/environment.json`, which its owner alone may read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from studio.supervisor.home import write_private

ROOT = Path(__file__).resolve().parents[1]
NAME = "run/environment.json"


def write_for_commands(home: Path, values: Mapping[str, str]) -> None:
    """Write down where the servers are."""
    write_private(home / NAME, json.dumps(dict(values), indent=2) + "\n")


def adopt_environment() -> None:
    """Set what the environment leaves out as the studio last started on this home has it."""
    home = Path(os.environ.get("STUDIO_HOME") or ROOT / "data")
    try:
        values = json.loads((home / NAME).read_text())
    except (OSError, ValueError):
        return  # no studio was started here yet; the settings' own defaults hold
    for name, value in values.items():
        os.environ.setdefault(name, value)
