"""How the studio's API describes itself: names that no two apps can both choose."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema

FRONT = re.compile(r"^/(w/\{workspace\}/)?api/v\d+/")


class Schema(AutoSchema):
    """Names operations by method and path, and components by their app: "get_runs_by_run_id", "JobsLogOut"."""

    def get_operation_id(self) -> str:
        """Return a name for the route, the same as long as its path is."""
        whole = "workspace_" if self.path.startswith("/w/") else ""
        words = [f"by_{word[1:-1]}" if word.startswith("{") else word for word in FRONT.sub("", self.path).split("/")]
        return re.sub(r"\W+", "_", f"{self.method.lower()}_{whole}{'_'.join(filter(None, words))}")

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        """Return the class's name after its app's: two apps may well have a `LogOut`."""
        name = str(super().get_serializer_name(serializer, direction))
        app = type(serializer).__module__.partition(".")[0].capitalize()
        return name if name.startswith(app) else f"{app}{name}"
