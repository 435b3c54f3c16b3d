"""Build the sample's environment, so that the sample runs at once and without a network."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from compute.environments import BuildFailed, find
from compute.environments.build import builder_at
from jobs import sample


class Command(BaseCommand):
    help = "Build the environment of the sample; nothing is done when it is there. Needs no database."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        spec = sample.environment()
        if find(settings.ENVIRONMENTS_DIR, spec.digest):
            self.stdout.write("the sample's environment is there")
            return
        try:
            built = builder_at(settings.RUNTIME_HOME).build(spec)
        except BuildFailed as error:
            log = settings.ENVIRONMENTS_DIR / spec.digest / "build.log"
            raise CommandError(f"The sample's environment could not be built (see {log}): {error}") from None
        self.stdout.write(f"the sample's environment was built in {built.seconds} s")
