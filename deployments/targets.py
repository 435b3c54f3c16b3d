"""The table of drivers: kind → where its class is, imported on first use, and the options it is made with."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from deployments.drivers.base import ServingDriver

DRIVERS: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "process": ("deployments.drivers.process", lambda: {"root": settings.REPLICAS_DIR}),
}
CLASSES = {"process": "ProcessDriver"}


@cache
def driver(kind: str) -> ServingDriver:
    """Give the driver of a kind. KeyError for one that the table does not have."""
    module, options = DRIVERS[kind]
    made: ServingDriver = import_string(f"{module}.{CLASSES[kind]}")(import_string(f"{module}.Options")(**options()))
    return made
