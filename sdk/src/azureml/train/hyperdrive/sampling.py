"""How parameters are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azureml.train.hyperdrive.exceptions import HyperDriveConfigException
from azureml.train.hyperdrive.parameter_expressions import choice

BAYESIAN = ("choice", "uniform", "quniform")


class HyperParameterSampling:
    """A kind of sampling and its parameters, name → expression."""

    _kind = ""
    _kinds: tuple[str, ...] | None = None  # the expressions that it takes; None: all

    def __init__(self, parameter_space: Mapping[str, Any], properties: Mapping[str, Any] | None = None) -> None:
        if not isinstance(parameter_space, Mapping) or not parameter_space:
            raise HyperDriveConfigException("parameter_space is a dict of names and expressions, and not empty.")
        self._space = {str(name): self._checked(str(name), said) for name, said in parameter_space.items()}
        self._seed = int(properties["seed"]) if properties and properties.get("seed") is not None else None

    def _checked(self, name: str, said: Any) -> list[Any]:
        if not isinstance(said, list) or len(said) != 2 or not isinstance(said[0], str):
            raise HyperDriveConfigException(f"{name}: give an expression, such as choice(16, 32) or uniform(0.1, 1).")
        if self._kinds is not None and said[0] not in self._kinds:
            raise HyperDriveConfigException(
                f"{name}: {type(self).__name__} takes {', '.join(self._kinds)}, not {said[0]}."
            )
        return said

    def _asked(self) -> dict[str, Any]:
        """Write it as the studio's API takes it."""
        # A choice is one list, so that an option which is a list itself stays one.
        parameters = {name: [kind, *arguments] for name, (kind, arguments) in self._space.items()}
        asked: dict[str, Any] = {"kind": self._kind, "parameters": parameters}
        return asked if self._seed is None else {**asked, "seed": self._seed}


class RandomParameterSampling(HyperParameterSampling):
    """At random; `properties={"seed": 1}` draws the same again."""

    _kind = "random"


class GridParameterSampling(HyperParameterSampling):
    """Every combination of choices."""

    _kind = "grid"
    _kinds = ("choice",)

    def __init__(self, parameter_space: Mapping[str, Any]) -> None:
        super().__init__(parameter_space)

    @property
    def _size(self) -> int:
        size = 1
        for _kind, (options,) in self._space.values():
            size *= len(options)
        return size


class BayesianParameterSampling(HyperParameterSampling):
    """Taken, and done as random sampling: a studio does not model the metric. `choice`, `uniform`, `quniform` alone."""

    _kind = "bayesian"
    _kinds = BAYESIAN


__all__ = [
    "BayesianParameterSampling", "GridParameterSampling", "HyperParameterSampling", "RandomParameterSampling", "choice",
]  # fmt: skip
