"""config.json: which workspace a folder's scripts mean. It holds no secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio_sdk.errors import NotConfigured

FOLDERS = (".azureml", "aml_config", "")
NAMES = ("config.json", "project.json")
KEYS = ("subscription_id", "resource_group", "workspace_name")


@dataclass(frozen=True)
class Config:
    subscription_id: str
    resource_group: str
    workspace_name: str
    studio_url: str = ""
    path: str = ""


def find(path: str | None = None, name: str | None = None) -> Config:
    """Read the file at `path`, or look from that folder (the current one) upwards.

    The whole way up is walked for each place in turn, as the original does: `.azureml` far above beats a plain file
    beside the script. Raises NotConfigured when there is none, or it lacks a key.
    """
    start = Path(path or ".").expanduser()
    if start.is_file():
        return read(start)
    if path and not start.exists():
        raise NotConfigured(f"There is no file or folder “{path}”.")
    for candidate in candidates(start.resolve(), (name,) if name else NAMES):
        if candidate.is_file():
            return read(candidate)
    raise NotConfigured(
        f"No config.json in {start.resolve()} or any folder above it, nor in .azureml or aml_config there. "
        "The studio's workspace menu offers the file (“Download config”)."
    )


def candidates(start: Path, names: tuple[str, ...]) -> Iterator[Path]:
    for folder in FOLDERS:
        for name in names:
            for above in (start, *start.parents):
                yield above / folder / name


def read(file: Path) -> Config:
    try:
        content: Any = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise NotConfigured(f"{file} cannot be read as JSON: {error}") from None
    missing = [key for key in KEYS if not isinstance(content, dict) or not content.get(key)]
    if missing:
        raise NotConfigured(f"{file} lacks {', '.join(missing)}.")
    values = {key: str(content[key]) for key in KEYS}
    return Config(**values, studio_url=str(content.get("studio_url") or "").rstrip("/"), path=str(file))


def write(folder: Path, config: Config, name: str = "config.json") -> Path:
    """Write `<folder>/.azureml/<name>`."""
    file = folder / ".azureml" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {key: getattr(config, key) for key in (*KEYS, "studio_url")}
    file.write_text(json.dumps(content, indent=2) + "\n")
    return file
