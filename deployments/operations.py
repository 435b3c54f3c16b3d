"""Every change to endpoints. Each writes what is wanted; the reconciler makes it so."""

from __future__ import annotations

import re
from functools import partial

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from deployments import keys, model_files
from deployments.models import (
    COMING,
    SERVING,
    Deployment,
    DeploymentState,
    Endpoint,
    EndpointState,
    Target,
    Wanted,
)
from lib.clock import now_ms
from lib.errors import AlreadyExists, Conflict, InvalidValue, NotFound
from registry.models import ModelVersion
from workspaces.access import Actor, operation
from workspaces.models import Workspace

NAME = re.compile(r"[a-z]([a-z0-9-]{1,30}[a-z0-9])")
GIB = 1 << 30
CPU = (0.1, 64.0)
MEMORY_GIB = (0.25, 512.0)


@operation("deployments.write")
def create_endpoint(
    actor: Actor,
    workspace: Workspace,
    *,
    name: str,
    model_version: ModelVersion,
    cpu_cores: float = 0.5,
    memory_gb: float = 1.0,
    auth: str = Endpoint.Auth.KEY,
    description: str = "",
    tags: dict[str, str] | None = None,
) -> Endpoint:
    """Create an endpoint on the instance target, with a first revision of a model version.

    Raises InvalidValue for a bad name, size or model, AlreadyExists for a taken name, NotFound for a model version of
    another workspace.
    """
    checked_name(name)
    if auth not in Endpoint.Auth.values:
        raise InvalidValue(_("“auth” is either key or none."), field="auth")
    try:
        with transaction.atomic():
            endpoint = Endpoint.objects.create(
                workspace=workspace,
                name=name,
                description=description,
                tags=tags or {},
                target_kind=Target.INSTANCE,
                auth=auth,
                primary_key=keys.seal(keys.new_key()),
                secondary_key=keys.seal(keys.new_key()),
                created_by=actor.name,
            )
    except IntegrityError:
        raise AlreadyExists(_("The endpoint “%s” exists already.") % name, field="name") from None
    _add_revision(actor, endpoint, model_version, cpu_cores, memory_gb)
    return endpoint


@operation("deployments.write")
def deploy(
    actor: Actor,
    endpoint: Endpoint,
    *,
    model_version: ModelVersion,
    cpu_cores: float | None = None,
    memory_gb: float | None = None,
) -> Deployment:
    """Start a new revision beside the one that serves; it takes the traffic once it is healthy, and never before.

    Sizes not given are those of the newest revision. Raises Conflict for an endpoint that is being deleted or stopped,
    InvalidValue for a bad size or model, NotFound for a model version of another workspace.
    """
    _must_run(endpoint)
    newest = endpoint.deployments.order_by("-revision").first()
    cores = cpu_cores if cpu_cores is not None else (newest.cpu_cores if newest else 0.5)
    memory = memory_gb if memory_gb is not None else (newest.memory_gb if newest else 1.0)
    # A revision that is still on its way is no longer wanted: the newer one takes its place.
    endpoint.deployments.filter(state__in=COMING).update(wanted=Wanted.STOPPED)
    return _add_revision(actor, endpoint, model_version, cores, memory)


@operation("deployments.write")
def roll_back(actor: Actor, endpoint: Endpoint, *, revision: int) -> Deployment:
    """Bring an earlier revision back: the one that serves goes on until it is healthy.

    Raises NotFound for an unknown revision, Conflict for the one that serves, or when its model version is gone.
    """
    _must_run(endpoint)
    deployment: Deployment | None = endpoint.deployments.filter(revision=revision).first()
    if deployment is None:
        raise NotFound(_("Revision %s does not exist.") % revision)
    if deployment.traffic or deployment.model_version_id is None:
        raise Conflict(_("Revision %s serves already, or its model is gone.") % revision)
    endpoint.deployments.filter(state__in=COMING).update(wanted=Wanted.STOPPED)
    _queue(deployment)
    _look_at(endpoint)
    return deployment


@operation("deployments.write")
def cancel_deployment(actor: Actor, deployment: Deployment) -> None:
    """Give up a revision that is on its way. Raises Conflict for one that has arrived or ended."""
    if deployment.state not in COMING:
        raise Conflict(_("Revision %s is not on its way any more.") % deployment.revision)
    Deployment.objects.filter(pk=deployment.pk).update(wanted=Wanted.STOPPED)
    _look_at(deployment.endpoint)


@operation("deployments.write")
def stop_endpoint(actor: Actor, endpoint: Endpoint) -> None:
    """End the replicas and keep the endpoint: its address then answers 503. Raises Conflict while it is deleted."""
    _must_exist(endpoint)
    Endpoint.objects.filter(pk=endpoint.pk).update(wanted=Wanted.STOPPED, updated_ms=now_ms())
    _look_at(endpoint)


