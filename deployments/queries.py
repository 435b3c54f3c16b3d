"""Reads of endpoints beyond a single lookup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from deployments import targets
from deployments.models import COMING, SERVING, STAGES, Change, Deployment, DeploymentState, Endpoint, Wanted
from lib.clock import now_ms
from lib.textfile import Piece
from registry.models import ModelVersion
from workspaces.access import Actor
from workspaces.models import Workspace

STEP_NAMES = {
    DeploymentState.QUEUED: _("Queued"),
    DeploymentState.BUILDING: _("Environment"),
    DeploymentState.STARTING: _("Loading the model"),
    DeploymentState.PROBING: _("Probing"),
    DeploymentState.HEALTHY: _("Healthy"),
}
MOST_VERSIONS = 200


@dataclass(frozen=True)
class Stage:
    """A stage of a revision's way: done, running, failed or pending, and how long it took or has lasted."""

    name: str | Promise
    state: str
    took_ms: int | None
    is_current: bool


def endpoints(actor: Actor, workspace: Workspace) -> QuerySet[Endpoint]:
    """List a workspace's endpoints by name, each with its revisions, newest first."""
    revisions = Deployment.objects.select_related("model_version__model").order_by("-revision")
    rows = Endpoint.objects.visible_to(actor).filter(workspace=workspace).select_related("workspace")
    return rows.prefetch_related(Prefetch("deployments", revisions)).order_by("name")


def endpoints_of(actor: Actor, version: ModelVersion) -> QuerySet[Endpoint]:
    """List the endpoints on which any revision of a model version is or was."""
    return endpoints(actor, version.model.workspace).filter(deployments__model_version=version).distinct()


def deployments(endpoint: Endpoint) -> QuerySet[Deployment]:
    """List an endpoint's revisions, newest first."""
    return endpoint.deployments.select_related("model_version__model", "environment", "endpoint").order_by("-revision")


def history(endpoint: Endpoint, count: int = 100) -> QuerySet[Change]:
    """List what was done to an endpoint, newest first."""
    return endpoint.changes.order_by("-at_ms", "-pk")[:count]


def serving(endpoint: Endpoint) -> Deployment | None:
    """Give the revision that has the most of the traffic."""
    found: Deployment | None = max(
        (one for one in endpoint.deployments.all() if one.traffic), key=lambda one: one.traffic, default=None
    )
    return found


def replicas_for_next(endpoint: Endpoint) -> int:
    """Give how many replicas an endpoint's next revision begins with: as many as serve now."""
    serves = (one for one in endpoint.deployments.all() if one.traffic and one.state in SERVING)
    counts: list[int] = [one.replicas for one in serves if one.wanted == Wanted.RUNNING]
    return max(counts, default=1)


def shown(endpoint: Endpoint) -> Deployment | None:
    """Give the revision a page is about: one on its way or failed if it is the newest, else the one that serves."""
    newest: Deployment | None = max(endpoint.deployments.all(), key=lambda one: one.revision, default=None)
    if newest is not None and newest.state in (*COMING, DeploymentState.FAILED):
        return newest
    return serving(endpoint) or newest


def stages(deployment: Deployment) -> list[Stage]:
    """Give the way of a revision: what is done with its time, what goes on, what is to come."""
    since: dict[str, int] = dict(reversed(deployment.stages))
    reached = [state for state in STAGES if state in since]
    last = reached[-1] if reached else DeploymentState.QUEUED
    ends = [since[state] for state in reached[1:]]
    end = since.get(DeploymentState.FAILED) or since.get(DeploymentState.STOPPED) or now_ms()
    return [
        Stage(
            STEP_NAMES[state],
            _stage_state(deployment, state, last, is_reached=state in since),
            _took(state, last, since, ends, reached, end),
            is_current=state == last and deployment.state in COMING,
        )
        for state in STAGES
    ]


def _stage_state(deployment: Deployment, state: str, last: str, *, is_reached: bool) -> str:
    if not is_reached:
        return "pending"
    if state != last or state == DeploymentState.HEALTHY:
        return "done"
    if deployment.state == DeploymentState.FAILED:
        return "failed"
    return "running" if deployment.state in COMING else "stopped"


def _took(
    state: str, last: str, since: dict[str, int], ends: list[int], reached: list[DeploymentState], end: int
) -> int | None:
    if state not in since or state == DeploymentState.HEALTHY:
        return None
    return (end if state == last else ends[[str(one) for one in reached].index(str(state))]) - since[state]


def ready_after_ms(deployment: Deployment) -> int | None:
    """Say how long a revision took from its request to its first answer."""
    since: dict[str, int] = dict(reversed(deployment.stages))
    if DeploymentState.HEALTHY not in since or DeploymentState.QUEUED not in since:
        return None
    return since[DeploymentState.HEALTHY] - since[DeploymentState.QUEUED]


def servable_versions(actor: Actor, workspace: Workspace) -> QuerySet[ModelVersion]:
    """List what can be chosen to deploy: the newest versions of the workspace's models."""
    rows = ModelVersion.objects.visible_to(actor).filter(model__workspace=workspace)
    return rows.select_related("model__workspace").order_by("-created_ms")[:MOST_VERSIONS]


def free_name(workspace: Workspace, wanted: str) -> str:
    """Make an endpoint's name of a model's: in small letters, and not taken yet."""
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in wanted.lower())
    base = "-".join(filter(None, letters.split("-")))[:28].strip("-")
    base = base if len(base) >= 3 and base[0].isalpha() else f"model-{base}".strip("-")[:28]
    taken = set(Endpoint.objects.filter(workspace=workspace, name__startswith=base).values_list("name", flat=True))
    names = [base, *(f"{base}-{number}" for number in range(2, 100))]
    return next((name for name in names if name not in taken), base)


def whole_log(deployment: Deployment, replica: int) -> Iterator[str]:
    """Give a replica's log from its beginning, piece by piece, as far as it goes now."""
    offset = 0
    while True:
        piece = replica_log(deployment, replica, offset)
        if piece.text:
            yield piece.text
        if piece.final or piece.offset <= offset:
            return
        offset = piece.offset


def replica_log(deployment: Deployment, replica: int, offset: int) -> Piece:
    """Give the next piece of a replica's log; of a revision that is gone, what was kept to explain it."""
    if deployment.state in (DeploymentState.FAILED, DeploymentState.STOPPED):
        kept = deployment.trace if offset == 0 else ""
        return Piece(kept, len(deployment.trace.encode()), final=True)
    driver = targets.driver(deployment.endpoint.driver)
    raw, following = driver.read_log(deployment.key, replica, offset)
    return Piece(raw.decode("utf-8", "replace").replace("\x00", "\ufffd"), following, final=False)
