"""Static files from the project and from packages, without what packages carry beside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.staticfiles.finders import FileSystemFinder

# plotly's package_data also holds sample data sets and templates that no page asks for.
LEFT_OUT = ["datasets", "templates", "widgetbundle.js"]


class ChosenFilesFinder(FileSystemFinder):
    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        return super().list([*(ignore_patterns or []), *LEFT_OUT])
