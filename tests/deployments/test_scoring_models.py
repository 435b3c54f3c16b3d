"""Real scikit-learn models, loaded as MLflow lays them out: the answer is `model.predict`'s, bit for bit."""

from __future__ import annotations

import json
import pickle

import numpy
import pandas
import pytest
import yaml
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from deployments.scoring import models
from deployments.scoring.application import Application
from deployments.scoring.settings import SettingsFile
from tests.deployments.scoring import Caller, column

X, Y = load_diabetes(return_X_y=True, as_frame=True)


def spread(table: pandas.DataFrame) -> pandas.DataFrame:
    return table.assign(sum=table["age"] + table["bmi"])


FAST = {
    "ridge": lambda: Ridge(),
    "forest": lambda: RandomForestRegressor(n_estimators=10, random_state=0),
    "scaled": lambda: make_pipeline(StandardScaler(), Ridge()),
}
BY_NAME = {
    "columns": lambda: make_pipeline(ColumnTransformer([("scale", StandardScaler(), ["age", "bmi"])]), Ridge()),
    "function": lambda: make_pipeline(FunctionTransformer(spread), Ridge()),
}


def saved(folder, estimator):
    """Lay out an MLflow model by hand: importing MLflow would take longer than all of these tests."""
    flavors = {
        "python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.pkl", "predict_fn": "predict"},
        "sklearn": {"pickled_model": "model.pkl", "serialization_format": "pickle", "code": None},
    }
    signature = {"inputs": json.dumps([column(name) for name in X.columns]), "outputs": None, "params": None}
    described = {"flavors": flavors, "signature": signature, "mlflow_version": "3.17.2"}
    (folder / "MLmodel").write_text(yaml.safe_dump(described))
    (folder / "model.pkl").write_bytes(pickle.dumps(estimator))
    (folder / "settings.json").write_text('{"auth": "none"}')
    return models.load(folder)


def call(folder, model):
    return Caller(Application(model, SettingsFile(str(folder / "settings.json"))))


@pytest.mark.parametrize("make", [*FAST.values(), *BY_NAME.values()], ids=[*FAST, *BY_NAME])
def test_the_answer_is_the_models_own(tmp_path, make):
    estimator = make().fit(X, Y)
    answers = call(tmp_path, saved(tmp_path, estimator))
    some = X.head(5)
    split = {"columns": list(some.columns), "data": some.to_numpy().tolist()}
    turned = some[some.columns[::-1]]
    expected = estimator.predict(some).tolist()
    assert answers(body={"dataframe_split": split}).json == expected
    assert answers(body={"dataframe_records": turned.to_dict("records")}).json == expected
    assert answers(body=some.to_csv(index=False).encode(), content_type="text/csv").json == pytest.approx(expected)


@pytest.mark.parametrize("make", FAST.values(), ids=FAST)
def test_numbers_go_to_scikit_learns_own_estimators_as_an_array(tmp_path, make):
    assert saved(tmp_path, make().fit(X, Y))._matrix_type == "float64"


@pytest.mark.parametrize("make", BY_NAME.values(), ids=BY_NAME)
def test_what_may_ask_for_names_gets_a_frame(tmp_path, make):
    assert saved(tmp_path, make().fit(X, Y))._matrix_type is None


def test_columns_in_another_order_than_fitted_get_a_frame(tmp_path):
    assert saved(tmp_path, Ridge().fit(X[X.columns[::-1]], Y))._matrix_type is None


def test_a_bare_file_is_served_without_code(tmp_path):
    estimator = Ridge().fit(X.to_numpy(), Y)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(estimator))
    (tmp_path / "settings.json").write_text('{"auth": "none"}')
    answers = call(tmp_path, models.load(tmp_path))
    rows = X.head(2).to_numpy()
    answer = answers(body={"data": rows.tolist()})
    assert numpy.allclose(answer.json["predict"], estimator.predict(rows))


def test_two_bare_files_are_refused(tmp_path):
    for name in ("a.pkl", "b.joblib"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ValueError, match=r"exactly one model file; found: a\.pkl, b\.joblib"):
        models.load(tmp_path)


def test_a_model_without_the_function_flavour_is_refused(tmp_path):
    (tmp_path / "MLmodel").write_text("flavors: {spark: {}}")
    with pytest.raises(ValueError, match="python_function"):
        models.load(tmp_path)
