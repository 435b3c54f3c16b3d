"""Settings from the environment, refused when misspelt."""

from __future__ import annotations

import os
from pathlib import Path

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


class BadSetting(SystemExit):
    """Stop with one sentence: a setting has a value that cannot be used."""


def env_str(name: str, default: str = "") -> str:
    """Give the variable, or the content of the file that `NAME_FILE` points at (for secrets)."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    return os.environ.get(name, default)


def env_bool(name: str, default: bool) -> bool:
    text = os.environ.get(name, "").strip().lower()
    if not text:
        return default
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise BadSetting(f"{name}={text!r} is neither true nor false: use one of {', '.join(sorted(TRUE | FALSE))}.")


def env_int(name: str, default: int, *, least: int = 0) -> int:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdigit() or int(text) < least:
        raise BadSetting(f"{name}={text!r} is not a whole number from {least} up.")
    return int(text)


def env_list(name: str, default: tuple[str, ...] = ()) -> list[str]:
    text = os.environ.get(name, "")
    return [part.strip() for part in text.split(",") if part.strip()] or list(default)


def env_path(name: str, default: Path) -> Path:
    return Path(os.environ.get(name) or default).absolute()


def env_folders(name: str) -> dict[str, Path]:
    """Read `name=/path,other=/path`; names are words, paths are absolute."""
    found: dict[str, Path] = {}
    for part in env_list(name):
        word, sign, path = part.partition("=")
        if not (sign and word.replace("-", "_").isidentifier() and path.startswith("/")) or word in found:
            raise BadSetting(f"{name}: {part!r} is not name=/path, or the name stands twice.")
        found[word] = Path(path)
    return found
