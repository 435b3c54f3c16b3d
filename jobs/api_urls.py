"""The API below /w/<workspace>/api/v1/, and what nodes call, below /api/v1/."""

from django.urls import path

from jobs import api, node_api
from jobs.schedules import api as schedule_api
from jobs.sweeps import api as sweep_api

app_name = "jobs-api"

urlpatterns = [
    path("jobs", api.jobs, name="jobs"),
    path("jobs/sample", api.run_sample, name="run-sample"),
    path("jobs/<str:run_id>", api.job, name="job"),
    path("jobs/<str:run_id>/cancel", api.cancel, name="cancel"),
    path("jobs/<str:run_id>/rerun", api.rerun, name="rerun"),
    path("jobs/<str:run_id>/logs/<path:name>", api.log, name="log"),
    path("sweeps", sweep_api.sweeps, name="sweeps"),
    path("sweeps/<str:run_id>", sweep_api.sweep, name="sweep"),
    path("sweeps/<str:run_id>/cancel", sweep_api.cancel, name="sweep-cancel"),
    path("schedules", schedule_api.schedules, name="schedules"),
    path("schedules/<str:name>", schedule_api.schedule, name="schedule"),
    path("schedules/<str:name>/<str:verb>", schedule_api.act, name="schedule-act"),
    path("snapshots", api.list_snapshot, name="snapshots"),
    path("snapshots/blobs", api.store_contents, name="snapshot-contents"),
    path("snapshots/<str:digest>", api.snapshot, name="snapshot"),
    path("snapshots/<str:digest>/zip", api.snapshot_zip, name="snapshot-zip"),
]

NODE = [
    path("node/claim", node_api.claim, name="node-claim"),
    path("node/jobs", node_api.held, name="node-jobs"),
    path("node/known", node_api.known, name="node-known"),
    path("node/jobs/<str:run_id>/beat", node_api.beat, name="node-beat"),
    path("node/jobs/<str:run_id>/finish", node_api.finish, name="node-finish"),
    path("node/jobs/<str:run_id>/logs/<path:name>", node_api.log, name="node-log"),
    path("node/jobs/<str:run_id>/snapshot", node_api.snapshot, name="node-snapshot"),
    path("node/jobs/<str:run_id>/inputs/<str:name>", node_api.input_files, name="node-input-files"),
    path("node/jobs/<str:run_id>/inputs/<str:name>/<int:place>", node_api.input_file, name="node-input-file"),
]
