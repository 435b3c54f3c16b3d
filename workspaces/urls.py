"""Signing in, the account, resource groups."""

from django.urls import path

from workspaces import views
from workspaces.logins import views as logins

app_name = "workspaces"

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-in/<str:secret>/", views.use_link, name="use-link"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("workspaces/", views.switcher, name="switcher"),
    path("account/", views.account, name="account"),
    path("account/tokens/", views.token_create, name="token-create"),
    path("account/tokens/<int:token_id>/revoke/", views.token_revoke, name="token-revoke"),
    path("account/password/", views.password, name="password"),
    path("device/", logins.confirm, name="login-confirm"),
    path("groups/", views.group_list, name="group-list"),
    path("groups/create/", views.group_create, name="group-create"),
    path("groups/<str:name>/", views.group_detail, name="group-detail"),
    path("groups/<str:name>/delete/", views.group_delete, name="group-delete"),
    path("groups/<str:name>/workspaces/<str:which>/quota/", views.quota, name="quota"),
    path("groups/<str:name>/workspaces/create/", views.workspace_create, name="workspace-create"),
]
