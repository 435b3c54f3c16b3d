"""What all compute targets have in common."""

from __future__ import annotations

import re
import time
from typing import Any

from studio_sdk.client import part
from studio_sdk.errors import NotFound

from azureml._times import iso
from azureml.core.workspace import Workspace
from azureml.exceptions import ComputeTargetException, translated

NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,15}")
# `list` is a method below, so the type has another name there.
Texts = list[Any]
KINDS: dict[str, type[ComputeTarget]] = {}
POLL_S = 1.0
ENDED = {"Succeeded", "Failed", "Canceled"}


def checked_name(name: Any) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ComputeTargetException(
            f"“{name}” cannot be the name of a compute target: use 2–16 letters, digits and “-”, first a letter."
        )
    return name


class ComputeTarget:
    """A compute target by its name; gives the class of its kind. Raises ComputeTargetException when there is none."""

    _type = "ComputeTarget"
    _kind = ""

    def __new__(cls, workspace: Workspace, name: str, **_more: Any) -> ComputeTarget:
        row = find(workspace, name)
        if row is None:
            raise ComputeTargetException(
                f"ComputeTargetNotFound: Compute Target with name {name} not found in workspace {workspace.name}."
            )
        kind = KINDS.get(row["kind"], ComputeTarget)
        if cls is not ComputeTarget and kind is not cls:
            raise ComputeTargetException(f"“{name}” is of the kind {kind._type}, not {cls._type}.")
        made = object.__new__(kind)
        made._set(workspace, row)
        return made

    def _set(self, workspace: Workspace, row: dict[str, Any]) -> None:
        self.workspace, self._row = workspace, row
        self._is_deleted = False

    @classmethod
    def _of_row(cls, workspace: Workspace, row: dict[str, Any]) -> ComputeTarget:
        made = object.__new__(KINDS.get(row["kind"], ComputeTarget))
        made._set(workspace, row)
        return made

    # ---- Making and finding ----------------------------------------------------------------------

    @staticmethod
    def create(workspace: Workspace, name: str, provisioning_configuration: Any) -> ComputeTarget:
        """Make one as its configuration says; an AmlCompute of that name is given as it is."""
        checked_name(name)
        provisioning_configuration.validate_configuration()
        there = find(workspace, name)
        if there is not None:
            if provisioning_configuration._kind == "cluster" and there["kind"] == "cluster":
                return ComputeTarget._of_row(workspace, there)
            raise ComputeTargetException(f"The name “{name}” is in use in the workspace {workspace.name}.")
        with translated(ComputeTargetException):
            row = workspace._api.post("compute", {"name": name, **provisioning_configuration._asked()})
        return ComputeTarget._of_row(workspace, row)

    @staticmethod
    def list(workspace: Workspace) -> list[ComputeTarget]:
        with translated(ComputeTargetException):
            return [ComputeTarget._of_row(workspace, row) for row in workspace._api.get("compute")]

    @staticmethod
    def attach(workspace: Workspace, name: str, attach_configuration: Any) -> ComputeTarget:
        raise ComputeTargetException(
            "A studio does not attach computers by address. Any machine joins a cluster by the command on its page."
        )

    # ---- What it is ----------------------------------------------------------------------

    @property
    def name(self) -> str:
        return str(self._row["name"])

    @property
    def type(self) -> str:
        return self._type

    @property
    def provisioning_state(self) -> str:
        return str(self._row["provisioning_state"]).capitalize()

    @property
    def provisioning_errors(self) -> Texts | None:
        found = self._row.get("provisioning_errors")
        return list(found) if found else None

    @property
    def created_on(self) -> str | None:
        return iso(self._row.get("created_ms"))

    def refresh_state(self) -> None:
        row = find(self.workspace, self.name)
        self._is_deleted = row is None
        self._row = row or self._row

    def get_status(self) -> Any:
        self.refresh_state()
        return self.provisioning_state

    def serialize(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "computeType": self.type,
            "location": self.workspace.location,
            "provisioningState": self.provisioning_state,
            "provisioningErrors": self.provisioning_errors,
            "createdOn": self.created_on,
            "properties": {"vmSize": self._row.get("vm_size"), **(self._row.get("options") or {})},
        }

    # ---- Its life ----------------------------------------------------------------------

    def wait_for_completion(self, show_output: bool = False, is_delete_operation: bool = False) -> None:
        """Wait until it is made, or gone. Raises ComputeTargetException when it fails."""
        said = ""
        while True:
            self.refresh_state()
            state = self.provisioning_state
            if show_output:
                print("." if state == said else f"{state}", end="", flush=True)
            said = state
            if is_delete_operation and self._is_deleted:
                state = "Succeeded"
                break
            if not is_delete_operation and (state in ENDED or self._is_deleted):
                break
            time.sleep(POLL_S)
        act = "deletion" if is_delete_operation else "creation"
        if show_output:
            print(f'\n{self.type} {act} operation finished, operation "{state}"', flush=True)
        if state == "Failed":
            raise ComputeTargetException(f"The {act} of “{self.name}” failed: {self.provisioning_errors}")

    def delete(self) -> None:
        with translated(ComputeTargetException):
            self.workspace._api.delete(f"compute/{part(self.name)}")

    def detach(self) -> None:
        raise ComputeTargetException("A compute target of a studio is deleted, not detached.")

    def get_active_runs(self) -> Any:
        """Give the runs that are queued or run on it."""
        from azureml.core.run import Run

        with translated(ComputeTargetException):
            for state in ("live", "waiting"):
                for row in self.workspace._api.get("jobs", target=self.name, state=state):
                    yield Run.get(self.workspace, row["run_id"])

    def __repr__(self) -> str:
        return f"{self._type}(workspace={self.workspace.name!r}, name={self.name!r}, state={self.provisioning_state!r})"


def find(workspace: Workspace, name: str) -> dict[str, Any] | None:
    with translated(ComputeTargetException):
        try:
            row: dict[str, Any] = workspace._api.get(f"compute/{part(name)}")
        except NotFound:
            return None
    return row
