"""Bare scikit-learn files, served without code: every kind of estimator answers under the name of its method."""

from __future__ import annotations

import joblib
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from deployments.scoring import models
from deployments.scoring.application import Application
from deployments.scoring.settings import SettingsFile
from tests.deployments.scoring import Caller

X, Y = load_iris(return_X_y=True)
ROWS = X[[0, 70, 140]]
ESTIMATORS = {
    "classifier": lambda: SVC(),
    "pipeline": lambda: make_pipeline(StandardScaler(), SVC()),
    "forest": lambda: RandomForestClassifier(n_estimators=5, random_state=0),
    "clusters": lambda: KMeans(3, n_init=1, random_state=0),
    "regression": lambda: Ridge(),
}


@pytest.fixture
def serve(tmp_path):
    def made(estimator) -> Caller:
        joblib.dump(estimator, tmp_path / "model.joblib")
        settings = tmp_path / "settings.json"
        settings.write_text('{"auth": "none"}')
        return Caller(Application(models.load(tmp_path), SettingsFile(str(settings))))

    return made


@pytest.mark.parametrize("name", ESTIMATORS)
def test_each_estimator_answers_under_its_methods_name(serve, name):
    estimator = ESTIMATORS[name]().fit(X, Y)
    answer = serve(estimator)(body={"data": ROWS.tolist()})
    assert (answer.status, answer.json) == (200, {"predict": estimator.predict(ROWS).tolist()})


def test_another_method_is_asked_for_and_an_unknown_one_refused(serve):
    estimator = ESTIMATORS["clusters"]().fit(X)
    call = serve(estimator)
    answer = call(body={"data": ROWS.tolist(), "method": "transform"})
    assert answer.json == {"transform": estimator.transform(ROWS).tolist()}
    assert call(body={"data": ROWS.tolist(), "method": "fit"}).status == 400
    assert call(body={"data": ROWS.tolist(), "method": "predict_proba"}).status == 400
