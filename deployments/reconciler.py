"""Move the world one step toward what the rows of one endpoint want. Every step may be repeated, and may be the last.

Order within a step: revisions that are wanted move on; the newest healthy one takes the traffic; the gateway's route is
brought to the ready replicas; only then do replicas end that nobody wants, so that none is asked after it went.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.utils.translation import gettext as _

from compute.environments import BadEnvironment
from compute.models import BuildState
from deployments import failures, keys
from deployments.drivers.base import DriverError, Observed, ServingSpec
from deployments.models import (
    COMING,
    SERVING,
    Deployment,
    DeploymentState,
    Endpoint,
    EndpointState,
    Wanted,
)
from deployments.routes import Replica, Route
from deployments.world import World
from lib.errors import StudioError

logger = logging.getLogger(__name__)

LOCK = 0x5E17E
START_DEADLINE_MS = 15 * 60 * 1000
HUNG_MS = 60 * 1000
STEADY_MS = 60 * 1000
# Waits before the first, second, … restart in a row.
BACK_OFF_MS = (0, 1000, 2000, 5000, 10_000, 30_000)
STARTS_BEFORE_FAILED = 3
TRACE_LINES = 400


def step(endpoint_id: int, world: World) -> bool:
    """Take one step for an endpoint; say whether another should follow soon. Of two at once, one does nothing."""
    with _alone(endpoint_id) as is_alone:
        if not is_alone:
            return False
        endpoint = Endpoint.objects.select_related("workspace").filter(pk=endpoint_id).first()
        if endpoint is None:
            world.routes.remove(endpoint_id)
            return False
        return _EndpointStep(endpoint, world).run()


def sweep(world: World, kind: str = "process") -> None:
    """Clear revisions and routes that belong to no endpoint: what a restored database or a crash left behind."""
    known = {deployment.key for deployment in Deployment.objects.only("endpoint_id", "revision")}
    for name in set(world.driver(kind).names()) - known:
        logger.warning("clearing a revision of no endpoint name=%s", name)
        world.driver(kind).delete(name)
        world.remove_files(world.models / f"{name}.model")
    for endpoint_id in world.routes.known() - set(Endpoint.objects.values_list("pk", flat=True)):
        world.routes.remove(endpoint_id)


@contextmanager
def _alone(endpoint_id: int) -> Iterator[bool]:
    """Hold the endpoint's lock; the database drops it when this process dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, endpoint_id])
        (is_alone,) = cursor.fetchone()
        try:
            yield bool(is_alone)
        finally:
            if is_alone:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, endpoint_id])


