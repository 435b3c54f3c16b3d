"""Pages, below /w/<workspace>/."""

from django.urls import path

from jobs import views

app_name = "jobs"

urlpatterns = [
    path("jobs/", views.job_list, name="job-list"),
    path("jobs/sample/", views.run_sample, name="run-sample"),
    path("jobs/on/<int:target_id>/", views.for_target, name="for-target"),
    path("jobs/<str:run_id>/", views.for_run, name="for-run"),
    path("jobs/<str:run_id>/state/", views.state, name="state"),
    path("jobs/<str:run_id>/cancel/", views.cancel, name="cancel"),
    path("jobs/<str:run_id>/logs/<str:name>/", views.log, name="log"),
    path("jobs/<str:run_id>/logs/<str:name>/download/", views.log_download, name="log-download"),
]
