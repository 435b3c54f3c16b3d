"""Static files from the project and from packages, without what packages carry beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from django.contrib.staticfiles.finders import FileSystemFinder
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

# plotly's package_data also holds sample data sets and templates that no page asks for.
LEFT_OUT = ["datasets", "templates", "widgetbundle.js"]


# Thirty links would be thirty requests before a new visitor sees the page.
STYLES = "css/studio.css"
IMPORTED = re.compile(r'^@import "([^"]+)";$', re.MULTILINE)

Paths = dict[str, tuple[Any, str]]


class ChosenFilesFinder(FileSystemFinder):
    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        return super().list([*(ignore_patterns or []), *LEFT_OUT])


class ModuleStorage(ManifestStaticFilesStorage):
    """Names files by their content, also where one script imports another; a page asks for one stylesheet."""

    support_js_module_import_aggregation = True
    # Only our own modules: what packages carry has words like imports in its comments.
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        ManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],  # type: ignore[attr-defined]
    )

    def post_process(self, paths: Paths, dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if not dry_run and STYLES in paths:
            joined = InMemoryStorage()
            joined.save(STYLES, ContentFile(join_styles(paths).encode()))
            paths = {**paths, STYLES: (joined, STYLES)}
        yield from super().post_process(paths, dry_run, **options)


def join_styles(paths: Paths) -> str:
    """Put the stylesheets that STYLES imports in its place, in their order."""
    here = PurePosixPath(STYLES).parent
    return IMPORTED.sub(lambda found: text(paths, str(here / found[1])), text(paths, STYLES))


def text(paths: Paths, name: str) -> str:
    storage, path = paths[name]
    with storage.open(path) as file:
        return str(file.read().decode())
