"""The API below /w/<workspace>/api/v1/."""

from django.urls import path

from registry import api, files_api

app_name = "registry-api"

urlpatterns = [
    path("models", api.models, name="models"),
    path("models/<str:name>", api.model, name="model"),
    path("models/<str:name>/versions", api.versions, name="versions"),
    path("models/<str:name>/versions/<str:number>", api.version, name="version"),
    path("models/<str:name>/versions/<str:number>/files", files_api.files, name="version-files"),
    path("models/<str:name>/versions/<str:number>/files/<path:path>", files_api.file, name="version-file"),
]
