"""The way up of a revision: its environment, its start, its first answers."""

from __future__ import annotations

from django.utils.translation import gettext as _

from compute.models import BuildState
from deployments import failures
from deployments.drivers.base import Observed
from deployments.models import DeploymentState
from deployments.reconciling.revision import START_DEADLINE_MS, TRACE_LINES, Revision
from deployments.reconciling.staying import restart

STARTS_BEFORE_FAILED = 3


def ask_for_environment(revision: Revision) -> None:
    version = revision.row.model_version
    if version is None:
        revision.fail(_("The model version was deleted."))
        return
    build = revision.world.request_environment(version, revision.row)
    revision.row.environment = build
    revision.enter(DeploymentState.BUILDING, environment=build)
    start_when_built(revision)


def start_when_built(revision: Revision) -> None:
    build = revision.row.environment
    if build is None:
        revision.enter(DeploymentState.QUEUED)
    elif build.state == BuildState.FAILED:
        revision.fail(_("The environment could not be built."), trace=build.error)
    elif build.state == BuildState.READY:
        start(revision)
    else:
        revision.tell(revision.world.build_line(build))


def start(revision: Revision) -> None:
    spec = revision.spec()
    if spec is None:
        # Its files are gone, though the row says they are there: have it built anew.
        revision.enter(DeploymentState.QUEUED, environment=None)
        return
    revision.put_files(spec)
    # The state comes first: if we end between the two, the next step finds a revision to wait for or start.
    revision.enter(DeploymentState.STARTING)
    revision.driver.apply(spec)


def wait_until_ready(revision: Revision) -> None:
    seen = revision.observe()
    if len(seen.ready) >= revision.row.replicas:
        if revision.is_in(DeploymentState.STARTING):
            revision.enter(DeploymentState.PROBING)
            seen = revision.observe()  # asked twice before anything is sent there
        if len(seen.ready) >= revision.row.replicas:
            revision.enter(DeploymentState.HEALTHY)
    elif seen.ended:
        judge(revision, seen)
    elif len(seen.replicas) < revision.row.replicas:
        revision.apply()
    elif any(one.state == "unready" for one in seen.replicas) and revision.is_in(DeploymentState.STARTING):
        revision.enter(DeploymentState.PROBING)
    elif revision.since_ms() > START_DEADLINE_MS:
        revision.fail(
            _("The replica was not ready after %s minutes.") % (START_DEADLINE_MS // 60_000), revision.trace()
        )


def judge(revision: Revision, seen: Observed) -> None:
    """Fail a revision whose replica ended by itself; one that was killed from outside gets another chance."""
    ended = seen.ended[0]
    was_killed = ended.exit_code is not None and ended.exit_code < 0 and not ended.is_out_of_memory
    if was_killed and revision.row.restarts + 1 < STARTS_BEFORE_FAILED:
        restart(revision)
        return
    lines = revision.driver.logs(revision.row.key, TRACE_LINES)
    reason = failures.sentence(ended, lines, revision.row.memory_bytes)
    revision.fail(reason, failures.trace(lines))
