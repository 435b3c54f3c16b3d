"""Load a model with no more imports than it needs, and call it.

`mlflow.pyfunc` costs seconds to import, so a scikit-learn model is loaded by what wrote it (pickle, cloudpickle, skops,
joblib); every other flavour goes through `mlflow.pyfunc`.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from . import columns
from . import signature as signatures
from .call import Call, key_of
from .http import Refusal
from .payload import Payload, Rows

BARE_SUFFIXES = (".pkl", ".pickle", ".joblib", ".skops")


class Model(Protocol):
    """A loaded model: its signature (if it has one), and a way to ask it."""

    signature: signatures.Signature | None
    mlflow_version: str

    def prepare(self, payload: Payload, params: Mapping[str, Any], method: str | None) -> Call:
        """Check what was asked and make the call of it. Raises Refusal for what the model does not take."""
        ...

    def trial(self) -> Call | None:
        """Give a call by which merging can be tried without an example of the author's; None where there is none."""
        ...


def load(folder: Path) -> Model:
    """Load the model in a folder: an MLflow model, or one bare scikit-learn file."""
    described = describe(folder)
    if described is None:
        return _load_bare(folder)
    function = described["flavors"].get("python_function")
    sklearn = described["flavors"].get("sklearn")
    if function is None:
        raise ValueError("The model has no python_function flavour, so it cannot be served.")
    is_plain = function.get("loader_module") == "mlflow.sklearn" and not function.get("code")
    if sklearn and is_plain and not sklearn.get("code"):
        return _load_sklearn(folder, described, function, sklearn)
    return _load_pyfunc(folder, described)


def describe(folder: Path) -> dict[str, Any] | None:
    """Read the MLmodel file; None when there is none."""
    import yaml

    path = folder / "MLmodel"
    if not path.is_file():
        return None
    described = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(described, dict) or not isinstance(described.get("flavors"), dict):
        raise ValueError("The MLmodel file does not list any flavours.")
    return described


def example_body(folder: Path) -> bytes | None:
    """Give the body that MLflow saved beside the model to try its serving with."""
    path = folder / "serving_input_example.json"
    return path.read_bytes() if path.is_file() else None


@dataclass
class SklearnModel:
    """A scikit-learn estimator, called with an array where that is the same, else with a frame."""

    estimator: Any
    signature: signatures.Signature | None
    default_method: str = "predict"
    mlflow_version: str = ""

    def __post_init__(self) -> None:
        self._matrix_type = matrix_type(self.estimator, self.signature)
        self._is_by_row = is_by_row(self.estimator)
        # The array road gives no names on purpose, and only after the names were seen to be in order.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")

    def prepare(self, payload: Payload, params: Mapping[str, Any], method: str | None) -> Call:
        name = method or self.default_method
        function = self._function(name)
        given = signatures.check_params(self.signature, params)
        table = self._table(payload)
        return Call(function, table, given, key_of(name, table, given) if self._is_by_row else None)

    def trial(self) -> Call | None:
        if self.signature is None or not self._matrix_type or not self._is_by_row:
            return None
        return self.prepare(Rows([[0] * len(self.signature.inputs)]), {}, None)

    def _function(self, name: str) -> Callable[..., Any]:
        try:
            function = getattr(self.estimator, name)
        except AttributeError:
            raise Refusal(400, f"This model has no method {name!r}.") from None
        return function  # type: ignore[no-any-return]

    def _table(self, payload: Payload) -> Any:
        if self.signature is None:
            return columns.untyped(payload)
        if self.signature.is_tensor:
            return columns.tensors(payload, self.signature)
        if self._matrix_type:
            return columns.matrix(payload, self.signature, self._matrix_type)
        return columns.frame(payload, self.signature)


