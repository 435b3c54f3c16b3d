"""Every read of experiments, runs and logged models beyond a single lookup."""

from experiments.queries.experiments import experiment, experiments, search_experiments
from experiments.queries.models import ModelDetails, logged_model, model_details, search_logged_models
from experiments.queries.pages import RunOverview, recent_runs, run_overview
from experiments.queries.runs import (
    RunDetails,
    experiment_ids,
    owner_of_artifact,
    run,
    run_details,
    search_runs,
)
from experiments.queries.views import View

__all__ = [
    "ModelDetails",
    "RunDetails",
    "RunOverview",
    "View",
    "experiment",
    "experiment_ids",
    "experiments",
    "logged_model",
    "model_details",
    "owner_of_artifact",
    "recent_runs",
    "run",
    "run_details",
    "run_overview",
    "search_experiments",
    "search_logged_models",
    "search_runs",
]
