"""Lay out the scoring server, so that the first deployment needs no network for it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from compute.environments import interpreters
from compute.environments.build import builder_at
from compute.environments.spec import default_python
from deployments import layer
from deployments.drivers.base import DriverError


class Command(BaseCommand):
    help = "Install what replicas need beside their model's packages; nothing is done when it is there."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            python, _note = interpreters.choose(default_python(), interpreters.installed())
            wheels = builder_at(settings.RUNTIME_HOME).cache
            layer.ensure(python.path, python.minor, settings.RUNTIME_HOME / "serving", wheels)
        except (ValueError, DriverError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"the scoring server is there for Python {python.minor}")
