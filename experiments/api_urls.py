"""The API below /w/<workspace>/api/v1/."""

from django.urls import path

from experiments import api, files_api
from experiments.purging import api as purging_api
from experiments.search import api as search_api

app_name = "experiments-api"

urlpatterns = [
    path("experiments", api.experiments, name="experiments"),
    path("runs", api.runs, name="runs"),
    path("runs/<str:run_id>", api.run, name="run"),
    path("runs/<str:run_id>/metric-keys", api.metric_keys, name="metric-keys"),
    path("runs/<str:run_id>/files", files_api.files, name="run-files"),
    path("runs/<str:run_id>/files/<path:path>", files_api.file, name="run-file"),
    path("runs/<str:run_id>/metrics", purging_api.run_metric, name="run-metric"),
    path("runs/<str:run_id>/artifacts", purging_api.run_artifact, name="run-artifact"),
    path("trash", purging_api.trash, name="trash"),
    path("trash/weigh", purging_api.trash_weigh, name="trash-weigh"),
    path("trash/rule", purging_api.trash_rule, name="trash-rule"),
    path("purges", purging_api.purges, name="purges"),
    path("purges/<int:purge_id>", purging_api.purge, name="purge"),
    path("search/suggestions", search_api.suggestions, name="search-suggestions"),
    path("metrics", api.points, name="metrics"),
]
