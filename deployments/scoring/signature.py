"""Read a model's signature, and hold a payload to it with errors that name the column.

MLmodel keeps inputs, outputs and params as JSON texts: columns (`{"type": "double", "name": "age"}`) or tensors
(`{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 10]}}`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .http import Refusal

# MLflow's column types that a numpy array holds as they are.
NUMBERS = {"double": "float64", "float": "float32", "integer": "int32", "long": "int64"}


@dataclass(frozen=True)
class Field:
    """A column, or a tensor when `shape` is known; a lone tensor has no name."""

    name: str | None
    type: str
    required: bool = True
    shape: tuple[int, ...] | None = None

    @property
    def is_tensor(self) -> bool:
        return self.shape is not None


@dataclass(frozen=True)
class Param:
    name: str
    type: str
    default: Any
    is_list: bool


@dataclass(frozen=True)
class Signature:
    inputs: tuple[Field, ...] = ()
    outputs: tuple[Field, ...] = ()
    params: tuple[Param, ...] = ()

    @property
    def is_tensor(self) -> bool:
        return bool(self.inputs) and self.inputs[0].is_tensor

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.inputs if field.name is not None)

    def one_number_type(self) -> str | None:
        """Name the numpy type all columns share, when one array can hold them in order."""
        kinds = {NUMBERS.get(field.type) for field in self.inputs}
        return kinds.pop() if len(kinds) == 1 and not self.is_tensor else None


def read(described: Mapping[str, Any] | None) -> Signature | None:
    """Read the `signature` of an MLmodel file; None when it has none or it says nothing about inputs."""
    if not described or not described.get("inputs"):
        return None
    params = _listed(described.get("params"))
    return Signature(
        inputs=tuple(_field(item) for item in _listed(described["inputs"])),
        outputs=tuple(_field(item) for item in _listed(described.get("outputs"))),
        params=tuple(_param(item) for item in params),
    )


def check_params(signature: Signature | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the params a model is called with: its defaults, overlaid with those of the request."""
    if not given and not (signature and signature.params):
        return {}
    known = {param.name: param for param in signature.params} if signature else {}
    for name, value in given.items():
        if name not in known:
            listed = f"it takes {', '.join(known)}" if known else "this model takes none"
            raise Refusal(400, f"Unknown parameter {name!r}: {listed}.")
        _check_param(known[name], value)
    return {name: given.get(name, param.default) for name, param in known.items()}


def _check_param(param: Param, value: Any) -> None:
    values = value if param.is_list else [value]
    accepted = _PARAM_TYPES.get(param.type)
    if not isinstance(values, list):
        raise Refusal(400, f"Parameter {param.name!r} must be a list of {param.type}.")
    for item in values:
        is_flag = isinstance(item, bool)
        if accepted and (not isinstance(item, accepted) or is_flag != (param.type == "boolean")):
            raise Refusal(400, f"Parameter {param.name!r} must be of type {param.type}.")


_PARAM_TYPES: dict[str, tuple[type, ...]] = {
    "double": (int, float),
    "float": (int, float),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "string": (str,),
    "datetime": (str,),
}


def _listed(text: Any) -> list[dict[str, Any]]:
    value = json.loads(text) if isinstance(text, str) else text
    return [item for item in value or [] if isinstance(item, dict)]


def _field(item: Mapping[str, Any]) -> Field:
    name = item.get("name")
    name = None if name is None else str(name)
    required = bool(item.get("required", not item.get("optional", False)))
    tensor = item.get("tensor-spec")
    if isinstance(tensor, dict):
        return Field(name, str(tensor.get("dtype")), required, tuple(int(side) for side in tensor.get("shape", ())))
    return Field(name, str(item.get("type")), required)


def _param(item: Mapping[str, Any]) -> Param:
    is_list = item.get("shape") is not None
    return Param(str(item.get("name")), str(item.get("type", item.get("dtype"))), item.get("default"), is_list)