class _EndpointStep:
    def __init__(self, endpoint: Endpoint, world: World) -> None:
        self.endpoint = endpoint
        self.world = world
        self.driver = world.driver(endpoint.driver)
        rows = endpoint.deployments.select_related("model_version__model__workspace", "environment")
        self.deployments: list[Deployment] = list(rows.order_by("revision"))
        self.seen: dict[int, Observed] = {}

    def run(self) -> bool:
        wanted = [one for one in self.deployments if self._is_wanted(one)]
        for deployment in wanted:
            deployment.endpoint = self.endpoint
            _DeploymentStep(deployment, self).run()
        self._share_traffic()
        self._route()
        for deployment in self.deployments:
            if not self._is_wanted(deployment):
                self._end(deployment)
        if self.endpoint.wanted == Wanted.ABSENT:
            self._remove()
            return False
        self._conclude()
        return any(one.state in COMING for one in wanted) or self.endpoint.state == EndpointState.UNHEALTHY

    def _is_wanted(self, deployment: Deployment) -> bool:
        return self.endpoint.wanted == Wanted.RUNNING and deployment.wanted == Wanted.RUNNING

    def _share_traffic(self) -> None:
        """Give all traffic to the newest healthy revision; the one before is no longer wanted."""
        healthy = [one for one in self.deployments if self._is_wanted(one) and one.state == DeploymentState.HEALTHY]
        if not healthy:
            return
        newest = max(healthy, key=_arrived)
        if newest.traffic == 100:
            return
        for deployment in self.deployments:
            share = 100 if deployment is newest else 0
            if deployment is not newest and self._is_wanted(deployment) and deployment.state in SERVING:
                deployment.wanted = Wanted.STOPPED
            if share != deployment.traffic or deployment.wanted == Wanted.STOPPED:
                deployment.traffic = share
                Deployment.objects.filter(pk=deployment.pk).update(traffic=share, wanted=deployment.wanted)

    def _route(self) -> None:
        if self.endpoint.wanted == Wanted.ABSENT:
            self.world.routes.remove(self.endpoint.pk)
            return
        replicas = []
        for deployment in self.deployments:
            if deployment.traffic and self._is_wanted(deployment) and deployment.pk in self.seen:
                replicas += [Replica(url) for url in self.seen[deployment.pk].urls]
        self.world.routes.put(
            Route(self.endpoint.pk, self.endpoint.workspace.name, self.endpoint.name, tuple(replicas))
        )

    def _end(self, deployment: Deployment) -> None:
        """End the replicas of a revision that is not wanted; one that failed stays Failed, with its reasons."""
        if deployment.state in (DeploymentState.STOPPED, DeploymentState.FAILED) and not deployment.traffic:
            return
        self.driver.delete(deployment.key)
        self.world.remove_files(self.world.folder(deployment))
        state = deployment.state if deployment.state == DeploymentState.FAILED else DeploymentState.STOPPED
        deployment.state, deployment.traffic = state, 0
        # What serves when the endpoint is started again is still wanted; only its replicas are not, now.
        Deployment.objects.filter(pk=deployment.pk).update(state=state, traffic=0, seen=[], detail="")

    def _remove(self) -> None:
        """Remove the rows last: as long as they are there, a crash is mended by the next step."""
        for deployment in self.deployments:
            self.driver.delete(deployment.key)
            self.world.remove_files(self.world.folder(deployment))
        self.endpoint.delete()

    def _conclude(self) -> None:
        state = self._state()
        if state != self.endpoint.state:
            logger.info("endpoint changed endpoint=%s state=%s", self.endpoint.pk, state)
            Endpoint.objects.filter(pk=self.endpoint.pk).update(state=state, updated_ms=self.world.now_ms())
            self.endpoint.state = state

    def _state(self) -> EndpointState:
        if self.endpoint.wanted == Wanted.STOPPED:
            return EndpointState.STOPPED
        serving = [one for one in self.deployments if one.traffic]
        if serving:
            is_healthy = all(one.state == DeploymentState.HEALTHY for one in serving)
            return EndpointState.HEALTHY if is_healthy else EndpointState.UNHEALTHY
        if any(self._is_wanted(one) and one.state in (*COMING, *SERVING) for one in self.deployments):
            return EndpointState.TRANSITIONING
        newest = self.deployments[-1] if self.deployments else None
        is_failed = newest is not None and newest.state == DeploymentState.FAILED
        return EndpointState.FAILED if is_failed else EndpointState.STOPPED


