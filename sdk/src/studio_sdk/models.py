"""Registered models and their versions, as both of the studio's APIs give them."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from studio_sdk.client import Client, part
from studio_sdk.files import CHUNK_BYTES, below


@dataclass(frozen=True)
class Models:
    """`workspace` asks below a workspace's own address."""

    workspace: Client

    @property
    def mlflow(self) -> Client:
        return self.workspace.below(f"{self.workspace.prefix}/api/2.0/mlflow")

    @property
    def api(self) -> Client:
        return self.workspace.below(f"{self.workspace.prefix}/api/v1")

    def versions(self, filter: str = "") -> Iterator[dict[str, Any]]:
        """Give versions in MLflow's shape, the newest first."""
        token = ""
        while True:
            asked = {"filter": filter, "max_results": 1000, "page_token": token}
            page = self.mlflow.get("model-versions/search", **{key: value for key, value in asked.items() if value})
            yield from page.get("model_versions", [])
            token = page.get("next_page_token", "")
            if not token:
                return

    def version(self, name: str, number: int | str) -> dict[str, Any]:
        found: dict[str, Any] = self.mlflow.get("model-versions/get", name=name, version=str(number))["model_version"]
        return found

    def register_from_run(self, name: str, run_id: str, path: str, description: str) -> int:
        asked = {"run_id": run_id, "path": path, "description": description}
        return int(self.api.post(f"models/{part(name)}/versions", asked)["version"])

    def register_local(self, name: str, path: Path, description: str, experiment_id: str = "0") -> int:
        """Upload a file or folder as a logged model, and register it. A model that is not whole is never registered."""
        made = self.mlflow.post("logged-models", {"experiment_id": experiment_id, "name": safe_name(name)})
        info = made["model"]["info"]
        root = urlsplit(info["artifact_uri"]).path.strip("/")
        files = below(path) if path.is_dir() else [(path.name, path)]
        for inner, file in files:
            with file.open("rb") as body:
                self.workspace.put_file(f"api/2.0/mlflow-artifacts/artifacts/{quote(root)}/{quote(inner)}", body)
        self.mlflow.patch(
            f"logged-models/{info['model_id']}", {"model_id": info["model_id"], "status": "LOGGED_MODEL_READY"}
        )
        self.ensure(name)
        asked = {
            "name": name,
            "source": f"models:/{info['model_id']}",
            "model_id": info["model_id"],
            "description": description,
        }
        return int(self.mlflow.post("model-versions/create", asked)["model_version"]["version"])

    def ensure(self, name: str) -> None:
        from studio_sdk.errors import AlreadyExists

        try:
            self.mlflow.post("registered-models/create", {"name": name})
        except AlreadyExists:
            return

    def set_tag(self, name: str, number: int, key: str, value: str) -> None:
        asked = {"name": name, "version": str(number), "key": key, "value": value}
        self.mlflow.post("model-versions/set-tag", asked, is_safe=True)

    def delete_tag(self, name: str, number: int, key: str) -> None:
        self.mlflow.delete("model-versions/delete-tag", {"name": name, "version": str(number), "key": key})

    def describe(self, name: str, number: int, description: str) -> None:
        self.mlflow.patch("model-versions/update", {"name": name, "version": str(number), "description": description})

    def delete(self, name: str, number: int) -> None:
        """Delete a version, and its model with the last of them."""
        self.api.delete(f"models/{part(name)}/versions/{number}")
        if not any(True for _row in self.versions(f"name = '{name}'")):
            self.api.delete(f"models/{part(name)}")

    def files(self, name: str, number: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.api.get(f"models/{part(name)}/versions/{number}/files")["files"]
        return rows

    def download(self, name: str, number: int, folder: Path, *, replace: bool = False) -> Path:
        """Download a version below `folder`; give its one file, or the folder of its files.

        Raises FileExistsError, which names it, for what is there unless `replace`.
        """
        rows = self.files(name, number)
        alone = len(rows) == 1 and "/" not in rows[0]["path"]
        target = folder / (rows[0]["path"] if alone else name)
        if target.exists() and not replace:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder, prefix=f".{name}."))
        try:
            for row in rows:
                self.fetch(name, number, row["path"], draft / row["path"])
            put_in_place(draft / rows[0]["path"] if alone else draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return target

    def fetch(self, name: str, number: int, path: str, to: Path) -> None:
        to.parent.mkdir(parents=True, exist_ok=True)
        address = f"api/v1/models/{part(name)}/versions/{number}/files/{quote(path)}"
        with self.workspace.stream(address) as response, to.open("wb") as target:
            for chunk in response.iter_content(CHUNK_BYTES):
                target.write(chunk)


def put_in_place(source: Path, target: Path) -> None:
    """Move what was downloaded to where it is wanted, in place of what was there."""
    old = target.with_name(f".{target.name}.{time.time_ns()}")
    if target.exists():
        target.rename(old)
    source.chmod(0o755 if source.is_dir() else 0o644)
    source.rename(target)
    if old.is_dir():
        shutil.rmtree(old)
    else:
        old.unlink(missing_ok=True)


def safe_name(name: str) -> str:
    """Write a model's name as a logged model may have it."""
    return "".join("_" if letter in "/:.%\"'" else letter for letter in name)
