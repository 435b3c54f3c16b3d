"""The API below /w/<workspace>/api/v1/, and what nodes call, below /api/v1/."""

from django.urls import path

from compute import api, node_api

app_name = "compute-api"

urlpatterns = [
    path("environments", api.environments, name="environments"),
    path("environments/<str:reference>", api.environment, name="environment"),
    path("environments/<str:reference>/build", api.build_environment, name="build-environment"),
    path("environment-builds", api.builds, name="builds"),
    path("environment-builds/<str:digest>", api.build, name="build"),
    path("environment-builds/<str:digest>/log", api.build_log, name="build-log"),
    path("compute", api.targets, name="targets"),
    path("compute-sizes", api.vm_sizes, name="vm-sizes"),
    path("compute/<str:name>", api.target, name="target"),
    path("compute/<str:name>/join-token", api.join_token, name="join-token"),
    path("compute/<str:name>/nodes/<str:node>", api.node_act, name="node-act"),
]

# Above any workspace, below /api/v1/: a node serves all of them.
NODE = [
    path("node/heartbeat", node_api.heartbeat, name="node-heartbeat"),
    path("node/leave", node_api.leave, name="node-leave"),
    path("node/broker", node_api.broker_credentials, name="node-broker"),
    path("node/hosted", node_api.hosted, name="node-hosted"),
    path("node/hosted/<int:node_id>/admit", node_api.admit, name="node-admit"),
    path("node/hosted/<int:node_id>/dismiss", node_api.dismiss, name="node-dismiss"),
]
