"""Pages, below /w/<workspace>/."""

from django.urls import path

from jobs import code_views, submit_views, views

app_name = "jobs"

urlpatterns = [
    path("jobs/", views.job_list, name="job-list"),
    path("jobs/new/", submit_views.code, name="submit-code"),
    path("jobs/new/<str:digest>/", submit_views.submit, name="submit"),
    path("jobs/sample/", views.run_sample, name="run-sample"),
    path("jobs/on/<int:target_id>/", views.for_target, name="for-target"),
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
