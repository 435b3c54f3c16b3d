"""Every read of registered models and versions beyond a single lookup."""

from registry.queries.search import search_models, search_versions
from registry.queries.single import (
    latest_versions,
    latest_versions_of,
    model,
    model_files,
    version,
    version_by_alias,
)

__all__ = [
    "latest_versions",
    "latest_versions_of",
    "model",
    "model_files",
    "search_models",
    "search_versions",
    "version",
    "version_by_alias",
]
