"""Predict how diabetes progresses, from ten measurements: a gradient-boosted regression, logged step by step.

Nothing here knows the studio: it is plain MLflow, and runs the same on any machine with MLFLOW_TRACKING_URI set.
"""

import os
import time
from pathlib import Path

import mlflow

TREES = 240
SECONDS = float(os.environ.get("SAMPLE_SECONDS", "15"))
PARAMS = {"learning_rate": 0.03, "max_depth": 3, "subsample": 0.7, "random_state": 7}


def main() -> None:
    with mlflow.start_run():
        mlflow.log_params({**PARAMS, "n_estimators": TREES, "data": "sklearn.datasets.load_diabetes"})
        # The slow imports come after the run has begun, so that its page has something to show meanwhile.
        import sklearn.datasets
        import sklearn.ensemble
        import sklearn.model_selection

        data = sklearn.datasets.load_diabetes(as_frame=True)
        train_x, test_x, train_y, test_y = sklearn.model_selection.train_test_split(
            data.data, data.target, test_size=0.25, random_state=7
        )
        mlflow.log_params({"train_rows": len(train_x), "test_rows": len(test_x)})
        print(f"training on {len(train_x)} rows, testing on {len(test_x)}", flush=True)
        model = train(sklearn.ensemble.GradientBoostingRegressor, train_x, train_y, test_x, test_y)
        log_importances(model, list(train_x.columns))
        log_model(model, train_x)


def train(regressor, train_x, train_y, test_x, test_y):
    """Grow one tree after another, and log the error of each step while it goes."""
    model = regressor(n_estimators=1, warm_start=True, **PARAMS)
    for step in range(1, TREES + 1):
        began = time.monotonic()
        model.set_params(n_estimators=step)
        model.fit(train_x, train_y)
        scores = {
            "train_rmse": rmse(model, train_x, train_y),
            "test_rmse": rmse(model, test_x, test_y),
            "test_r2": model.score(test_x, test_y),
            "train_deviance": float(model.train_score_[-1]),
        }
        mlflow.log_metrics(scores, step=step)
        if step % 20 == 0:
            print(f"{step} trees  train {scores['train_rmse']:.1f}  test {scores['test_rmse']:.1f}", flush=True)
        # A curve is worth watching only if it can be watched: 240 small trees take a second.
        time.sleep(max(0.0, SECONDS / TREES - (time.monotonic() - began)))
    return model


def rmse(model, x, y) -> float:
    return float(((model.predict(x) - y) ** 2).mean() ** 0.5)


def log_importances(model, names) -> None:
    """Keep what the model looks at most as a table and a drawing."""
    ranked = sorted(zip(names, model.feature_importances_, strict=True), key=lambda pair: -pair[1])
    lines = "".join(f"{name},{importance:.4f}\n" for name, importance in ranked)
    mlflow.log_text("feature,importance\n" + lines, "importances.csv")
    mlflow.log_text(bars(ranked), "importances.svg")


def bars(ranked) -> str:
    """Draw one bar a feature."""
    widest = ranked[0][1]
    rows = [
        f'<text x="52" y="{24 * n + 17}" text-anchor="end">{name}</text>'
        f'<rect x="60" y="{24 * n + 4}" width="{300 * importance / widest:.0f}" height="16" fill="#4a7"/>'
        for n, (name, importance) in enumerate(ranked)
    ]
    size = f'width="380" height="{24 * len(ranked)}" font-family="sans-serif" font-size="13"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(rows)}</svg>'


def log_model(model, train_x) -> None:
    """Log the model with its signature and an example; the requirements are this project's own."""
    requirements = Path("requirements.txt").read_text().split()
    example = train_x.head(3)
    signature = mlflow.models.infer_signature(train_x, model.predict(train_x))
    mlflow.sklearn.log_model(
        model, name="model", signature=signature, input_example=example, pip_requirements=requirements
    )
    print("the model is logged", flush=True)


if __name__ == "__main__":
    main()
