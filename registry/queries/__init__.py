"""Every read of registered models and versions beyond a single lookup."""

from registry.queries.search import search_models, search_versions
from registry.queries.single import (
    latest_versions,
    model,
    model_files,
    version,
    version_by_alias,
)
from registry.queries.written import models_json

__all__ = [
    "latest_versions",
    "model",
    "model_files",
    "models_json",
    "search_models",
    "search_versions",
    "version",
    "version_by_alias",
]
