"""Addresses of models and their versions, below a workspace."""

from django.urls import path

from registry.views import models, purges, versions

app_name = "registry"

VERSION = "models/<str:name>/versions/<int:number>/"

urlpatterns = [
    path("models/", models.model_list, name="model-list"),
    path("models/<str:name>/", models.model_detail, name="model-detail"),
    path("models/<str:name>/rename/", models.model_rename, name="model-rename"),
    path("models/<str:name>/describe/", models.model_describe, name="model-describe"),
    path("models/<str:name>/tag/", models.model_tag, name="model-tag"),
    path("models/<str:name>/delete/", models.model_delete, name="model-delete"),
    path("models/<str:name>/purge/", purges.model_purge, name="model-purge"),
    path(VERSION, versions.version_detail, name="version-detail"),
    path(f"{VERSION}artifacts/", versions.version_artifacts, name="version-artifacts"),
    path(f"{VERSION}artifact/", versions.version_artifact, name="version-artifact"),
    path(f"{VERSION}describe/", versions.version_describe, name="version-describe"),
    path(f"{VERSION}tag/", versions.version_tag, name="version-tag"),
    path(f"{VERSION}aliases/", versions.alias_set, name="alias-set"),
    path(f"{VERSION}aliases/delete/", versions.alias_delete, name="alias-delete"),
    path(f"{VERSION}delete/", versions.version_delete, name="version-delete"),
    path(f"{VERSION}purge/", purges.version_purge, name="version-purge"),
    path("runs/<str:run_id>/versions/", versions.for_run, name="for-run"),
    path("runs/<str:run_id>/register-form/", versions.register_form, name="register-form"),
    path("runs/<str:run_id>/register/", versions.register, name="register"),
]
