"""Pages, below /w/<workspace>/."""

from django.urls import path

from compute import environment_views, node_views, views

app_name = "compute"

urlpatterns = [
    path("environments/", environment_views.environment_list, name="environment-list"),
    path("environments/new/", environment_views.environment_create, name="environment-create"),
    path("environments/rules/", environment_views.environment_rules, name="environment-rules"),
    path("environments/named/<str:reference>/", environment_views.environment_named, name="environment-named"),
    path("environments/named/<str:reference>/build/", environment_views.environment_build, name="environment-build"),
    path("environments/<str:digest>/", environment_views.environment_detail, name="environment-detail"),
    path("environments/<str:digest>/state/", environment_views.environment_state, name="environment-state"),
    path("environments/<str:digest>/log/", environment_views.environment_log, name="environment-log"),
    path("compute/", views.target_list, name="target-list"),
    path("compute/new/", views.target_create, name="target-create"),
    path("compute/<str:name>/", views.target_detail, name="target-detail"),
    path("compute/<str:name>/scale/", views.target_scale, name="target-scale"),
    path("compute/<str:name>/join/", views.target_join, name="target-join"),
    path("compute/<str:name>/delete/", views.target_delete, name="target-delete"),
    path("compute/<str:name>/nodes/<int:node_id>/", node_views.node_detail, name="target-node"),
    path("compute/<str:name>/nodes/<int:node_id>/log/", node_views.node_log, name="target-node-log"),
    path("compute/<str:name>/nodes/<int:node_id>/<str:act>/", node_views.node_act, name="target-node-act"),
]
