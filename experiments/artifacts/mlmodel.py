"""What an MLmodel file says about a model. It is parsed as plain data; nothing of the model is ever loaded here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from django.utils.translation import gettext as _

from experiments.artifacts.disk import store
from experiments.artifacts.places import Place
from experiments.artifacts.trees import read_text
from lib.errors import InvalidValue, NotFound

LONGEST_FILE = 512 * 1024
FLAVOR_LABELS = {
    "python_function": "Python function",
    "sklearn": "scikit-learn",
    "xgboost": "XGBoost",
    "lightgbm": "LightGBM",
    "pytorch": "PyTorch",
    "tensorflow": "TensorFlow",
    "onnx": "ONNX",
}


@dataclass(frozen=True)
class Flavor:
    """One way to load the model; `details` are the MLmodel's own words, as text."""

    name: str
    details: Mapping[str, str]

    @property
    def label(self) -> str:
        return FLAVOR_LABELS.get(self.name, self.name)


@dataclass(frozen=True)
class Column:
    """One column of a signature; a tensor has a type like `float64 (-1, 10)` and may have no name."""

    name: str
    type: str
    required: bool = True
    default: str = ""


@dataclass(frozen=True)
class ModelDescription:
    """A model as its files describe it. What the files do not say is empty."""

    flavors: tuple[Flavor, ...] = ()
    inputs: tuple[Column, ...] = ()
    outputs: tuple[Column, ...] = ()
    params: tuple[Column, ...] = ()
    has_signature: bool = False
    input_example_path: str = ""
    requirements: tuple[str, ...] = ()
    python_version: str = ""
    mlflow_version: str = ""
    model_id: str = ""
    run_id: str = ""
    created_utc: str = ""
    size_bytes: int = 0
    raw: str = field(default="", repr=False)


def describe_model(place: Place) -> ModelDescription:
    """Read the MLmodel file in a folder. Raises NotFound without one, InvalidValue for one that cannot be read."""
    raw, is_cut = read_text(place.below("MLmodel"), LONGEST_FILE)
    content = parse(raw) if not is_cut else None
    if content is None:
        raise InvalidValue(_("The MLmodel file is too long or is not YAML with names and values."))
    flavors = mapping(content.get("flavors"))
    signature = mapping(content.get("signature"))
    python = mapping(flavors.get("python_function"))
    return ModelDescription(
        flavors=tuple(flavor(name, mapping(details)) for name, details in flavors.items()),
        inputs=columns(signature.get("inputs")),
        outputs=columns(signature.get("outputs")),
        params=columns(signature.get("params")),
        has_signature=bool(signature),
        input_example_path=text(mapping(content.get("saved_input_example_info")).get("artifact_path")),
        requirements=requirements(place),
        python_version=text(python.get("python_version")),
        mlflow_version=text(content.get("mlflow_version")),
        model_id=text(content.get("model_id")),
        run_id=text(content.get("run_id")),
        created_utc=text(content.get("utc_time_created")),
        size_bytes=store().size(place.key),
        raw=raw,
    )


def parse(raw: str) -> Mapping[str, Any] | None:
    content = parsed_yaml(raw)
    return content if isinstance(content, dict) else None


def parsed_yaml(raw: str) -> Any:
    """Give a YAML text's content as plain data, or None.

    Aliases are refused: a few lines of them unfold to gigabytes.
    """
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(raw, Loader=yaml.CSafeLoader)):
            return None
        return yaml.load(raw, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def mapping(value: Any) -> Mapping[str, Any]:
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def text(value: Any) -> str:
    return "" if value is None else str(value)[:500]


def flavor(name: str, details: Mapping[str, Any]) -> Flavor:
    plain = {key: text(value) for key, value in details.items() if isinstance(value, str | int | float | bool)}
    return Flavor(name[:100], plain)


def columns(written: Any) -> tuple[Column, ...]:
    """Read one side of a signature, which stands in the file as JSON in a string."""
    try:
        specs = json.loads(written) if isinstance(written, str) else []
    except (ValueError, RecursionError):
        specs = []
    return tuple(column(spec) for spec in specs if isinstance(spec, dict)) if isinstance(specs, list) else ()


def column(spec: Mapping[str, Any]) -> Column:
    kind = text(spec.get("type"))
    tensor = mapping(spec.get("tensor-spec"))
    if tensor:
        kind = f"{text(tensor.get('dtype'))} {tuple(tensor.get('shape') or ())}"
    default = spec.get("default")
    return Column(text(spec.get("name")), kind, spec.get("required") is not False, text(default))


def requirements(place: Place) -> tuple[str, ...]:
    try:
        content, _is_cut = read_text(place.below("requirements.txt"), 64 * 1024)
    except NotFound:
        return ()
    return tuple(line.strip() for line in content.splitlines() if line.strip() and not line.startswith("#"))