@dataclass
class PyfuncModel:
    """Any other MLflow model, called through `mlflow.pyfunc`."""

    function: Any
    signature: signatures.Signature | None
    mlflow_version: str = ""

    def prepare(self, payload: Payload, params: Mapping[str, Any], method: str | None) -> Call:
        if method not in (None, "predict"):
            raise Refusal(400, f"This model has no method {method!r}.")
        given = signatures.check_params(self.signature, params)
        # Never merged: a model of the author's own may look at all rows at once.
        return Call(self.function.predict, self._table(payload), {"params": given} if given else {})

    def trial(self) -> None:
        return None

    def _table(self, payload: Payload) -> Any:
        if self.signature is None:
            return columns.untyped(payload)
        return (columns.tensors if self.signature.is_tensor else columns.frame)(payload, self.signature)


def matrix_type(estimator: Any, signature: signatures.Signature | None) -> str | None:
    """Name the array type that may stand for a frame: all numbers of one type, and no step that asks for names.

    An estimator from elsewhere, a column transformer or a function of the author's might look at names; then a frame.
    """
    if signature is None or signature.is_tensor or not signature.inputs:
        return None
    fitted = getattr(estimator, "feature_names_in_", None)
    if fitted is not None and tuple(fitted) != signature.names:
        return None
    return signature.one_number_type() if all(_ignores_names(part) for part in _parts(estimator)) else None


def is_by_row(estimator: Any) -> bool:
    """Say whether every step is scikit-learn's own, and so looks at each row by itself; the author's may not."""
    return all(_is_own(part) and type(part).__name__ != "FunctionTransformer" for part in _parts(estimator))


def _parts(estimator: Any) -> list[Any]:
    """List an estimator and every estimator or function among its parameters."""
    try:
        values = estimator.get_params(deep=True).values()
    except Exception:  # noqa: BLE001  the author's own class may do anything here: it then gets a frame
        return [None]
    return [estimator, *(value for value in values if hasattr(value, "get_params") or callable(value))]


def _ignores_names(part: Any) -> bool:
    kind = type(part)
    return _is_own(part) and kind.__module__.split(".")[1] != "compose" and kind.__name__ != "FunctionTransformer"


def _is_own(part: Any) -> bool:
    return part is not None and type(part).__module__.startswith("sklearn.")


def _load_sklearn(
    folder: Path, described: Mapping[str, Any], function: Mapping[str, Any], sklearn: Mapping[str, Any]
) -> SklearnModel:
    name = sklearn.get("pickled_model") or function.get("model_path") or "model.pkl"
    written_by = sklearn.get("serialization_format") or "pickle"
    return SklearnModel(
        _read_estimator(folder / name, written_by, sklearn.get("skops_trusted_types")),
        signatures.read(described.get("signature")),
        str(function.get("predict_fn") or "predict"),
        str(described.get("mlflow_version") or ""),
    )


def _load_pyfunc(folder: Path, described: Mapping[str, Any]) -> PyfuncModel:
    import mlflow.pyfunc

    signature = signatures.read(described.get("signature"))
    return PyfuncModel(mlflow.pyfunc.load_model(str(folder)), signature, str(described.get("mlflow_version") or ""))


def _load_bare(folder: Path) -> SklearnModel:
    files = sorted(path for path in folder.rglob("*") if path.suffix in BARE_SUFFIXES)
    if len(files) != 1:
        found = ", ".join(path.name for path in files) or "none"
        raise ValueError(f"A model folder without an MLmodel file needs exactly one model file; found: {found}.")
    return SklearnModel(_read_estimator(files[0], files[0].suffix.lstrip("."), None), None)


def _read_estimator(path: Path, written_by: str, trusted: list[str] | None) -> Any:
    if written_by == "skops":
        import skops.io  # type: ignore[import-untyped]

        return skops.io.load(path, trusted=trusted)
    if written_by in ("joblib", "pkl") and _has("joblib"):
        import joblib  # type: ignore[import-untyped]

        return joblib.load(path)
    # cloudpickle's files are read by pickle; what they need of cloudpickle they name themselves.
    with path.open("rb") as file:
        return pickle.load(file)  # noqa: S301  this process exists to run the model's author's code


def _has(name: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(name) is not None
