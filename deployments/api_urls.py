"""The API below /w/<workspace>/api/v1/."""

from django.urls import path

from deployments import api

app_name = "deployments-api"

urlpatterns = [
    path("endpoints", api.endpoints, name="endpoints"),
    path("endpoints/<str:name>", api.endpoint, name="endpoint"),
    path("endpoints/<str:name>/deployments", api.deployments, name="deployments"),
    path("endpoints/<str:name>/traffic", api.traffic, name="traffic"),
    path("endpoints/<str:name>/token", api.token, name="token"),
    path("endpoints/<str:name>/history", api.history, name="history"),
    path("endpoints/<str:name>/metrics", api.metrics, name="metrics"),
    path("endpoints/<str:name>/collected", api.collected, name="collected"),
    path("endpoints/<str:name>/roll-back", api.roll_back, name="roll-back"),
    path("endpoints/<str:name>/stop", api.stop, name="stop"),
    path("endpoints/<str:name>/start", api.start, name="start"),
    path("endpoints/<str:name>/keys", api.keys, name="keys"),
    path("endpoints/<str:name>/keys/regenerate", api.regenerate_key, name="regenerate-key"),
    path("endpoints/<str:name>/logs", api.logs, name="logs"),
]
