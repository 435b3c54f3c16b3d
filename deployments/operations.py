"""Every change to endpoints. Each writes what is wanted; the reconciler makes it so."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from compute.environments import EnvironmentSpec
from deployments import clusters, keys, model_files, queries, room
from deployments import policy as policies
from deployments.models import (
    COMING,
    SERVING,
    Change,
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
CPU_DEFAULT, MEMORY_DEFAULT = 0.5, 1.0
FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/ -]{0,198}")
MOST_FILES, MOST_CODE_BYTES = 200, 4 << 20


@dataclass(frozen=True)
class Size:
    """What one replica gets; what is not said is that of the newest revision, or the default."""

    cpu_cores: float | None = None
    memory_gb: float | None = None
    cpu_cores_limit: float | None = None


@dataclass(frozen=True)
class Code:
    """An entry script with what lies beside it (path → text), and the environment it asks for."""

    entry_script: str
    files: dict[str, str]
    environment: EnvironmentSpec | None = None

    def __str__(self) -> str:
        return self.entry_script  # what the audit log keeps of it


@operation("deployments.write")
def create_endpoint(
    actor: Actor,
    workspace: Workspace,
    *,
    name: str,
    model_version: ModelVersion,
    kind: str = Target.INSTANCE,
    compute_name: str = "",
    size: Size | None = None,
    code: Code | None = None,
    tags: dict[str, str] | None = None,
    properties: dict[str, str] | None = None,
    chosen_keys: tuple[str, str] = ("", ""),
    policy: dict[str, Any] | None = None,
) -> Endpoint:
    """Create an endpoint with a first revision of a model version. `policy` takes the fields of `deployments.policy`.

    Raises InvalidValue for a bad name, size, policy or model, AlreadyExists for a taken name, NotFound for a model
    version of another workspace or an unknown inference cluster.
    """
    checked_name(name)
    if kind not in Target.values:
        raise InvalidValue(_("The target is either instance or cluster."), field="kind")
    clusters.check(workspace, kind, compute_name)
    checked = policies.checked(policy or {}, kind)
    sealed = [keys.seal(keys.checked_key(key) if key else keys.new_key()) for key in chosen_keys]
    try:
        with transaction.atomic():
            endpoint = Endpoint.objects.create(
                workspace=workspace,
                name=name,
                tags=tags or {},
                properties=properties or {},
                target_kind=kind,
                compute_name=compute_name,
                primary_key=sealed[0],
                secondary_key=sealed[1],
                created_by=actor.name,
                **checked.fields,
            )
    except IntegrityError:
        raise AlreadyExists(_("The endpoint “%s” exists already.") % name, field="name") from None
    _note(actor, endpoint, "created", model=str(model_version))
    replicas = checked.replicas or (endpoint.min_replicas if endpoint.is_autoscaled else 1)
    _add_revision(actor, endpoint, model_version, size or Size(), replicas=replicas, code=code)
    return endpoint


@operation("deployments.write")
def deploy(
    actor: Actor,
    endpoint: Endpoint,
    *,
    model_version: ModelVersion,
    size: Size | None = None,
    code: Code | None = None,
    takes_traffic: bool = True,
) -> Deployment:
    """Start a new revision beside the one that serves; it takes the traffic once it is healthy, and never before.

    With `takes_traffic=False` it takes none until it is given some. Sizes not given are those of the newest revision.
    Raises Conflict for an endpoint that is being deleted or stopped, InvalidValue for a bad size or model, NotFound for
    a model version of another workspace.
    """
    _must_run(endpoint)
    # A revision that is still on its way is no longer wanted: the newer one takes its place.
    endpoint.deployments.filter(state__in=COMING).update(wanted=Wanted.STOPPED)
    replicas = queries.replicas_for_next(endpoint)
    return _add_revision(
        actor, endpoint, model_version, size or Size(), replicas=replicas, code=code, takes_traffic=takes_traffic
    )


@operation("deployments.write")
def roll_back(actor: Actor, endpoint: Endpoint, *, revision: int) -> Deployment:
    """Bring an earlier revision back: at once while it stands by, else the one that serves goes on until it is healthy.

    Raises NotFound for an unknown revision, Conflict for the one that serves, or when its model version is gone.
    """
    _must_run(endpoint)
    deployment = _revision(endpoint, revision)
    if deployment.traffic == 100 or deployment.model_version_id is None:
        raise Conflict(_("Revision %s serves already, or its model is gone.") % revision)
    endpoint.deployments.filter(state__in=COMING).exclude(pk=deployment.pk).update(wanted=Wanted.STOPPED)
    if deployment.wanted == Wanted.RUNNING and deployment.state == DeploymentState.HEALTHY:
        Deployment.objects.filter(pk=deployment.pk).update(takes_traffic=True, stages=_queued_again(deployment))
    else:
        _queue(deployment)
    _note(actor, endpoint, "rolled back", revision)
    _look_at(endpoint)
    return deployment


@operation("deployments.write")
def share_traffic(
    actor: Actor, endpoint: Endpoint, *, shares: dict[int, int], mirror: dict[int, int] | None = None
) -> None:
    """Divide the requests among healthy revisions, in per cent; `mirror` shows one revision some of them besides.

    Raises InvalidValue unless the shares add up to 100 and at most one revision is a mirror without a share of its own,
    NotFound for an unknown revision, Conflict for one that is not healthy.
    """
    _must_run(endpoint)
    shown = {revision: share for revision, share in (mirror or {}).items() if share}
    if sum(shares.values()) != 100 or not all(0 <= share <= 100 for share in [*shares.values(), *shown.values()]):
        raise InvalidValue(_("The shares of the traffic must add up to 100 %."), field="traffic")
    if len(shown) > 1 or any(shares.get(revision) for revision in shown):
        raise InvalidValue(_("One revision can be a mirror, and it takes no share of its own."), field="mirror")
    for revision in {*(one for one, share in shares.items() if share), *shown}:
        deployment = _revision(endpoint, revision)
        if deployment.state not in SERVING or deployment.wanted != Wanted.RUNNING:
            raise Conflict(_("Revision %s is not healthy.") % revision)
    now = now_ms()
    for deployment in endpoint.deployments.select_for_update():
        share, seen = shares.get(deployment.revision, 0), shown.get(deployment.revision, 0)
        idle = None if share or seen else (deployment.idle_since_ms or (now if deployment.traffic else None))
        idle = idle or (now if deployment.mirror and not share and not seen else None)
        fields = {"traffic": share, "mirror": seen, "idle_since_ms": idle}
        Deployment.objects.filter(pk=deployment.pk).update(**fields)
    _note(actor, endpoint, "traffic", traffic={str(one): share for one, share in shares.items() if share}, mirror=shown)
    _look_at(endpoint)


@operation("deployments.write")
def change_endpoint(
    actor: Actor, endpoint: Endpoint, *, tags: dict[str, str] | None = None, policy: dict[str, Any] | None = None
) -> None:
    """Change how an endpoint answers and grows (the fields of `deployments.policy`), while it serves.

    How many requests a replica works on at once is fixed when it starts: another number is a new revision of the same
    model. Raises InvalidValue that names all that is wrong, Conflict while the endpoint is deleted.
    """
    _must_exist(endpoint)
    checked = policies.checked(policy or {}, endpoint.target_kind, endpoint)
    fields = {**checked.fields, **({"tags": tags} if tags is not None else {})}
    changed = {name: value for name, value in fields.items() if getattr(endpoint, name) != value}
    Endpoint.objects.filter(pk=endpoint.pk).update(**changed, updated_ms=now_ms())
    needs_new = "max_concurrent" in changed
    endpoint.refresh_from_db()
    if checked.replicas is not None:
        room.check(endpoint, *clusters.sized(_serving(endpoint), checked.replicas))
        _serving(endpoint).update(replicas=checked.replicas)
    newest = _serving(endpoint).order_by("-traffic", "-revision").first()
    if needs_new and endpoint.wanted == Wanted.RUNNING and newest and newest.model_version:
        code = Code(newest.entry_script, newest.code) if newest.entry_script else None
        _add_revision(actor, endpoint, newest.model_version, Size(), replicas=newest.replicas, code=code)
    words = {**changed, **({"replicas": checked.replicas} if checked.replicas else {})}
    if words:
        _note(actor, endpoint, "changed", **words)
    _look_at(endpoint)


@operation("deployments.write")
def cancel_deployment(actor: Actor, deployment: Deployment) -> None:
    """Give up a revision that is on its way. Raises Conflict for one that has arrived or ended."""
    if deployment.state not in COMING:
        raise Conflict(_("Revision %s is not on its way any more.") % deployment.revision)
    Deployment.objects.filter(pk=deployment.pk).update(wanted=Wanted.STOPPED)
    _note(actor, deployment.endpoint, "cancelled", deployment.revision)
    _look_at(deployment.endpoint)


@operation("deployments.write")
def stop_endpoint(actor: Actor, endpoint: Endpoint) -> None:
    """End the replicas and keep the endpoint: its address then answers 503. Raises Conflict while it is deleted."""
    _must_exist(endpoint)
    Endpoint.objects.filter(pk=endpoint.pk).update(wanted=Wanted.STOPPED, updated_ms=now_ms())
    # What only stood by must not be what a start brings back.
    idle = endpoint.deployments.filter(idle_since_ms__isnull=False, traffic=0, mirror=0)
    idle.update(wanted=Wanted.STOPPED)
    _note(actor, endpoint, "stopped")
    _look_at(endpoint)


@operation("deployments.write")
def start_endpoint(actor: Actor, endpoint: Endpoint) -> None:
    """Start a stopped or failed endpoint again: all revisions that were wanted, each with the share that it had.

    Raises Conflict while the endpoint is deleted.
    """
    _must_exist(endpoint)
    Endpoint.objects.filter(pk=endpoint.pk).update(
        wanted=Wanted.RUNNING, state=EndpointState.TRANSITIONING, updated_ms=now_ms()
    )
    newest_first = endpoint.deployments.order_by("-revision")
    back = list(newest_first.filter(wanted=Wanted.RUNNING).exclude(state=DeploymentState.FAILED))
    back = back or list(newest_first[:1])
    room.check(endpoint, *clusters.sized(back))
    takes_some = any(one.traffic or one.takes_traffic for one in back)
    for number, deployment in enumerate(back):
        if deployment.state not in (*COMING, *SERVING):
            # Those with a share keep it; where none has one, the newest takes all.
            _queue(deployment, takes_traffic=deployment.takes_traffic or (number == 0 and not takes_some))
    _note(actor, endpoint, "started")
    _look_at(endpoint)


@operation("deployments.write")
def delete_endpoint(actor: Actor, endpoint: Endpoint) -> None:
    """Take an endpoint off the gateway, end its replicas, then remove all that it was. Deleting twice is no error."""
    Endpoint.objects.filter(pk=endpoint.pk).update(
        wanted=Wanted.ABSENT, state=EndpointState.DELETING, updated_ms=now_ms()
    )
    _look_at(endpoint)


@operation("deployments.write")
def regenerate_key(actor: Actor, endpoint: Endpoint, *, which: str, key: str = "") -> str:
    """Make a new primary or secondary key, or take a chosen one; the other stays good, the old one ends in a second.

    Raises InvalidValue for another word or a key that is none.
    """
    if which not in (keys.PRIMARY, keys.SECONDARY):
        raise InvalidValue(_("There is a primary and a secondary key."), field="which")
    fresh = keys.checked_key(key) if key else keys.new_key()
    field = f"{which}_key"
    setattr(endpoint, field, keys.seal(fresh))
    endpoint.updated_ms = now_ms()
    endpoint.save(update_fields=[field, "updated_ms"])
    _note(actor, endpoint, f"{which} key")
    _look_at(endpoint)
    return fresh


@operation("deployments.write")
def end_tokens(actor: Actor, endpoint: Endpoint) -> None:
    """End every token that was given out; each caller has to ask for a new one."""
    Endpoint.objects.filter(pk=endpoint.pk).update(token_epoch=F("token_epoch") + 1, updated_ms=now_ms())
    _note(actor, endpoint, "tokens ended")
    _look_at(endpoint)


@operation("keys.read")
def new_token(actor: Actor, endpoint: Endpoint) -> keys.Token:
    """Give a token that opens the endpoint for an hour. Raises Conflict for an endpoint that is opened otherwise."""
    if endpoint.auth != Endpoint.Auth.TOKEN:
        raise Conflict(_("The endpoint “%s” is not opened by tokens.") % endpoint.name)
    return keys.new_token(endpoint)


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
    actor: Actor,
    endpoint: Endpoint,
    version: ModelVersion,
    size: Size,
    *,
    replicas: int = 1,
    code: Code | None = None,
    takes_traffic: bool = True,
) -> Deployment:
    if version.model.workspace_id != endpoint.workspace_id:
        raise NotFound(_("There is no such model version in this workspace."))
    newest = endpoint.deployments.order_by("-revision").first()
    cores = size.cpu_cores if size.cpu_cores is not None else (newest.cpu_cores if newest else CPU_DEFAULT)
    memory = size.memory_gb if size.memory_gb is not None else (newest.memory_gb if newest else MEMORY_DEFAULT)
    limit = size.cpu_cores_limit if size.cpu_cores_limit is not None else (newest.cpu_cores_limit if newest else None)
    _check_size(_("CPU cores"), "cpu_cores", cores, CPU)
    _check_size(_("Memory in GB"), "memory_gb", memory, MEMORY_GIB)
    if limit is not None and limit < cores:
        raise InvalidValue(_("The limit of CPU cores is below the cores asked for."), field="cpu_cores_limit")
    if code is None:
        model_files.check_servable(version)
    else:
        check_code(code)
    beside = [] if takes_traffic else clusters.sized(_serving(endpoint))
    room.check(endpoint, *beside, (replicas, clusters.Need(cores, int(memory * GIB), 1)))
    # Two who deploy at once must not both take the same number.
    Endpoint.objects.select_for_update().get(pk=endpoint.pk)
    last = newest.revision if newest else 0
    last = endpoint.deployments.order_by("-revision").values_list("revision", flat=True).first() or last
    deployment = Deployment.objects.create(
        endpoint=endpoint,
        revision=last + 1,
        model_version=version,
        model_label=str(version),
        cpu_cores=cores,
        cpu_cores_limit=limit,
        memory_bytes=int(memory * GIB),
        replicas=replicas,
        entry_script=code.entry_script if code else "",
        code=code.files if code else {},
        environment_spec=code.environment.as_json() if code and code.environment else None,
        takes_traffic=takes_traffic,
        stages=[[DeploymentState.QUEUED, now_ms()]],
        created_by=actor.name,
    )
    _note(actor, endpoint, "deployed", deployment.revision, model=str(version))
    _look_at(endpoint)
    return deployment


def check_code(code: Code) -> None:
    """Raise InvalidValue for paths that leave their folder, for too much of it, or a script that is no Python."""
    for name in code.files:
        if not FILE.fullmatch(name) or any(part in ("", ".", "..") for part in name.split("/")):
            raise InvalidValue(_("“%s” is not a path of a file here.") % name[:80], field="files")
    if len(code.files) > MOST_FILES or sum(len(text.encode()) for text in code.files.values()) > MOST_CODE_BYTES:
        words = {"files": MOST_FILES, "size": MOST_CODE_BYTES >> 20}
        raise InvalidValue(_("An entry script takes at most %(files)s files and %(size)s MB.") % words, field="files")
    text = code.files.get(code.entry_script)
    if text is None:
        raise InvalidValue(_("The entry script “%s” is not among the files.") % code.entry_script[:80], field="files")
    try:
        tree = ast.parse(text, code.entry_script)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise InvalidValue(_("The entry script is not Python: %s") % error, field="entry_script") from None
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    names |= {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    if "run" not in names:
        raise InvalidValue(_("The entry script has no function run()."), field="entry_script")


def _revision(endpoint: Endpoint, revision: int) -> Deployment:
    deployment: Deployment | None = endpoint.deployments.filter(revision=revision).first()
    if deployment is None:
        raise NotFound(_("Revision %s does not exist.") % revision)
    return deployment


def _serving(endpoint: Endpoint) -> QuerySet[Deployment]:
    return endpoint.deployments.filter(state__in=SERVING, wanted=Wanted.RUNNING, traffic__gt=0)


def _note(actor: Actor, endpoint: Endpoint, what: str, revision: int | None = None, **details: object) -> None:
    """Write the endpoint's history, which its page shows; the audit log has the same and more."""
    Change.objects.create(endpoint=endpoint, what=what, revision=revision, details=details, by=actor.name)


