import sys

import mlflow
import mlflow.sklearn
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

alpha = float(sys.argv[1])
data = load_diabetes()
with mlflow.start_run():
    model = Ridge(alpha=alpha).fit(data.data, data.target)
    mlflow.log_metric("alpha", alpha)
    mlflow.sklearn.log_model(model, "model")
print("trained with", alpha)
