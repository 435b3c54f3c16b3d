"""What MLflow finds by its entry points: stores and artifacts for addresses that begin with `azureml:`."""
