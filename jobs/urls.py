"""Pages, below /w/<workspace>/."""

from django.urls import path

from jobs import code_views, submit_views, views
from jobs.schedules import views as schedule_views
from jobs.sweeps import views as sweep_views

app_name = "jobs"

urlpatterns = [
    path("jobs/", views.job_list, name="job-list"),
    path("jobs/new/", submit_views.code, name="submit-code"),
    path("jobs/new/<str:digest>/", submit_views.submit, name="submit"),
    path("jobs/sample/", views.run_sample, name="run-sample"),
    path("jobs/on/<int:target_id>/", views.for_target, name="for-target"),
    path("jobs/on-node/<int:node_id>/", views.for_node, name="for-node"),
    path("jobs/sweeps/", sweep_views.sweep_list, name="job-sweeps"),
    path("jobs/sweeps/<str:run_id>/", sweep_views.sweep_detail, name="job-sweep"),
    path("jobs/sweeps/<str:run_id>/cancel/", sweep_views.cancel, name="job-sweep-cancel"),
    path("jobs/schedules/", schedule_views.schedule_list, name="job-schedules"),
    path("jobs/schedules/<int:schedule_id>/", schedule_views.schedule_detail, name="job-schedule"),
    path("jobs/schedules/<int:schedule_id>/pause/", schedule_views.pause, name="job-schedule-pause"),
    path("jobs/schedules/<int:schedule_id>/resume/", schedule_views.resume, name="job-schedule-resume"),
    path("jobs/schedules/<int:schedule_id>/run/", schedule_views.run_now, name="job-schedule-run"),
    path("jobs/schedules/<int:schedule_id>/delete/", schedule_views.delete, name="job-schedule-delete"),
    path("jobs/<str:run_id>/sweep/", sweep_views.sweep_create, name="job-sweep-create"),
    path("jobs/<str:run_id>/schedule/", schedule_views.schedule_create, name="job-schedule-create"),
    path("jobs/<str:run_id>/", views.for_run, name="for-run"),
    path("jobs/<str:run_id>/state/", views.state, name="state"),
    path("jobs/<str:run_id>/cancel/", views.cancel, name="cancel"),
    path("jobs/<str:run_id>/rerun/", views.rerun, name="rerun"),
    path("jobs/<str:run_id>/code/", code_views.code, name="code"),
    path("jobs/<str:run_id>/code/file/", code_views.code_file, name="code-file"),
    path("jobs/<str:run_id>/code/zip/", code_views.code_zip, name="code-zip"),
    path("jobs/<str:run_id>/code/diff/", code_views.code_diff, name="code-diff"),
    path("jobs/<str:run_id>/log/<path:name>", views.log, name="log"),
    path("jobs/<str:run_id>/log-file/<path:name>", views.log_download, name="log-download"),
]
