"""Runs: one execution, with what it logged and left."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio_sdk import files
from studio_sdk.client import part
from studio_sdk.tracking import Tracking, named

from azureml._runs import values
from azureml._runs.holding import SNAPSHOT, FilesOfRun
from azureml._runs.metrics import RunMetrics
from azureml._runs.offline import OfflineRun
from azureml._runs.tags import RunTags
from azureml._times import iso, now_ms
from azureml.core.experiment import Experiment
from azureml.core.workspace import Workspace
from azureml.data import _inputs
from azureml.exceptions import (
    ModelPathNotFoundException,
    RunEnvironmentException,
    UserErrorException,
    translated,
)

if TYPE_CHECKING:
    from typing_extensions import Self

STATUS = {
    "RUNNING": "Running",
    "FINISHED": "Completed",
    "FAILED": "Failed",
    "KILLED": "Canceled",
    "SCHEDULED": "Queued",
}
FINAL = {"Completed", "Failed", "Canceled"}
Runs = list["Run"]  # `list` is a method below
TYPE, ERROR = "azureml.type", "azureml.error"
SWEEP, HYPERDRIVE = "studio.sweep", "hyperdrive"
PARENT, NAME, NOTE = "mlflow.parentRunId", "mlflow.runName", "mlflow.note.content"


class Run(FilesOfRun, RunMetrics, RunTags):
    """A run of an experiment. Raises ServiceException when there is none with this id."""

    def __init__(self, experiment: Experiment, run_id: str, outputs: Any = None, **_more: Any) -> None:
        self.experiment = experiment
        self._set(experiment.workspace, run_id)
        self._load()

    def _set(self, workspace: Workspace, run_id: str) -> None:
        self._workspace, self._id = workspace, run_id
        self._tracking = Tracking(workspace._mlflow)
        self._row: dict[str, Any] = {}
        self._series: values.Series | None = None
        self._is_own = False
        self._upload_at_end = ""

    @classmethod
    def _of_row(cls, experiment: Experiment, row: dict[str, Any]) -> Self:
        made: Self = object.__new__(kind_of(cls, row))
        made.experiment = experiment
        made._set(experiment.workspace, row["info"]["run_id"])
        made._row = row
        return made

    @classmethod
    def _create(cls, experiment: Experiment, display_name: str | None = None, parent: str = "") -> Run:
        tags = {"mlflow.user": user_name(), "mlflow.source.type": "LOCAL"}
        if parent:
            tags[PARENT] = parent
        with translated():
            row = Tracking(experiment.workspace._mlflow).create_run(experiment.id, now_ms(), display_name or "", tags)
        made = cls._of_row(experiment, row)
        made._is_own, made._series = True, values.Series()
        return made

    @classmethod
    def _search(cls, experiment: Experiment, filter: str = "") -> Iterator[Run]:
        with translated():
            for row in Tracking(experiment.workspace._mlflow).search([experiment.id], filter):
                yield cls._of_row(experiment, row)

    # ---- Finding one ----------------------------------------------------------------------

    @staticmethod
    def get(workspace: Workspace, run_id: str) -> Run:
        """Give a run of the workspace by its id."""
        with translated():
            row = Tracking(workspace._mlflow).run(run_id)
            found = workspace._mlflow.get("experiments/get", experiment_id=row["info"]["experiment_id"])
        return Run._of_row(Experiment._of_row(workspace, found["experiment"]), row)

    @staticmethod
    def list(experiment: Experiment, type: str | None = None, tags: Any = None, **more: Any) -> Iterator[Run]:
        return experiment.get_runs(type=type, tags=tags, **more)

    @staticmethod
    def get_context(allow_offline: bool = True, **_more: Any) -> Any:
        """Give the submitted run inside a job; outside, a stand-in that prints what it would log.

        Raises RunEnvironmentException outside a job with `allow_offline=False`.
        """
        run_id = os.environ.get("AZUREML_RUN_ID") or os.environ.get("MLFLOW_RUN_ID")
        name = os.environ.get("AZUREML_ARM_WORKSPACE_NAME")
        if run_id and name:
            subscription = os.environ.get("AZUREML_ARM_SUBSCRIPTION")
            group = os.environ.get("AZUREML_ARM_RESOURCEGROUP")
            # A job's token opens its run, and does not reach what describes the workspace.
            run = Run.get(Workspace(subscription, group, name, _disable_service_check=True), run_id)
            run._is_inside = True
            return run
        if not allow_offline:
            raise RunEnvironmentException(
                "This script does not run inside a job of the studio: there is no run to give."
            )
        return OfflineRun()

    _is_inside = False

    # ---- What it is ----------------------------------------------------------------------

    def _load(self) -> dict[str, Any]:
        with translated():
            self._row = self._tracking.run(self._id)
        return self._row

    @property
    def _info(self) -> dict[str, Any]:
        info: dict[str, Any] = (self._row or self._load())["info"]
        return info

    @property
    def _tags(self) -> dict[str, str]:
        return named((self._row or self._load())["data"].get("tags", []))

    @property
    def id(self) -> str:
        return self._id

    @property
    def number(self) -> int:
        return int(self._info.get("start_time", 0))

    @property
    def type(self) -> str | None:
        return HYPERDRIVE if SWEEP in self._tags else self._tags.get(TYPE)

    @property
    def display_name(self) -> str:
        return self._tags.get(NAME) or str(self._info.get("run_name", ""))

    @display_name.setter
    def display_name(self, name: str) -> None:
        with translated():
            self._tracking.update(self._id, run_name=name)
        self._row = {}

    @property
    def description(self) -> str:
        return self._tags.get(NOTE, "")

    @description.setter
    def description(self, text: str) -> None:
        self._log(tags={NOTE: text})

    @property
    def parent(self) -> Run | None:
        parent = self._tags.get(PARENT)
        return Run.get(self._workspace, parent) if parent else None

    @property
    def status(self) -> str:
        return self.get_status()

    def get_status(self) -> str:
        """Give the state, in SDK v1's words: Running, Completed, Failed, Canceled, Queued, Preparing, …"""
        job = self._job()
        return str(job["state"]) if job else STATUS.get(self._load()["info"]["status"], "Running")

    def _job(self) -> dict[str, Any] | None:
        """Give the job behind a submitted run; nothing for one of a script's own."""
        from azureml._jobs.reading import job

        return job(self._workspace, self._id) if self._is_submitted and not self._is_inside else None

    @property
    def _is_submitted(self) -> bool:
        return (self.type or "").endswith(("scriptrun", "commandjob"))

    def get_details(self) -> dict[str, Any]:
        """Describe the run: runId, target, status, times, properties, runDefinition, logFiles and more."""
        self._load()
        job = self._job()
        details: dict[str, Any] = {
            "runId": self._id,
            "target": job["target"] if job else self._tags.get("azureml.target", "sdk"),
            "status": self.get_status(),
            "startTimeUtc": iso(self._info.get("start_time")),
            "properties": self.properties,
            "inputDatasets": _inputs.details(self._row),
            "outputDatasets": [],
            "logFiles": {},
            "submittedBy": self._tags.get("mlflow.user", ""),
        }
        if self._info.get("end_time"):
            details["endTimeUtc"] = iso(int(self._info["end_time"]))
        if self._tags.get(ERROR):
            details["error"] = {"error": {"code": "UserError", "message": self._tags[ERROR]}}
        if job:
            from azureml._jobs.reading import details_of

            details.update(details_of(self._workspace, job))
        return details

    @property
    def input_datasets(self) -> dict[str, Any]:
        """The datasets that the run was given; inside the run, folders for those that were mounted or downloaded."""
        return _inputs.of_run(self)

    def get_detailed_status(self) -> dict[str, Any]:
        details = self.get_details()
        return {key: details.get(key) for key in ("status", "error", "warnings")}

    def get_details_with_logs(self) -> dict[str, Any]:
        details = self.get_details()
        details["logFiles"] = {name: self._files.text(name) for name in details["logFiles"]}
        return details

    def get_portal_url(self) -> str:
        return f"{self._workspace.get_portal_url()}runs/{part(self._id)}/"

    # ---- Its life ----------------------------------------------------------------------

    def complete(self, _set_status: bool = True) -> None:
        self._end("FINISHED")

    def fail(self, error_details: Any = None, error_code: str | None = None, _set_status: bool = True) -> None:
        if error_details is not None:
            self._log(tags={ERROR: str(error_details)[:5000]})
        self._end("FAILED")

    def cancel(self) -> None:
        if self._is_submitted and not self._is_inside:
            from azureml._jobs.reading import cancel

            cancel(self._workspace, self._id)
            return
        self._end("KILLED")

    def _end(self, status: str) -> None:
        """End the run. A submitted one is ended by the compute that runs it, never from inside."""
        if self._is_inside or self._is_submitted:
            raise RunEnvironmentException("A submitted run is ended by the compute that runs it, when its script ends.")
        if self._upload_at_end and Path(self._upload_at_end).is_dir():
            self.upload_folder(self._upload_at_end, self._upload_at_end)
        with translated():
            self._tracking.update(self._id, status=status, end_time=now_ms())
        self._row = {}

    def start(self) -> None:
        with translated():
            self._tracking.update(self._id, status="RUNNING")
        self._row = {}

    def flush(self, timeout_seconds: int = 300) -> None:
        """Nothing waits to be sent: each call sends what it logs."""

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: Any, error: Any, _trace: Any) -> None:
        if kind is None:
            self.complete()
        else:
            self.fail(error_details=f"{kind.__name__}: {error}")

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> dict[str, Any]:
        """Wait for the end and give `get_details()`.

        Raises ActivityFailedException when the run failed, unless `raise_on_error` is False. Ctrl-C stops the waiting,
        not the run.
        """
        from azureml._jobs.waiting import wait

        return wait(self, show_output=show_output, raise_on_error=raise_on_error)

    # ---- Children ----------------------------------------------------------------------

    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: str | None = None) -> Run:
        child = Run._create(self.experiment, display_name=name, parent=self._id)
        child._upload_at_end = outputs or ""
        return child

    def create_children(
        self, count: int | None = None, tag_key: str | None = None, tag_values: Iterable[Any] | None = None
    ) -> Runs:
        """Make several children: so many, or one for each value of a tag."""
        if (count is None) == (tag_key is None or tag_values is None):
            raise UserErrorException("create_children takes a count, or a tag_key with tag_values.")
        if count is not None:
            return [self.child_run() for _number in range(count)]
        children = []
        for value in tag_values or ():
            children.append(self.child_run())
            children[-1].tag(str(tag_key), value)
        return children

    def get_children(
        self, recursive: bool = False, tags: Any = None, properties: Any = None, type: str | None = None,
        status: str | None = None, **_more: Any,
    ) -> Iterator[Run]:  # fmt: skip
        """Give the runs below this one, the newest first; `recursive` those below them too."""
        for child in Run._search(self.experiment, f"tags.`{PARENT}` = '{self._id}'"):
            wanted = matches(child.tags, tags) and matches(child.properties, properties)
            if wanted and type in (None, child.type) and status in (None, STATUS.get(child._info["status"])):
                yield child
            if recursive:
                yield from child.get_children(True, tags, properties, type, status)

    def submit_child(self, config: Any, tags: dict[str, str] | None = None, **more: Any) -> Any:
        from azureml._jobs.submission import submit

        return submit(self.experiment, config, tags={**(tags or {}), PARENT: self._id}, **more)

    # ---- Models ----------------------------------------------------------------------

    def register_model(
        self,
        model_name: str,
        model_path: str | None = None,
        tags: dict[str, str] | None = None,
        properties: dict[str, str] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        description: str | None = None,
        datasets: Any = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
        **_more: Any,
    ) -> Any:
        """Register a file or folder of the run as the next version of a model.

        Raises ModelPathNotFoundException, with the files that there are, when nothing is at the path.
        """
        from azureml.core.model import Details, Model, checked_name

        name = checked_name(model_name)
        path = files.checked(str(model_path or model_name)).removeprefix("./")
        there = self.get_file_names()
        if not any(one == path or one.startswith(f"{path}/") for one in there):
            raise ModelPathNotFoundException(nothing_at(path, there))
        details = Details.of(
            tags=tags, properties=properties, framework=model_framework, framework_version=model_framework_version,
            resources=resource_configuration, run_id=self._id,
        )  # fmt: skip
        return Model._register_from_run(self, name, path, description or "", details)

    def _keep_snapshot(self, digest: str) -> None:
        self._log(tags={SNAPSHOT: digest})

    def get_environment(self) -> Any:
        """Give the environment of a submitted run. Raises UserErrorException for a run that has none of its own."""
        from azureml.core.environment import Environment

        job = self._job()
        if not job or not job.get("environment_name"):
            raise UserErrorException("The run has no environment with a name.")
        name, _at, version = str(job["environment_name"]).partition("@")
        return Environment.get(self._workspace, name, version or None)

    # ---- Its looks ----------------------------------------------------------------------

    def _repr_html_(self) -> str:
        return f'<a href="{self.get_portal_url()}" target="_blank" rel="noopener">{self.display_name or self._id}</a>'

    def __repr__(self) -> str:
        return f"Run(Experiment: {self.experiment.name},\nId: {self._id},\nType: {self.type},\nStatus: {self.status})"


