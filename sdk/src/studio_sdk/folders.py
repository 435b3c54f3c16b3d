"""Where the client keeps what it must remember: one folder of the user's, closed to others."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any


def config_folder() -> Path:
    """Give STUDIO_CONFIG_DIR, else the place that the system has for it."""
    if named := os.environ.get("STUDIO_CONFIG_DIR"):
        return Path(named)
    if os.name == "nt":
        return Path(os.environ.get("APPDATA", str(Path.home()))) / "studio"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "studio"


def read(name: str) -> dict[str, Any]:
    """Read a remembered file; nothing where there is none, or none that can be understood."""
    try:
        content = json.loads((config_folder() / name).read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write(name: str, content: dict[str, Any]) -> Path:
    """Write a file whole, mode 600: another process sees the old one or the new one."""
    folder = config_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=folder, prefix=f".{name}.")  # mkstemp makes it for the user alone
    with os.fdopen(handle, "w") as file:
        json.dump(content, file, indent=2)
    Path(draft).replace(folder / name)
    return folder / name
