"""What is above a workspace, under /api/v1/."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from workspaces import access, api
from workspaces.logins import api as logins

app_name = "workspaces-api"

urlpatterns = [
    path("openapi", access.signed_in(SpectacularAPIView.as_view()), name="openapi"),
    path("logins", logins.logins, name="logins"),
    path("logins/tokens", logins.login_tokens, name="login-tokens"),
    path("access-tokens", logins.access_tokens, name="access-tokens"),
    path("groups", api.groups, name="groups"),
    path("groups/<str:name>", api.group, name="group"),
    path("groups/<str:name>/workspaces", api.group_workspaces, name="group-workspaces"),
    path("workspaces", api.workspaces, name="workspaces"),
]
