"""Pages, below /w/<workspace>/."""

from django.urls import path

from compute import views

app_name = "compute"

urlpatterns = [
    path("environments/", views.environment_list, name="environment-list"),
    path("environments/<str:digest>/", views.environment_detail, name="environment-detail"),
    path("environments/<str:digest>/state/", views.environment_state, name="environment-state"),
    path("environments/<str:digest>/log/", views.environment_log, name="environment-log"),
    path("compute/", views.target_list, name="target-list"),
]
