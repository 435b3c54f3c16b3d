"""Predict how diabetes progresses, from ten measurements: a regression by gradient descent, logged pass by pass.

Nothing here knows the studio: it is plain MLflow, and runs the same on any machine with MLFLOW_TRACKING_URI set.
"""

import os
import time
from pathlib import Path
from typing import Any

import mlflow

PASSES = 200
SECONDS = float(os.environ.get("SAMPLE_SECONDS", "14"))
PARAMS = {"loss": "squared_error", "penalty": "l2", "alpha": 0.02, "learning_rate": "invscaling", "eta0": 0.0008}


def main() -> None:
    with mlflow.start_run():
        mlflow.log_params({**PARAMS, "passes": PASSES, "data": "sklearn.datasets.load_diabetes"})
        # The slow imports come after the run has begun, so that its page has something to show meanwhile.
        from sklearn.datasets import load_diabetes
        from sklearn.linear_model import SGDRegressor
        from sklearn.model_selection import train_test_split
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        data = load_diabetes(as_frame=True)
        train_x, test_x, train_y, test_y = train_test_split(data.data, data.target, test_size=0.25, random_state=7)
        mlflow.log_params({"train_rows": len(train_x), "test_rows": len(test_x)})
        print(f"training on {len(train_x)} rows, testing on {len(test_x)}", flush=True)
        model = make_pipeline(StandardScaler().fit(train_x), SGDRegressor(**PARAMS, random_state=7))
        train(model, train_x, train_y, test_x, test_y)
        log_weights(model[-1].coef_, list(train_x.columns))
        log_model(model, train_x)


def train(model: Any, train_x: Any, train_y: Any, test_x: Any, test_y: Any) -> None:
    """Pass over the data again and again, and log the error after each pass while it goes."""
    scaler, regression = model
    scaled = scaler.transform(train_x)
    for step in range(1, PASSES + 1):
        began = time.monotonic()
        regression.partial_fit(scaled, train_y)
        scores = {
            "train_rmse": rmse(model, train_x, train_y),
            "test_rmse": rmse(model, test_x, test_y),
            "test_r2": model.score(test_x, test_y),
            "step_size": PARAMS["eta0"] / regression.t_**regression.power_t,
        }
        mlflow.log_metrics(scores, step=step)
        if step % 20 == 0:
            print(f"pass {step}  train {scores['train_rmse']:.1f}  test {scores['test_rmse']:.1f}", flush=True)
        # A curve is worth watching only if it can be watched: 200 passes over 331 rows take a second.
        time.sleep(max(0.0, SECONDS / PASSES - (time.monotonic() - began)))


def rmse(model: Any, x: Any, y: Any) -> float:
    return float(((model.predict(x) - y) ** 2).mean() ** 0.5)


def log_weights(weights: Any, names: list[str]) -> None:
    """Keep what the model looks at most, as a table."""
    ranked = sorted(zip(names, weights, strict=True), key=lambda pair: -abs(pair[1]))
    mlflow.log_text("feature,weight\n" + "".join(f"{name},{weight:.4f}\n" for name, weight in ranked), "weights.csv")


def log_model(model: Any, train_x: Any) -> None:
    """Log the model with its signature and an example; the requirements are this project's own."""
    requirements = Path("requirements.txt").read_text().split()
    signature = mlflow.models.infer_signature(train_x, model.predict(train_x))
    mlflow.sklearn.log_model(
        model, name="model", signature=signature, input_example=train_x.head(3), pip_requirements=requirements
    )
    # What an endpoint of this model must answer to the example.
    mlflow.log_dict({"predictions": model.predict(train_x.head(3)).tolist()}, "example_predictions.json")
    print("the model is logged", flush=True)


if __name__ == "__main__":
    main()
