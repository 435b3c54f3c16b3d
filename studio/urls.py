"""Every address of the studio. What is inside a workspace stands under /w/<workspace>/."""

from django.urls import include, path

from compute import api_urls as compute_api
from deployments.views import prometheus
from jobs import api_urls as jobs_api
from studio import client, mlflow_urls, views
from studio.health import health
from workspaces import api as workspaces_api

handler400 = "lib.answers.bad_request"
handler404 = "lib.answers.not_found"
handler500 = "lib.answers.server_error"

STUDIO = [
    path("", views.home, name="home"),
    path("find/", views.find, name="find"),
    path("client-token/", views.client_token, name="client-token"),
    path("config.json", client.config, name="config"),
    path("api/v1/workspace", workspaces_api.workspace, name="workspace"),
    path("api/v1/quota", workspaces_api.quota, name="quota"),
    path("api/v1/contents", workspaces_api.contents, name="contents"),
]

# Each app adds its pages here, and its API where it has one.
WORKSPACE = [
    # MLflow's clients, of the workspace in the address; first, since nobody else asks as often …
    path("", include(mlflow_urls.urlpatterns)),
    path("", include((STUDIO, "studio"))),
    path("", include("experiments.urls")),
    path("", include("registry.urls")),
    path("", include("compute.urls")),
    path("", include("jobs.urls")),
    path("", include("deployments.urls")),
    path("api/v1/", include("experiments.api_urls")),
    path("api/v1/", include("registry.api_urls")),
    path("api/v1/", include("compute.api_urls")),
    path("api/v1/", include("jobs.api_urls")),
    path("api/v1/", include("deployments.api_urls")),
    path("api/v1/", include("workspaces.webhooks.api_urls")),
]

# The address that the `azureml` client makes of a workspace, as MLflow's clients then use it.
AZUREML = (
    "mlflow/<str:protocol>/subscriptions/<str:subscription>/resourceGroups/<str:resource_group>"
    "/providers/Microsoft.MachineLearningServices/workspaces/<str:workspace>/"
)

urlpatterns = [
    # … and of the caller's default workspace, or the one that the header names.
    path("", include(mlflow_urls.urlpatterns)),
    path("health", health, name="health"),
    path("sdk/", client.listing, name="client"),
    path("sdk/<str:name>", client.wheel, name="client-wheel"),
    path("metrics", prometheus.metrics, name="prometheus"),
    path("", views.root, name="root"),
    path("", include("workspaces.urls")),
    path("api/v1/", include("workspaces.api_urls")),
    path("api/v1/", include((compute_api.NODE + jobs_api.NODE, "nodes"))),
    path("w/<str:workspace>/", include(WORKSPACE)),
    path(AZUREML, views.mlflow_link, name="mlflow-link"),
    path(AZUREML, include(mlflow_urls.urlpatterns)),
]