class _DeploymentStep:
    """One revision that is wanted."""

    def __init__(self, deployment: Deployment, around: _EndpointStep) -> None:
        self.deployment = deployment
        self.around = around
        self.world = around.world
        self.driver = around.driver

    def run(self) -> None:
        moves = {
            DeploymentState.QUEUED: self._ask_for_environment,
            DeploymentState.BUILDING: self._start_when_built,
            DeploymentState.STARTING: self._wait_until_ready,
            DeploymentState.PROBING: self._wait_until_ready,
            DeploymentState.HEALTHY: self._keep,
            DeploymentState.UNHEALTHY: self._keep,
        }
        move = moves.get(DeploymentState(self.deployment.state))
        if move is None:
            return
        try:
            move()
        except BadEnvironment as error:
            self._fail(str(error))
        except StudioError as error:
            self._fail(error.message)
        except DriverError as error:
            self._trouble(error)

    # ---- The way up -------------------------------------------------------------------------------------------------

    def _ask_for_environment(self) -> None:
        version = self.deployment.model_version
        if version is None:
            self._fail(_("The model version was deleted."))
            return
        build = self.world.request_environment(version)
        self.deployment.environment = build
        self._enter(DeploymentState.BUILDING, environment=build)
        self._start_when_built()

    def _start_when_built(self) -> None:
        build = self.deployment.environment
        if build is None:
            self._enter(DeploymentState.QUEUED)
        elif build.state == BuildState.FAILED:
            self._fail(_("The environment could not be built."), trace=build.error)
        elif build.state == BuildState.READY:
            self._start()
        else:
            self._tell(self.world.build_line(build))

    def _start(self) -> None:
        spec = self._spec()
        if spec is None:
            # Its files are gone, though the row says they are there: have it built anew.
            self._enter(DeploymentState.QUEUED, environment=None)
            return
        version, owner = self.deployment.model_version, spec.run_as
        if version is not None:
            self.world.put_files(version, spec.model, int(owner) if owner else None)
        # The state comes first: if we end between the two, the next step finds a revision to wait for or start.
        self._enter(DeploymentState.STARTING)
        self.driver.apply(spec)

    def _wait_until_ready(self) -> None:
        seen = self._observe()
        if len(seen.ready) >= self.deployment.replicas:
            if self._is(DeploymentState.STARTING):
                self._enter(DeploymentState.PROBING)
                seen = self._observe()  # asked twice before anything is sent there
            if len(seen.ready) >= self.deployment.replicas:
                self._enter(DeploymentState.HEALTHY)
        elif seen.ended:
            self._judge(seen)
        elif len(seen.replicas) < self.deployment.replicas:
            self._apply()
        elif any(one.state == "unready" for one in seen.replicas) and self._is(DeploymentState.STARTING):
            self._enter(DeploymentState.PROBING)
        elif self._since() > START_DEADLINE_MS:
            self._fail(_("The replica was not ready after %s minutes.") % (START_DEADLINE_MS // 60_000), self._trace())

    def _judge(self, seen: Observed) -> None:
        """Fail a revision whose replica ended by itself; one that was killed from outside gets another chance."""
        ended = seen.ended[0]
        was_killed = ended.exit_code is not None and ended.exit_code < 0 and not ended.is_out_of_memory
        if was_killed and self.deployment.restarts + 1 < STARTS_BEFORE_FAILED:
            self._restart()
            return
        lines = self.driver.logs(self.deployment.key, TRACE_LINES)
        reason = failures.sentence(ended, lines, self.deployment.memory_bytes)
        self._fail(reason, failures.trace(lines))

    # ---- Staying up -------------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        seen = self._observe()
        spec = self._spec()
        if spec is not None:
            self.driver.configure(spec)
        is_whole = len(seen.ready) >= self.deployment.replicas
        if is_whole:
            self._be_well()
            return
        if self._is(DeploymentState.HEALTHY) and not seen.ready:
            self._enter(DeploymentState.UNHEALTHY)
        if seen.ended or len(seen.replicas) < self.deployment.replicas:
            self._restart()
        elif self._is(DeploymentState.UNHEALTHY) and self._since() > HUNG_MS:
            self._replace_hung(seen)

    def _be_well(self) -> None:
        if self._is(DeploymentState.UNHEALTHY):
            self._enter(DeploymentState.HEALTHY)
        elif self.deployment.restarts and self._since() > STEADY_MS:
            self._save(restarts=0, next_try_ms=0)

    def _replace_hung(self, seen: Observed) -> None:
        """Start a replica anew that has not answered for a minute though it runs (a loading one is left in peace)."""
        if any(one.state == "unready" for one in seen.replicas):
            self.driver.delete(self.deployment.key)
            self._restart()

    def _restart(self) -> None:
        """Start again what ended, each time in a row a little later."""
        now = self.world.now_ms()
        if now < self.deployment.next_try_ms:
            return
        restarts = self.deployment.restarts + 1
        wait = BACK_OFF_MS[min(restarts, len(BACK_OFF_MS) - 1)]
        self._save(restarts=restarts, next_try_ms=now + wait)
        logger.warning("replica restarted deployment=%s restarts=%s", self.deployment.key, restarts)
        self._apply()

    # ---- What they share --------------------------------------------------------------------------------------------

    def _apply(self) -> None:
        spec = self._spec()
        if spec is None:
            self._enter(DeploymentState.QUEUED, environment=None)
            return
        version = self.deployment.model_version
        if version is not None:
            self.world.put_files(version, spec.model, int(spec.run_as) if spec.run_as else None)
        self.driver.apply(spec)
        self._observe()

    def _spec(self) -> ServingSpec | None:
        """Say what should run; None when the environment is not on this machine."""
        deployment, endpoint = self.deployment, self.around.endpoint
        python = self.world.interpreter(deployment.environment) if deployment.environment else None
        if python is None:
            return None
        owner = self.world.owner(deployment, python)
        return ServingSpec(
            name=deployment.key,
            replicas=deployment.replicas,
            python=python.python,
            program=self.world.program(python),
            model=self.world.folder(deployment),
            settings={
                "endpoint": endpoint.name,
                "revision": str(deployment.revision),
                "auth": endpoint.auth,
                "key_hashes": keys.hashes(endpoint),
            },
            cpu_cores=deployment.cpu_cores,
            memory_bytes=deployment.memory_bytes,
            run_as=str(owner) if owner is not None else None,
            environment={"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
        )

    def _observe(self) -> Observed:
        seen = self.driver.observe(self.deployment.key)
        self.around.seen[self.deployment.pk] = seen
        rows = [
            {"name": one.name, "state": one.state, "pid": one.pid, "limited_by": one.limited_by}
            for one in seen.replicas
        ]
        if rows != self.deployment.seen:
            self._save(seen=rows)
        self._tell(seen.detail)
        return seen

    def _tell(self, line: str) -> None:
        """Keep the newest log line where the page finds it."""
        line = line.replace("\x00", "")[:2000]
        if line and line != self.deployment.detail:
            self._save(detail=line)

    def _fail(self, reason: str, trace: str = "") -> None:
        """Give the revision up: nothing of it goes on running, and the page says why."""
        logger.warning("deployment failed deployment=%s reason=%s", self.deployment.key, reason)
        words = {"error": reason[:2000], "trace": trace}
        self._enter(DeploymentState.FAILED, **{name: text.replace("\x00", "") for name, text in words.items()})
        self.driver.delete(self.deployment.key)
        self.world.remove_files(self.world.folder(self.deployment))
        self._save(seen=[])

    def _trouble(self, error: DriverError) -> None:
        """Note what the driver had against it; what may pass is tried again by the next step."""
        logger.warning("driver refused deployment=%s error=%s", self.deployment.key, error.message)
        if error.permanent or (self.deployment.state in COMING and self._since() > START_DEADLINE_MS):
            self._fail(error.message)
        else:
            self._tell(error.message)

    def _enter(self, state: DeploymentState, **fields: object) -> None:
        now = self.world.now_ms()
        stages = [*self.deployment.stages, [state, now]]
        self._save(state=state, stages=stages[-50:], **fields)
        logger.info("deployment changed deployment=%s state=%s", self.deployment.key, state)

    def _save(self, **fields: object) -> None:
        """Write these columns only: what is wanted may have been changed meanwhile, and is not ours to write."""
        for name, value in fields.items():
            setattr(self.deployment, name, value)
        Deployment.objects.filter(pk=self.deployment.pk).update(**fields)

    def _is(self, state: DeploymentState) -> bool:
        return self.deployment.state == state

    def _since(self) -> int:
        return self.world.now_ms() - (self.deployment.stages[-1][1] if self.deployment.stages else 0)

    def _trace(self) -> str:
        return failures.trace(self.driver.logs(self.deployment.key, TRACE_LINES))


def _arrived(deployment: Deployment) -> tuple[int, int]:
    """Give the time at which a revision was sent on its way (a rollback counts anew), to tell the newer of two."""
    queued = [since for state, since in deployment.stages if state == DeploymentState.QUEUED]
    return (queued[-1] if queued else 0, deployment.revision)
