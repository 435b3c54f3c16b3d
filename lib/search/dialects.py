"""What may be searched, and what each dialect refuses.

A dialect is a set of fields and a set of permissions. There is one parser; MLflow's dialects refuse what MLflow
refuses, so that its clients meet the same grammar here as there, and the studio's own refuse nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lib.search.tree import Kind

# "digits" is a whole number that is written as a quoted text, as MLflow writes the ids of experiments.
FieldType = Literal["text", "number", "time", "digits"]


@dataclass(frozen=True)
class Dialect:
    """Who asks, and what for. `lists` and `presence` hold where MLflow takes IN (attributes) and IS NULL (kinds)."""

    attributes: Mapping[str, FieldType]
    kinds: Mapping[str, Kind]
    is_mlflow: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)
    orders: frozenset[str] | None = None
    lists: frozenset[str] = frozenset()
    presence: frozenset[Kind] = frozenset()

    def type_of(self, kind: Kind, key: str) -> FieldType:
        if kind == "attribute":
            return self.attributes[key]
        return "number" if kind == "metric" else "text"

    def may_list(self, kind: Kind, key: str) -> bool:
        return not self.is_mlflow or kind == "dataset" or (kind == "attribute" and key in self.lists)

    def may_miss(self, kind: Kind) -> bool:
        return not self.is_mlflow or kind in self.presence

    @property
    def kind_names(self) -> list[str]:
        """Name each kind once, as errors and suggestions write it."""
        preferred = {"metric": "metrics", "param": "params", "tag": "tags", "attribute": "attributes"}
        names = [preferred.get(kind, kind) for kind in dict.fromkeys(self.kinds.values())]
        return [name if name in self.kinds else name.removesuffix("s") for name in names]


DATASET_KEYS = ("name", "digest", "context")

RUN_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("metrics", "metric"), "metric"),
    **dict.fromkeys(("params", "param", "parameters", "parameter"), "param"),
    **dict.fromkeys(("tags", "tag"), "tag"),
    **dict.fromkeys(("attributes", "attribute", "attr", "run"), "attribute"),
    **dict.fromkeys(("dataset", "datasets"), "dataset"),
}
NAMED_KINDS: Mapping[str, Kind] = {"attribute": "attribute", "tags": "tag", "tag": "tag"}
STUDIO_NAMED_KINDS: Mapping[str, Kind] = {"attributes": "attribute", **NAMED_KINDS}
MODEL_KINDS = {name: kind for name, kind in RUN_KINDS.items() if kind != "dataset"}

RUN_ATTRIBUTES: Mapping[str, FieldType] = {
    "run_id": "text",
    "run_name": "text",
    "status": "text",
    "user_id": "text",
    "artifact_uri": "text",
    "start_time": "time",
    "end_time": "time",
}
RUN_ALIASES = {
    **dict.fromkeys(("created", "Created"), "start_time"),
    **dict.fromkeys(("run name", "Run name", "Run Name"), "run_name"),
}
EXPERIMENT_ATTRIBUTES: Mapping[str, FieldType] = {
    "name": "text",
    "experiment_id": "digits",
    "creation_time": "time",
    "last_update_time": "time",
}
REGISTERED_MODEL_TIMES: Mapping[str, FieldType] = {"creation_timestamp": "time", "last_updated_timestamp": "time"}
VERSION_ATTRIBUTES: Mapping[str, FieldType] = {
    "name": "text",
    "version_number": "number",
    "run_id": "text",
    "source_path": "text",
}
LOGGED_MODEL_ATTRIBUTES: Mapping[str, FieldType] = {
    "name": "text",
    "model_id": "text",
    "model_type": "text",
    "status": "text",
    "source_run_id": "text",
    "creation_timestamp": "time",
    "last_updated_timestamp": "time",
}
LOGGED_MODEL_ALIASES = {"creation_time": "creation_timestamp", "last_updated_time": "last_updated_timestamp"}

MLFLOW_RUNS = Dialect(
    attributes=RUN_ATTRIBUTES,
    kinds=RUN_KINDS,
    is_mlflow=True,
    aliases=RUN_ALIASES,
    lists=frozenset({"run_id"}),
    presence=frozenset({"param", "tag"}),
)
MLFLOW_EXPERIMENTS = Dialect(
    attributes=EXPERIMENT_ATTRIBUTES,
    kinds=NAMED_KINDS,
    is_mlflow=True,
    lists=frozenset({"experiment_id"}),
    presence=frozenset({"tag"}),
)
MLFLOW_MODELS = Dialect(
    attributes={"name": "text"},
    kinds=NAMED_KINDS,
    is_mlflow=True,
    orders=frozenset({"name", *REGISTERED_MODEL_TIMES}),
    lists=frozenset({"name"}),
)
MLFLOW_VERSIONS = Dialect(
    attributes=VERSION_ATTRIBUTES,
    kinds=NAMED_KINDS,
    is_mlflow=True,
    orders=frozenset({"name", "version_number", *REGISTERED_MODEL_TIMES}),
    lists=frozenset({"name", "run_id"}),
)
MLFLOW_LOGGED_MODELS = Dialect(
    attributes=LOGGED_MODEL_ATTRIBUTES,
    kinds=MODEL_KINDS,
    is_mlflow=True,
    aliases=LOGGED_MODEL_ALIASES,
    lists=frozenset(LOGGED_MODEL_ATTRIBUTES),
)

RUNS = Dialect(
    attributes={**RUN_ATTRIBUTES, "experiment_id": "digits", "experiment_name": "text"},
    kinds=RUN_KINDS,
    aliases=RUN_ALIASES,
)
EXPERIMENTS = Dialect(attributes=EXPERIMENT_ATTRIBUTES, kinds=STUDIO_NAMED_KINDS)
MODELS = Dialect(attributes={"name": "text", **REGISTERED_MODEL_TIMES}, kinds=STUDIO_NAMED_KINDS)
VERSIONS = Dialect(attributes={**VERSION_ATTRIBUTES, **REGISTERED_MODEL_TIMES}, kinds=STUDIO_NAMED_KINDS)
LOGGED_MODELS = Dialect(attributes=LOGGED_MODEL_ATTRIBUTES, kinds=MODEL_KINDS, aliases=LOGGED_MODEL_ALIASES)
