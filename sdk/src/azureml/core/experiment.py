"""Experiments: names under which runs are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from studio_sdk.errors import AlreadyExists, NotFound

from azureml.core.workspace import Workspace
from azureml.exceptions import ExperimentExecutionException, UserErrorException, translated

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")


class Experiment:
    """An experiment of a workspace, created when it is not there.

    Raises UserErrorException for a name that is not 1-255 letters, digits, "-" and "_", first a letter or digit.
    """

    def __init__(self, workspace: Workspace, name: str, _create_in_cloud: bool = True, **_more: Any) -> None:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise UserErrorException(
                f"“{name}” cannot be the name of an experiment: use 1–255 letters, digits, “-” and “_”, first a letter "
                "or digit."
            )
        self.workspace, self.name = workspace, name
        self._id = ""
        if _create_in_cloud:
            self._id = self._find_or_create()

    @classmethod
    def _of_row(cls, workspace: Workspace, row: dict[str, Any]) -> Experiment:
        """Take one that is there, whatever its name: MLflow's clients may choose others."""
        made = cls.__new__(cls)
        made.workspace, made.name, made._id = workspace, row["name"], str(row["experiment_id"])
        return made

    def _find_or_create(self) -> str:
        with translated(ExperimentExecutionException):
            found = self._find()
            if found is None:
                try:
                    return str(self.workspace._mlflow.post("experiments/create", {"name": self.name})["experiment_id"])
                except AlreadyExists:  # another process was quicker
                    found = self._find()
            assert found is not None
        if found.get("lifecycle_stage") == "deleted":
            raise ExperimentExecutionException(
                f"The experiment “{self.name}” is in the trash. Restore it there, or choose another name."
            )
        return str(found["experiment_id"])

    def _find(self) -> dict[str, Any] | None:
        try:
            row: dict[str, Any] = self.workspace._mlflow.get("experiments/get-by-name", experiment_name=self.name)[
                "experiment"
            ]
        except NotFound:
            return None
        return row

    @property
    def id(self) -> str:
        if not self._id:
            self._id = self._find_or_create()
        return self._id

    # ---- Runs ----------------------------------------------------------------------

    def start_logging(
        self,
        *_positional: Any,
        outputs: str | None = None,
        snapshot_directory: str | None = ".",
        display_name: str | None = None,
        **_more: Any,
    ) -> Any:
        """Start a run of this process, which the script itself completes; usable in a `with`."""
        from azureml.core.run import Run

        started = Run._create(self, display_name=display_name)
        if outputs:
            started._upload_at_end = outputs
        return started

    def get_runs(
        self,
        type: str | None = None,
        tags: Any = None,
        properties: Any = None,
        include_children: bool = False,
        **_more: Any,
    ) -> Iterator[Any]:
        """Give the experiment's runs, the newest first; `tags` and `properties` are a name, or names with values."""
        from azureml.core.run import Run, matches

        for run in Run._search(self):
            if not include_children and run._tags.get("mlflow.parentRunId"):
                continue
            if matches(run.tags, tags) and matches(run.properties, properties) and type in (None, run.type):
                yield run

    def submit(self, config: Any, tags: dict[str, str] | None = None, **keywords: Any) -> Any:
        """Submit what `config` describes and give its run at once."""
        from azureml._jobs.submission import submit

        return submit(self, config, tags=tags, **keywords)

    # ---- The experiment itself ----------------------------------------------------------------------

    @staticmethod
    def list(
        workspace: Workspace, experiment_name: str | None = None, view_type: str = "ActiveOnly", tags: Any = None
    ) -> list[Experiment]:
        views = {"ActiveOnly": "ACTIVE_ONLY", "ArchivedOnly": "DELETED_ONLY", "All": "ALL"}
        if view_type not in views:
            raise UserErrorException(f"view_type is one of {', '.join(views)}, not “{view_type}”.")
        found: list[Experiment] = []
        token = ""
        with translated(ExperimentExecutionException):
            while True:
                asked = {"max_results": 1000, "view_type": views[view_type], "page_token": token}
                page = workspace._mlflow.post("experiments/search", asked, is_safe=True)
                found += [Experiment._of_row(workspace, row) for row in page.get("experiments", [])]
                token = page.get("next_page_token", "")
                if not token:
                    break
        return [one for one in found if experiment_name in (None, one.name)]

    def archive(self) -> None:
        """Move it, with its runs, to the trash; `reactivate` brings it back."""
        with translated(ExperimentExecutionException):
            self.workspace._mlflow.post("experiments/delete", {"experiment_id": self.id})

    def reactivate(self, new_name: str | None = None) -> None:
        with translated(ExperimentExecutionException):
            self.workspace._mlflow.post("experiments/restore", {"experiment_id": self.id}, is_safe=True)
            if new_name:
                asked = {"experiment_id": self.id, "new_name": new_name}
                self.workspace._mlflow.post("experiments/update", asked, is_safe=True)
                self.name = new_name

    @staticmethod
    def delete(workspace: Workspace, experiment_id: str) -> None:
        with translated(ExperimentExecutionException):
            workspace._mlflow.post("experiments/delete", {"experiment_id": experiment_id})

    def tag(self, key: str, value: Any = None) -> None:
        with translated(ExperimentExecutionException):
            asked = {"experiment_id": self.id, "key": key, "value": "" if value is None else str(value)}
            self.workspace._mlflow.post("experiments/set-experiment-tag", asked, is_safe=True)

    @property
    def tags(self) -> dict[str, str]:
        with translated(ExperimentExecutionException):
            row = self.workspace._mlflow.get("experiments/get", experiment_id=self.id)["experiment"]
        return {tag["key"]: tag.get("value", "") for tag in row.get("tags", [])}

    def get_docs_url(self) -> str:
        return self.get_portal_url()

    def get_portal_url(self) -> str:
        return f"{self.workspace.get_portal_url()}experiments/{quote(self.id)}/"

    def _repr_html_(self) -> str:
        return f'<a href="{self.get_portal_url()}" target="_blank" rel="noopener">{self.name}</a>'

    def __repr__(self) -> str:
        return f"Experiment(Name: {self.name}, Workspace: {self.workspace.name})"
