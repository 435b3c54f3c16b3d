import mlflow
import mlflow.sklearn
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

data = load_diabetes()
with mlflow.start_run():
    mlflow.log_metric("example", 1.23)
    mlflow.sklearn.log_model(Ridge().fit(data.data, data.target), "model")
print("Finished training")
