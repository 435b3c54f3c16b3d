import sys
from importlib.metadata import version

import mlflow

with mlflow.start_run():
    mlflow.log_metric("alpha", float(sys.argv[1]))
    mlflow.set_tag("scikit-learn", version("scikit-learn"))
