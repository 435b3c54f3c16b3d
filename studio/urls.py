"""Every address of the studio. What is inside a workspace stands under /w/<workspace>/."""

from django.urls import URLPattern, URLResolver, include, path

from studio import mlflow_urls, views
from studio.health import health
from workspaces import api as workspaces_api

handler400 = "lib.answers.bad_request"
handler404 = "lib.answers.not_found"
handler500 = "lib.answers.server_error"

# Each app adds its pages here, and its API where it has one.
WORKSPACE: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("api/v1/contents", workspaces_api.contents, name="contents"),
    path("api/v1/", include("workspaces.webhooks.api_urls")),
]

urlpatterns = [
    path("health", health, name="health"),
    path("", views.root, name="root"),
    path("", include("workspaces.urls")),
    path("api/v1/", include("workspaces.api_urls")),
    path("w/<str:workspace>/", include((WORKSPACE, "studio"))),
    # MLflow's clients: of the caller's default workspace (or the header's), and of the one in the address.
    path("", include(mlflow_urls.urlpatterns)),
    path("w/<str:workspace>/", include(mlflow_urls.urlpatterns)),
]
