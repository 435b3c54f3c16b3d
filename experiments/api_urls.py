"""The API below /w/<workspace>/api/v1/."""

from django.urls import path

from experiments import api, files_api
from experiments.data import api as data_api
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
    path("datastores", data_api.datastores, name="datastores"),
    path("datastore-test", data_api.datastore_test, name="datastore-test"),
    path("datastores/<str:name>", data_api.datastore, name="datastore"),
    path("datastores/<str:name>/files", data_api.files, name="datastore-files"),
    path("datastores/<str:name>/files/<path:path>", data_api.file, name="datastore-file"),
    path("datasets", data_api.datasets, name="datasets"),
    path("datasets/<str:name>", data_api.dataset, name="dataset"),
    path("datasets/<str:name>/uses", data_api.uses, name="dataset-uses"),
    path("datasets/<str:name>/versions", data_api.versions, name="dataset-versions"),
    path("datasets/<str:name>/versions/<str:number>", data_api.version, name="dataset-version"),
    path("datasets/<str:name>/versions/<str:number>/profile", data_api.profile, name="dataset-profile"),
    path("datasets/<str:name>/versions/<str:number>/files", data_api.version_files, name="dataset-files"),
    path("datasets/<str:name>/versions/<str:number>/files/<path:path>", data_api.version_file, name="dataset-file"),
]
