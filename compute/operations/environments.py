"""Environments are asked for; a task of the queue `build` makes them, once for all who ask."""

from __future__ import annotations

import logging
from dataclasses import replace

from django.conf import settings
from django.db import connection, transaction

from compute import environments
from compute.environments import Built, EnvironmentSpec
from compute.environments.build import builder_at, is_being_built
from compute.models import BuildState, EnvironmentBuild, EnvironmentRules, EnvironmentUse
from lib.clock import now_ms
from workspaces.access import Actor, operation
from workspaces.models import Workspace

logger = logging.getLogger(__name__)

# Builds share a machine and its network with everything else; more at once are not sooner done.
BUILDS_AT_ONCE = 2


@operation("compute.write")
def request_environment(actor: Actor, workspace: Workspace, *, spec: EnvironmentSpec) -> EnvironmentBuild:
    """Give the environment of this content, and see to it that it gets built; one that failed is tried again.

    In a workspace that is strict, it is built without replacing anything.
    """
    if not spec.is_strict and EnvironmentRules.objects.filter(workspace=workspace, is_strict=True).exists():
        spec = replace(spec, is_strict=True)
    build, _is_new = EnvironmentBuild.objects.get_or_create(
        digest=spec.digest, defaults={"spec": spec.as_json(), "name": spec.name, "notes": list(spec.notes)}
    )
    EnvironmentUse.objects.get_or_create(workspace=workspace, build=build)
    gone = build.state == BuildState.READY and environments.find(settings.ENVIRONMENTS_DIR, build.digest) is None
    if build.state == BuildState.FAILED or gone:
        EnvironmentBuild.objects.filter(pk=build.pk, state=build.state).update(
            state=BuildState.QUEUED, error="", requested_ms=now_ms(), started_ms=None, ended_ms=None
        )
        build.refresh_from_db()
    found = environments.find(settings.ENVIRONMENTS_DIR, build.digest) if build.state == BuildState.QUEUED else None
    if found:
        mark_ready(build, found)
        build.refresh_from_db()
    if build.state == BuildState.READY:
        EnvironmentBuild.objects.filter(pk=build.pk).update(used_ms=now_ms())
    elif build.state == BuildState.QUEUED:
        transaction.on_commit(lambda: send(build.pk))
    return build


def send(build_id: int) -> None:
    from compute.tasks import build_environment  # tasks import this module

    build_environment.apply_async((build_id,), queue="build")


def build_next_step(build_id: int) -> None:
    """Build a queued environment, or note that it is there; called again and again, by many, it builds once."""
    build = EnvironmentBuild.objects.filter(pk=build_id).exclude(state=BuildState.READY).first()
    if build is None or build.state == BuildState.FAILED:
        return
    if found := environments.find(settings.ENVIRONMENTS_DIR, build.digest):
        mark_ready(build, found)
    elif build.state == BuildState.BUILDING:
        # Its builder holds a file lock for as long as it lives; without one it was killed, and another may begin.
        if not is_being_built(settings.ENVIRONMENTS_DIR, build.digest):
            rows = EnvironmentBuild.objects.filter(pk=build.pk, state=BuildState.BUILDING)
            rows.filter(started_ms__lt=now_ms() - 5000).update(state=BuildState.QUEUED)
    elif claim(build):
        run_build(build)


def claim(build: EnvironmentBuild) -> bool:
    """Take a queued build, if few enough are under way. Of two claims at once one wins."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('environment builds'))")
        if EnvironmentBuild.objects.filter(state=BuildState.BUILDING).count() >= BUILDS_AT_ONCE:
            return False
        rows = EnvironmentBuild.objects.filter(pk=build.pk, state=BuildState.QUEUED)
        return bool(rows.update(state=BuildState.BUILDING, started_ms=now_ms(), ended_ms=None, error=""))


def run_build(build: EnvironmentBuild) -> None:
    spec = EnvironmentSpec.from_json(build.spec)
    connection.close()  # for the minutes that it takes
    try:
        built = builder_at(settings.RUNTIME_HOME).build(spec)
    except environments.BuildFailed as error:
        mark_failed(build, str(error))
    except OSError as error:
        logger.exception("environment could not be built digest=%s", build.digest)
        mark_failed(build, f"The builder met a problem of this machine: {error}")
    else:
        mark_ready(build, built)


def mark_ready(build: EnvironmentBuild, built: Built) -> None:
    now = now_ms()
    EnvironmentBuild.objects.filter(pk=build.pk).exclude(state=BuildState.READY).update(
        state=BuildState.READY,
        lock=built.lock,
        notes=list(built.notes),
        error="",
        started_ms=build.started_ms or now,
        ended_ms=now,
        used_ms=now,
    )


def mark_failed(build: EnvironmentBuild, error: str) -> None:
    rows = EnvironmentBuild.objects.filter(pk=build.pk, state=BuildState.BUILDING)
    rows.update(state=BuildState.FAILED, error=error.replace("\x00", "")[-20_000:], ended_ms=now_ms())
