"""Static files from the project and from packages, without what packages carry beside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.staticfiles.finders import FileSystemFinder
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

# plotly's package_data also holds sample data sets and templates that no page asks for.
LEFT_OUT = ["datasets", "templates", "widgetbundle.js"]


class ChosenFilesFinder(FileSystemFinder):
    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        return super().list([*(ignore_patterns or []), *LEFT_OUT])


class ModuleStorage(ManifestStaticFilesStorage):
    """Names files by their content, also where one script imports another."""

    support_js_module_import_aggregation = True
    # Only our own modules: what packages carry has words like imports in its comments.
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        ManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],  # type: ignore[attr-defined]
    )
