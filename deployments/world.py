"""What the reconciler touches outside the database, in one place, so that its tests can hand it another world."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.module_loading import import_string

from compute import queries as compute_queries
from compute.models import EnvironmentBuild
from deployments import environments, model_files, targets
from deployments.drivers.base import Program, ServingDriver
from deployments.drivers.process import short
from deployments.environments import Interpreter
from deployments.models import Deployment
from deployments.routes import Routes
from lib.clock import now_ms
from registry.models import ModelVersion

# Each endpoint's replicas are a user of their own, without an account, when the studio runs as root.
FIRST_UID = 700_000_000


@dataclass(frozen=True)
class World:
    driver: Callable[[str], ServingDriver]
    routes: Routes
    models: Path
    request_environment: Callable[[ModelVersion, Deployment], EnvironmentBuild]
    interpreter: Callable[[EnvironmentBuild], Interpreter | None]
    build_line: Callable[[EnvironmentBuild], str]
    program: Callable[[Interpreter], Program]
    put_files: Callable[[ModelVersion, Path, int | None], None]
    put_code: Callable[[Mapping[str, str], Path, int | None], None]
    remove_files: Callable[[Path], None]
    now_ms: Callable[[], int]
    is_root: bool

    def folder(self, deployment: Deployment) -> Path:
        """Give the place of the model's files."""
        return self.models / f"{deployment.key}.model"

    def code_folder(self, deployment: Deployment) -> Path:
        """Give the place of the entry script and what lies beside it."""
        return self.models / f"{deployment.key}.code"

    def owner(self, deployment: Deployment, python: Interpreter) -> int | None:
        """Give the user that the replicas run as; None for the studio's own.

        When the interpreter lies where no other user can go, only the studio's own user can run it.
        """
        return FIRST_UID + deployment.endpoint_id if self.is_root and python.is_reachable else None


def real() -> World:
    return World(
        driver=targets.driver,
        # The gateway belongs to the shell above; its name comes by the settings, as its import may not.
        routes=Routes(
            settings.HOME,
            import_string(settings.GATEWAY_RELOAD),
            sockets=short(settings.HOME / "run", "mirror-0000000000.sock"),
        ),
        models=settings.REPLICAS_DIR,
        request_environment=environments.request,
        interpreter=environments.interpreter,
        build_line=compute_queries.build_newest_line,
        program=environments.program,
        put_files=model_files.put,
        put_code=model_files.put_code,
        remove_files=model_files.remove,
        now_ms=now_ms,
        is_root=os.geteuid() == 0,
    )
