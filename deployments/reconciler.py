"""Move the world one step toward what the rows of one endpoint want. Every step may be repeated, and may be the last.

Order within a step: revisions that are wanted move on; the newest healthy one takes the traffic; the gateway's route is
brought to the ready replicas; only then do replicas end that nobody wants, so that none is asked after it went.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from django.db import connection
from django.utils.translation import gettext as _

from compute.environments import BadEnvironment
from compute.models import BuildState
from deployments import clusters, collection, failures, keys, replicas, telemetry
from deployments.drivers.base import DriverError, Observed, ServingSpec
from deployments.models import (
    COMING,
    SERVING,
    Change,
    Deployment,
    DeploymentState,
    Endpoint,
    EndpointState,
    Wanted,
)
from deployments.routes import Mirror, Route, weigh
from deployments.world import World
from lib.errors import StudioError

logger = logging.getLogger(__name__)

LOCK = 0x5E17E
START_DEADLINE_MS = 15 * 60 * 1000
HUNG_MS = 60 * 1000
# An old worker of the gateway goes on serving its clients' idle connections for ten seconds after a reload.
LINGER_MS = 15 * 1000
CALM_MS = 30 * 1000
KEEP_EVERY_MS = 5000
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
        world.remove_files(world.models / f"{name}.code")
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
        steps = []
        for deployment in wanted:
            deployment.endpoint = self.endpoint
            steps.append(_DeploymentStep(deployment, self))
            steps[-1].run()
        self._drop_failed()
        self._share_traffic()
        self._mind_standbys()
        self._route()
        for step in steps:
            step.trim()
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
        """Give all traffic to the revision that arrived to take it; what served before stands by, to go back to."""
        healthy = [one for one in self.deployments if self._is_wanted(one) and one.state == DeploymentState.HEALTHY]
        arrived = [one for one in healthy if one.takes_traffic]
        if not arrived:
            return
        newest, now = max(arrived, key=_arrived), self.world.now_ms()
        for deployment in self.deployments:
            if deployment is newest:
                self._save(deployment, traffic=100, mirror=0, takes_traffic=False, idle_since_ms=None)
            elif deployment.traffic:
                self._save(deployment, traffic=0, mirror=0, takes_traffic=False, idle_since_ms=now)
            elif deployment.idle_since_ms and self._is_wanted(deployment):
                # Only what served last stands by; what stood by until now has long had its last request.
                self._save(deployment, wanted=Wanted.STOPPED)
            elif deployment in arrived:
                self._save(deployment, takes_traffic=False, idle_since_ms=now)

    def _drop_failed(self) -> None:
        """Divide the share of what failed among the others that have one."""
        wanted = [one for one in self.deployments if self._is_wanted(one)]
        failed = [one for one in wanted if one.state == DeploymentState.FAILED and (one.traffic or one.mirror)]
        if not failed:
            return
        for deployment in failed:
            self._save(deployment, traffic=0, mirror=0)
        left = [one for one in wanted if one.traffic]
        shares = scaled_to_100([one.traffic for one in left])
        for deployment, share in zip(left, shares, strict=True):
            self._save(deployment, traffic=share)

    def _mind_standbys(self) -> None:
        """End what has stood by long enough; never before the gateway's last old connection can have ended."""
        stay_ms = max(self.endpoint.standby_s * 1000, LINGER_MS)
        for deployment in self.deployments:
            since = deployment.idle_since_ms
            is_idle = since is not None and not deployment.traffic and not deployment.mirror
            if is_idle and self._is_wanted(deployment) and self.world.now_ms() - (since or 0) > stay_ms:
                self._save(deployment, wanted=Wanted.STOPPED)

    def _save(self, deployment: Deployment, **fields: object) -> None:
        for name, value in fields.items():
            setattr(deployment, name, value)
        Deployment.objects.filter(pk=deployment.pk).update(**fields)

    def _route(self) -> None:
        endpoint = self.endpoint
        if endpoint.wanted == Wanted.ABSENT:
            self.world.routes.remove(endpoint.pk)
            return
        there = {one: self._urls(one) for one in self.deployments if self._is_wanted(one)}
        most = endpoint.max_concurrent + endpoint.max_queued
        shares = {one.key: (one.traffic, urls) for one, urls in there.items()}
        mirrored = next(((one, urls) for one, urls in there.items() if one.mirror and urls), None)
        mirror = None
        if mirrored is not None:
            socket = self.world.routes.mirror_socket(endpoint.pk)
            mirror = Mirror(weigh({"": (100, mirrored[1])}, most), mirrored[0].mirror, socket)
        self.world.routes.put(
            Route(
                endpoint.pk,
                endpoint.workspace.name,
                endpoint.name,
                weigh(shares, most),
                timeout_s=endpoint.scoring_timeout_ms / 1000,
                mirror=mirror,
            )
        )

    def _urls(self, deployment: Deployment) -> tuple[str, ...]:
        """Give where a revision answers; not those replicas that are one too many and about to end."""
        seen = self.seen.get(deployment.pk)
        if seen is None or deployment.state not in SERVING:
            return ()
        return tuple(one.url for one in replicas.in_rotation(seen, deployment.seen, deployment.replicas))

    def _end(self, deployment: Deployment) -> None:
        """End the replicas of a revision that is not wanted; one that failed stays Failed, with its reasons.

        The shares stay with what a start of a stopped endpoint brings back.
        """
        comes_back = deployment.wanted == Wanted.RUNNING and deployment.state != DeploymentState.FAILED
        shares = {} if comes_back else {"traffic": 0, "mirror": 0}
        has_ended = deployment.state in (DeploymentState.STOPPED, DeploymentState.FAILED)
        if has_ended and (comes_back or not deployment.traffic):
            return
        self.driver.delete(deployment.key)
        self.remove_files(deployment)
        state = deployment.state if deployment.state == DeploymentState.FAILED else DeploymentState.STOPPED
        self._save(deployment, state=state, idle_since_ms=None, seen=[], detail="", **shares)

    def remove_files(self, deployment: Deployment) -> None:
        self.world.remove_files(self.world.folder(deployment))
        self.world.remove_files(self.world.code_folder(deployment))

    def _remove(self) -> None:
        """Remove the rows last: as long as they are there, a crash is mended by the next step."""
        for deployment in self.deployments:
            self.driver.delete(deployment.key)
            self.remove_files(deployment)
        collection.forget(self.endpoint)
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
            states = {one.state for one in serving}
            if states <= {DeploymentState.HEALTHY, *COMING}:
                return EndpointState.HEALTHY if states == {DeploymentState.HEALTHY} else EndpointState.TRANSITIONING
            return EndpointState.UNHEALTHY
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
        build = self.world.request_environment(version, self.deployment)
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
        self._put_files(spec)
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
        if replicas.in_rotation(seen, self.deployment.seen, self.deployment.replicas):
            self._be_well()
        elif self._is(DeploymentState.HEALTHY):
            self._enter(DeploymentState.UNHEALTHY)
        self._mend(seen)
        self._fit_size()

    def _be_well(self) -> None:
        if self._is(DeploymentState.UNHEALTHY):
            self._enter(DeploymentState.HEALTHY)
        elif self.deployment.restarts and self.world.now_ms() - self.deployment.next_try_ms > STEADY_MS:
            self._save(restarts=0, next_try_ms=0)

    def _mend(self, seen: Observed) -> None:
        """Start again what ended, start what is missing, and replace what has not answered for a minute."""
        wanted = self.deployment.replicas
        there = {one.number for one in seen.replicas}
        hung = [row for row in self.deployment.seen if self._is_hung(row)]
        for row in hung:
            logger.warning("replica hung, it is replaced deployment=%s replica=%s", self.deployment.key, row["name"])
            self.driver.remove(self.deployment.key, int(row["name"].rpartition(".")[2]))
        if hung or any(one.number < wanted for one in seen.ended):
            self._restart()
        elif not set(range(wanted)) <= there:
            self._apply()

    def _is_hung(self, row: replicas.Row) -> bool:
        is_silent = row["state"] == "unready" and self.world.now_ms() - row["since_ms"] > HUNG_MS
        return is_silent or replicas.is_stuck(row, self.around.endpoint.scoring_timeout_ms)

    def _fit_size(self) -> None:
        """Bring the number of replicas to the load: more at once, fewer after half a minute of calm."""
        endpoint, deployment, now = self.around.endpoint, self.deployment, self.world.now_ms()
        if (
            not (endpoint.is_autoscaled and deployment.traffic)
            or now - deployment.judged_ms < endpoint.refresh_s * 1000
        ):
            return
        busy = replicas.utilization(deployment.seen)
        running = sum(bool(row["in_rotation"]) for row in deployment.seen)
        if busy is None or not running:
            return
        room = clusters.most_replicas(deployment)
        most = endpoint.max_replicas if room is None else min(endpoint.max_replicas, room)
        limits = min(endpoint.min_replicas, most), most
        needed = replicas.needed(running, busy, endpoint.target_utilization, *limits)
        if needed < deployment.replicas and limits[0] <= deployment.replicas <= limits[1]:
            calm_since = deployment.calm_since_ms or now
            is_calm = now - calm_since > CALM_MS
            size = deployment.replicas - 1 if is_calm else deployment.replicas
            self._save(judged_ms=now, calm_since_ms=now if is_calm else calm_since)
        else:
            # Those on their way count as well: the load is theirs too, once they are there.
            size = needed if running >= deployment.replicas else max(deployment.replicas, limits[0])
            self._save(judged_ms=now, calm_since_ms=0)
        self._resize(max(limits[0], min(limits[1], size)), busy)

    def _resize(self, size: int, busy: float) -> None:
        before = self.deployment.replicas
        if size == before:
            return
        self._save(replicas=size)
        logger.info("scaled deployment=%s from=%s to=%s busy=%s", self.deployment.key, before, size, round(busy))
        Change.objects.create(
            endpoint=self.around.endpoint,
            what="scaled",
            revision=self.deployment.revision,
            details={"from": before, "to": size, "busy": round(busy)},
            by="autoscale",
        )
        if size > before:
            self._apply()

    def trim(self) -> None:
        """End the replicas that are too many, now that the gateway sends them nothing more."""
        seen = self.around.seen.get(self.deployment.pk)
        if (
            self.deployment.state in SERVING
            and seen
            and any(one.number >= self.deployment.replicas for one in seen.replicas)
        ):
            for one in seen.replicas:
                if one.number >= self.deployment.replicas:
                    self.driver.remove(self.deployment.key, one.number)

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
        self._put_files(spec)
        self.driver.apply(self._none_ended(spec))
        self._observe()

    def _none_ended(self, spec: ServingSpec) -> ServingSpec:
        """Ask for at least what is there: what is too many ends later, once the gateway knows."""
        there = [int(row["name"].rpartition(".")[2]) + 1 for row in self.deployment.seen]
        return replace(spec, replicas=max([spec.replicas, *there]))

    def _put_files(self, spec: ServingSpec) -> None:
        owner = int(spec.run_as) if spec.run_as else None
        if self.deployment.model_version is not None:
            self.world.put_files(self.deployment.model_version, spec.model, owner)
        if spec.code is not None:
            self.world.put_code(self.deployment.code, spec.code, owner)

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
                "token_secrets": keys.token_secrets(endpoint) if endpoint.auth == Endpoint.Auth.TOKEN else [],
                "threads": endpoint.max_concurrent,
                "timeout_ms": endpoint.scoring_timeout_ms,
                "max_wait_ms": endpoint.max_wait_ms,
                "collects_data": endpoint.collects_data,
                "sample_rate": endpoint.sample_rate,
            },
            cpu_cores=deployment.cpu_cores,
            cpu_limit=deployment.cpu_cores_limit,
            memory_bytes=deployment.memory_bytes,
            run_as=str(owner) if owner is not None else None,
            environment={"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
            code=self.world.code_folder(deployment) if deployment.entry_script else None,
            entry=deployment.entry_script,
        )

    def _observe(self) -> Observed:
        seen = self.driver.observe(self.deployment.key)
        self.around.seen[self.deployment.pk] = seen
        now, before = self.world.now_ms(), self.deployment.seen
        rows = replicas.rows(seen, before, now, self.around.endpoint.max_concurrent)
        self._count(seen, rows, before)
        if rows != before:
            self._save(seen=rows)
        self._tell(seen.detail)
        return seen

    def _count(self, seen: Observed, rows: list[replicas.Row], before: list[replicas.Row]) -> None:
        """Write down what the replicas answered, every few seconds."""
        if not self.around.endpoint.has_telemetry:
            return
        kept = {(row["name"], row.get("pid")): row.get("kept_ms", 0) for row in before}
        for row, one in zip(rows, seen.replicas, strict=True):
            last = kept.get((one.name, one.pid), 0)
            row["kept_ms"] = last
            if one.status is not None and row.get("at_ms", 0) - last >= KEEP_EVERY_MS:
                telemetry.keep(self.deployment, f"{one.name} {one.started_ms}", one.status, last)
                row["kept_ms"] = row["at_ms"]

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
        self.around.remove_files(self.deployment)
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


def scaled_to_100(shares: list[int]) -> list[int]:
    """Bring shares to 100 in all as they stand to each other; the greatest takes what rounding leaves."""
    total = sum(shares)
    if not total:
        return shares
    scaled = [share * 100 // total for share in shares]
    scaled[scaled.index(max(scaled))] += 100 - sum(scaled)
    return scaled


def _arrived(deployment: Deployment) -> tuple[int, int]:
    """Give the time at which a revision was sent on its way (a rollback counts anew), to tell the newer of two."""
    queued = [since for state, since in deployment.stages if state == DeploymentState.QUEUED]
    return (queued[-1] if queued else 0, deployment.revision)
