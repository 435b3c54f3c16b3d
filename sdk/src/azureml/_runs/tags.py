"""Tags, which change, and properties, which do not."""

from __future__ import annotations

from typing import Any

from azureml._runs.whole import PartOfRun
from azureml.exceptions import UserErrorException, translated

PROPERTY = "azureml.property."
OWN = ("mlflow.", "azureml.")


class RunTags(PartOfRun):
    """The part of a run that is labelled."""

    @property
    def tags(self) -> dict[str, str]:
        return {key: value for key, value in self._tags.items() if not key.startswith(OWN)}

    def get_tags(self) -> dict[str, str]:
        self._load()
        return self.tags

    def tag(self, key: str, value: Any = None) -> None:
        self._log(tags={str(key): "" if value is None else str(value)})

    def set_tags(self, tags: dict[str, Any]) -> None:
        self._log(tags={str(key): str(value) for key, value in tags.items()})

    def remove_tags(self, tags: Any) -> dict[str, str]:
        """Remove tags; gives those that are left."""
        with translated():
            for key in [tags] if isinstance(tags, str) else tags:
                self._tracking.delete_tag(self._id, key)
        return self.get_tags()

    @property
    def properties(self) -> dict[str, str]:
        start = len(PROPERTY)
        return {key[start:]: value for key, value in self._tags.items() if key.startswith(PROPERTY)}

    def get_properties(self) -> dict[str, str]:
        self._load()
        return self.properties

    def add_properties(self, properties: dict[str, Any]) -> None:
        """Add properties, which cannot be changed. Raises UserErrorException for one that is there."""
        known = set(self.get_properties()) & set(properties)
        if known:
            raise UserErrorException(
                f"The run has the property {', '.join(sorted(known))} already; a property never changes."
            )
        self._log(tags={PROPERTY + key: str(value) for key, value in properties.items()})