@operation("deployments.write")
def start_endpoint(actor: Actor, endpoint: Endpoint) -> None:
    """Start a stopped or failed endpoint again with the last revision wanted. Raises Conflict while deleted."""
    _must_exist(endpoint)
    Endpoint.objects.filter(pk=endpoint.pk).update(
        wanted=Wanted.RUNNING, state=EndpointState.TRANSITIONING, updated_ms=now_ms()
    )
    wanted = endpoint.deployments.filter(wanted=Wanted.RUNNING)
    last = wanted.exclude(state=DeploymentState.FAILED).order_by("-traffic", "-revision").first()
    last = last or endpoint.deployments.order_by("-revision").first()
    if last is not None and last.state not in (*COMING, *SERVING):
        _queue(last)
    _look_at(endpoint)


@operation("deployments.write")
def delete_endpoint(actor: Actor, endpoint: Endpoint) -> None:
    """Take an endpoint off the gateway, end its replicas, then remove all that it was. Deleting twice is no error."""
    Endpoint.objects.filter(pk=endpoint.pk).update(
        wanted=Wanted.ABSENT, state=EndpointState.DELETING, updated_ms=now_ms()
    )
    _look_at(endpoint)


@operation("deployments.write")
def regenerate_key(actor: Actor, endpoint: Endpoint, *, which: str) -> str:
    """Make a new primary or secondary key; the other stays good, the old one ends within a second.

    Raises InvalidValue for another word.
    """
    if which not in (keys.PRIMARY, keys.SECONDARY):
        raise InvalidValue(_("There is a primary and a secondary key."), field="which")
    key = keys.new_key()
    field = f"{which}_key"
    setattr(endpoint, field, keys.seal(key))
    endpoint.updated_ms = now_ms()
    endpoint.save(update_fields=[field, "updated_ms"])
    _look_at(endpoint)
    return key


@operation("deployments.write")
def change_auth(actor: Actor, endpoint: Endpoint, *, auth: str) -> None:
    """Ask for a key, or open the endpoint to everybody who can reach it. Raises InvalidValue for another word."""
    if auth not in Endpoint.Auth.values:
        raise InvalidValue(_("“auth” is either key or none."), field="auth")
    Endpoint.objects.filter(pk=endpoint.pk).update(auth=auth, updated_ms=now_ms())
    _look_at(endpoint)


@operation("keys.read")
def read_keys(actor: Actor, endpoint: Endpoint) -> tuple[str, str]:
    """Give the primary and the secondary key, and leave a note in the audit log of who saw them."""
    return keys.unseal(endpoint.primary_key), keys.unseal(endpoint.secondary_key)


# ---- Rules that several share ---------------------------------------------------------------------------------------


def checked_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise InvalidValue(
            _("An endpoint's name has 3–32 small letters, digits and “-”, begins with a letter, ends without “-”."),
            field="name",
        )
    return name


def _add_revision(
    actor: Actor, endpoint: Endpoint, version: ModelVersion, cpu_cores: float, memory_gb: float
) -> Deployment:
    if version.model.workspace_id != endpoint.workspace_id:
        raise NotFound(_("There is no such model version in this workspace."))
    _check_size(_("CPU cores"), "cpu_cores", cpu_cores, CPU)
    _check_size(_("Memory in GB"), "memory_gb", memory_gb, MEMORY_GIB)
    model_files.check_servable(version)
    # Two who deploy at once must not both take the same number.
    Endpoint.objects.select_for_update().get(pk=endpoint.pk)
    last = endpoint.deployments.order_by("-revision").values_list("revision", flat=True).first() or 0
    deployment = Deployment.objects.create(
        endpoint=endpoint,
        revision=last + 1,
        model_version=version,
        model_label=str(version),
        cpu_cores=cpu_cores,
        memory_bytes=int(memory_gb * GIB),
        stages=[[DeploymentState.QUEUED, now_ms()]],
        created_by=actor.name,
    )
    _look_at(endpoint)
    return deployment


def _check_size(label: str, field: str, value: float, limits: tuple[float, float]) -> None:
    low, high = limits
    if not low <= value <= high:
        words = {"label": label, "low": low, "high": high}
        raise InvalidValue(_("%(label)s: between %(low)s and %(high)s.") % words, field=field)


def _queue(deployment: Deployment) -> None:
    """Send a revision on its way once more, from the beginning."""
    deployment.wanted = Wanted.RUNNING
    deployment.state = DeploymentState.QUEUED
    deployment.stages = [[DeploymentState.QUEUED, now_ms()]]
    deployment.error = deployment.trace = deployment.detail = ""
    deployment.restarts = deployment.next_try_ms = 0
    deployment.environment = None
    fields = ["wanted", "state", "stages", "error", "trace", "detail", "restarts", "next_try_ms", "environment"]
    deployment.save(update_fields=fields)


def _must_exist(endpoint: Endpoint) -> None:
    if endpoint.wanted == Wanted.ABSENT:
        raise Conflict(_("The endpoint “%s” is being deleted.") % endpoint.name)


def _must_run(endpoint: Endpoint) -> None:
    _must_exist(endpoint)
    if endpoint.wanted == Wanted.STOPPED:
        raise Conflict(_("The endpoint “%s” is stopped. Start it first.") % endpoint.name)


def _look_at(endpoint: Endpoint) -> None:
    """Send the reconciler a hint once this is written; without it, it would look within two seconds."""
    from deployments.tasks import step  # tasks import the reconciler and with it the drivers

    transaction.on_commit(partial(step.delay, endpoint.pk))
