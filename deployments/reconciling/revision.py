"""One revision that is wanted: what is seen of it, what should run, and what is written down."""

from __future__ import annotations

import logging
from dataclasses import replace

from deployments import collection, failures, keys, replicas, telemetry
from deployments.drivers.base import DriverError, Observed, ServingSpec
from deployments.models import COMING, Deployment, DeploymentState, Endpoint
from deployments.world import World

logger = logging.getLogger(__name__)

START_DEADLINE_MS = 15 * 60 * 1000
KEEP_EVERY_MS = 5000
TRACE_LINES = 400


class Revision:
    """A deployment's row with the world around it. `seen` is the last look of this step, None before one."""

    def __init__(self, deployment: Deployment, endpoint: Endpoint, world: World) -> None:
        self.row = deployment
        self.row.endpoint = self.endpoint = endpoint
        self.world = world
        self.driver = world.driver(endpoint.driver)
        self.seen: Observed | None = None

    def apply(self) -> None:
        spec = self.spec()
        if spec is None:
            self.enter(DeploymentState.QUEUED, environment=None)
            return
        self.put_files(spec)
        self.driver.apply(self._none_ended(spec))
        self.observe()

    def _none_ended(self, spec: ServingSpec) -> ServingSpec:
        """Ask for at least what is there: what is too many ends later, once the gateway knows."""
        there = [int(row["name"].rpartition(".")[2]) + 1 for row in self.row.seen]
        return replace(spec, replicas=max([spec.replicas, *there]))

    def put_files(self, spec: ServingSpec) -> None:
        owner = int(spec.run_as) if spec.run_as else None
        if self.row.model_version is not None:
            self.world.put_files(self.row.model_version, spec.model, owner)
        if spec.code is not None:
            self.world.put_code(self.row.code, spec.code, owner)

    def spec(self) -> ServingSpec | None:
        """Say what should run; None when the environment is not on this machine."""
        deployment, endpoint = self.row, self.endpoint
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
                "has_telemetry": endpoint.has_telemetry,
                "merges_requests": endpoint.merges_requests,
            },
            cpu_cores=deployment.cpu_cores,
            cpu_limit=deployment.cpu_cores_limit,
            memory_bytes=deployment.memory_bytes,
            run_as=str(owner) if owner is not None else None,
            environment={"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
            code=self.world.code_folder(deployment) if deployment.entry_script else None,
            entry=deployment.entry_script,
        )

    def observe(self) -> Observed:
        seen = self.driver.observe(self.row.key)
        self.seen = seen
        now, before = self.world.now_ms(), self.row.seen
        rows = replicas.rows(seen, before, now, self.endpoint.max_concurrent)
        self._count(seen, rows, before)
        if rows != before:
            self.save(seen=rows)
        self.tell(seen.detail)
        return seen

    def _count(self, seen: Observed, rows: list[replicas.Row], before: list[replicas.Row]) -> None:
        """Write down what the replicas answered, every few seconds; of samples, how many were left out, too."""
        if not (self.endpoint.has_telemetry or self.endpoint.collects_data):
            return
        kept = {(row["name"], row.get("pid")): row.get("kept_ms", 0) for row in before}
        for row, one in zip(rows, seen.replicas, strict=True):
            last = kept.get((one.name, one.pid), 0)
            row["kept_ms"] = last
            if one.status is not None and row.get("at_ms", 0) - last >= KEEP_EVERY_MS:
                telemetry.keep(self.row, f"{one.name} {one.started_ms}", one.status, last)
                row["kept_ms"] = row["at_ms"]

    def end(self, replica: int) -> None:
        """End one replica; what it sampled last is taken first."""
        if self.endpoint.collects_data:
            collection.collect_last(self.row, self.driver, self.world.now_ms())
        self.driver.remove(self.row.key, replica)

    def tell(self, line: str) -> None:
        """Keep the newest log line where the page finds it."""
        line = line.replace("\x00", "")[:2000]
        if line and line != self.row.detail:
            self.save(detail=line)

    def fail(self, reason: str, trace: str = "") -> None:
        """Give the revision up: nothing of it goes on running, and the page says why."""
        logger.warning("deployment failed deployment=%s reason=%s", self.row.key, reason)
        words = {"error": reason[:2000], "trace": trace}
        self.enter(DeploymentState.FAILED, **{name: text.replace("\x00", "") for name, text in words.items()})
        self.driver.delete(self.row.key)
        remove_files(self.world, self.row)
        self.save(seen=[])

    def trouble(self, error: DriverError) -> None:
        """Note what the driver had against it; what may pass is tried again by the next step."""
        logger.warning("driver refused deployment=%s error=%s", self.row.key, error.message)
        if error.permanent or (self.row.state in COMING and self.since_ms() > START_DEADLINE_MS):
            self.fail(error.message)
        else:
            self.tell(error.message)

    def enter(self, state: DeploymentState, **fields: object) -> None:
        now = self.world.now_ms()
        stages = [*self.row.stages, [state, now]]
        self.save(state=state, stages=stages[-50:], **fields)
        logger.info("deployment changed deployment=%s state=%s", self.row.key, state)

    def save(self, **fields: object) -> None:
        """Write these columns only: what is wanted may have been changed meanwhile, and is not ours to write."""
        save(self.row, **fields)

    def is_in(self, state: DeploymentState) -> bool:
        return self.row.state == state

    def since_ms(self) -> int:
        return self.world.now_ms() - (self.row.stages[-1][1] if self.row.stages else 0)

    def trace(self) -> str:
        return failures.trace(self.driver.logs(self.row.key, TRACE_LINES))


def save(deployment: Deployment, **fields: object) -> None:
    """Write these columns only: what is wanted may have been changed meanwhile, and is not ours to write."""
    for name, value in fields.items():
        setattr(deployment, name, value)
    Deployment.objects.filter(pk=deployment.pk).update(**fields)


def remove_files(world: World, deployment: Deployment) -> None:
    world.remove_files(world.folder(deployment))
    world.remove_files(world.code_folder(deployment))
