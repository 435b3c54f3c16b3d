"""Experiments, runs, logged models and artifacts as MLflow's clients speak to them.

Importing this room collects its handlers; `studio.mlflow_urls` makes routes of them.
"""

from experiments.mlflow_api import artifacts, experiments, metrics, models, runs, server, uploads

__all__ = ["artifacts", "experiments", "metrics", "models", "runs", "server", "uploads"]
