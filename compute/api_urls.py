"""The API below /w/<workspace>/api/v1/."""

from django.urls import path

from compute import api

app_name = "compute-api"

urlpatterns = [
    path("environments", api.environments, name="environments"),
    path("environments/<str:digest>", api.environment, name="environment"),
    path("compute", api.targets, name="targets"),
]

# Above any workspace, below /api/v1/: a node serves all of them.
NODE = [path("node/heartbeat", api.node_heartbeat, name="node-heartbeat")]
