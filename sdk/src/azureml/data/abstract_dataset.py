"""What both kinds of datasets have in common."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import TYPE_CHECKING, Any

from studio_sdk.data import Datasets, Named
from studio_sdk.errors import AlreadyExists, NotFound

from azureml.data._sources import Placed, Source, Version
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.exceptions import UserErrorException, translated

if TYPE_CHECKING:
    from typing_extensions import Self

UNREGISTERED = "unregistered-"


class AbstractDataset:
    """Files of a source; registered, a name and a version of a workspace.

    An instance never changes but by being registered; what narrows or selects gives another one.
    """

    _kind = ""

    def __init__(self, source: Source, row: dict[str, Any] | None = None, workspace: Any = None) -> None:
        self._source, self._row, self._workspace = source, row, workspace

    @classmethod
    def _of_row(cls, workspace: Any, row: dict[str, Any]) -> Self:
        source = Version(workspace, row["name"], int(row["version"]), row["datastore"], tuple(row["paths"]))
        return cls(source, row, workspace)

    def _files(self) -> list[Named]:
        return self._source.files()

    def _options(self) -> dict[str, Any]:
        """Say how the files are read, as the studio's API takes it."""
        return {}

    def _other(self, **changes: Any) -> Self:
        """Give a dataset like this one with changes, which is not registered."""
        made = copy.copy(self)
        made._row = None
        made.__dict__.update(changes)
        return made

    # ---- What it is ----------------------------------------------------------------------

    def _of(self, field: str) -> Any:
        return self._row.get(field) if self._row else None

    @property
    def name(self) -> str | None:
        """The name that it is registered by; None without."""
        return None if self._row is None else str(self._row["name"])

    @property
    def version(self) -> int | None:
        return None if self._row is None else int(self._row["version"])

    @property
    def id(self) -> str | None:
        """Its name and version, `iris@2`; None while it is not registered."""
        return f"{self.name}@{self.version}" if self._row else None

    @property
    def description(self) -> str | None:
        return None if self._row is None else str(self._row["description"])

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._of("tags") or {})

    # ---- Registering ----------------------------------------------------------------------

    def register(
        self,
        workspace: Any,
        name: str,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        create_new_version: bool = False,
    ) -> Self:
        """Give it a name in the workspace; with `create_new_version` a name that is taken gets another version.

        The same content registered again is the same version. Raises UserErrorException for a name that is taken.
        """
        placed = self._source.placed(workspace)
        rows = Datasets(workspace._api)
        asked: dict[str, Any] = {
            "kind": self._kind, "datastore": placed.datastore, "paths": list(placed.paths),
            "options": self._options(), "description": description or "", "tags": self._kept_tags(tags),
        }  # fmt: skip
        with translated(UserErrorException):
            newest = latest(rows, name)
            if newest is not None and self._is_same(rows, newest, placed):
                return type(self)._of_row(workspace, newest)
            try:
                row = rows.create(name, asked, adds_version=create_new_version)
            except AlreadyExists:
                raise UserErrorException(
                    f"There is a dataset “{name}” already, of other content: pass create_new_version=True."
                ) from None
            if newest is not None and asked["tags"]:
                rows.change(name, tags={**row["tags"], **asked["tags"]})
                row["tags"] = {**row["tags"], **asked["tags"]}
        return type(self)._of_row(workspace, row)

    def _kept_tags(self, tags: dict[str, str] | None) -> dict[str, str]:
        return {str(key): str(value) for key, value in (tags or {}).items()}

    def _is_same(self, rows: Datasets, row: dict[str, Any], placed: Placed) -> bool:
        """Say whether a version has the same files, by path and size, and is read in the same way."""
        if (row["kind"], row["datastore"]) != (self._kind, placed.datastore):
            return False
        if any(row["options"].get(key) != value for key, value in self._options().items()):
            return False
        return rows.files(row["name"], row["version"]) == placed.files()

    def _known(self, workspace: Any) -> Self:
        """Give it as a version that a job can be given: under a name made of its content, if it has none."""
        if self._row is not None:
            return self
        placed = self._source.placed(workspace)
        words = json.dumps([self._kind, placed.datastore, placed.paths, self._options()])
        name = f"{UNREGISTERED}{hashlib.sha256(words.encode()).hexdigest()[:12]}"
        return self._other(_source=placed).register(workspace, name, create_new_version=True)

    def unregister_all_versions(self) -> None:
        """Delete the name with all its versions; the files stay in their datastore."""
        with translated(UserErrorException):
            Datasets(self._registered_in()._api).delete(str(self.name))
        self._row = None

    def _registered_in(self) -> Any:
        if self._row is None:
            raise UserErrorException("The dataset is not registered.")
        return self._workspace

    def add_tags(self, tags: dict[str, str]) -> Self:
        return self._retagged({**self.tags, **{str(key): str(value) for key, value in tags.items()}})

    def remove_tags(self, tags: list[str]) -> Self:
        return self._retagged({key: value for key, value in self.tags.items() if key not in tags})

    def _retagged(self, tags: dict[str, str]) -> Self:
        workspace = self._registered_in()
        with translated(UserErrorException):
            Datasets(workspace._api).change(str(self.name), tags=tags)
        return type(self)._of_row(workspace, {**(self._row or {}), "tags": tags})

    def update(self, description: str | None = None, tags: dict[str, str] | None = None) -> Self:
        """Describe it anew, or add tags."""
        workspace = self._registered_in()
        if description is not None:
            with translated(UserErrorException):
                Datasets(workspace._api).change(str(self.name), description=description)
        said = self.description if description is None else description
        found = type(self)._of_row(workspace, {**(self._row or {}), "description": said})
        return found.add_tags(tags) if tags else found

    # ---- In runs ----------------------------------------------------------------------

    def as_named_input(self, name: str) -> DatasetConsumptionConfig:
        """Give it a name in a run: `run.input_datasets[name]`; the script gets its id as the argument."""
        return DatasetConsumptionConfig(name, self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id or 'not registered'})"


def latest(rows: Datasets, name: str) -> dict[str, Any] | None:
    try:
        return rows.version(name)
    except NotFound:
        return None