def _queued_again(deployment: Deployment) -> list[list[Any]]:
    """Note that a revision was asked for once more: of two that take the traffic, the one asked for last wins."""
    now = now_ms()
    return [*deployment.stages, [DeploymentState.QUEUED, now], [DeploymentState.HEALTHY, now]][-50:]


def _check_size(label: str, field: str, value: float, limits: tuple[float, float]) -> None:
    low, high = limits
    if not low <= value <= high:
        words = {"label": label, "low": low, "high": high}
        raise InvalidValue(_("%(label)s: between %(low)s and %(high)s.") % words, field=field)


def _queue(deployment: Deployment, *, takes_traffic: bool = True) -> None:
    """Send a revision on its way once more, from the beginning."""
    deployment.wanted = Wanted.RUNNING
    deployment.state = DeploymentState.QUEUED
    deployment.stages = [[DeploymentState.QUEUED, now_ms()]]
    deployment.error = deployment.trace = deployment.detail = ""
    deployment.restarts = deployment.next_try_ms = 0
    deployment.environment = deployment.idle_since_ms = None
    deployment.takes_traffic = takes_traffic
    fields = [
        "takes_traffic",
        "idle_since_ms",
        "wanted",
        "state",
        "stages",
        "error",
        "trace",
        "detail",
        "restarts",
        "next_try_ms",
        "environment",
    ]
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