def get_run(experiment: Experiment, run_id: str, **_more: Any) -> Run:
    return Run.get(experiment.workspace, run_id)


def kind_of(cls: type[Any], row: dict[str, Any]) -> type[Any]:
    """Give the class of a run: a sweep has one of its own."""
    if cls is not Run or SWEEP not in named(row["data"].get("tags", [])):
        return cls
    from azureml.train.hyperdrive.run import HyperDriveRun

    return HyperDriveRun


def nothing_at(path: str, there: list[str]) -> str:
    """Say what to do when a model's path is not among the run's files."""
    import difflib

    if not there:
        return (
            f"There is nothing at “{path}”: the run has no files. A job keeps what its script writes below ./outputs."
        )
    near = difflib.get_close_matches(path, there, 1, 0.3) or [one for one in there if one.endswith(Path(path).name)][:1]
    hint = f" Did you mean “{near[0]}”?" if near else ""
    shown = ", ".join(there[:20]) + (f" and {len(there) - 20} more" if len(there) > 20 else "")
    return (
        f"There is nothing at “{path}” among the run's files: {shown}.{hint} A job keeps what its script writes below "
        "./outputs; what it writes elsewhere is listed on the run's page and not kept."
    )


def matches(found: dict[str, str], wanted: Any) -> bool:
    """Say whether tags or properties have a name, or names with values."""
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return wanted in found
    return all(found.get(key) == str(value) for key, value in wanted.items())


def user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return "unknown"
