"""One step for one endpoint, all of its revisions together.

Order: revisions that are wanted move on; the newest healthy one takes the traffic; the gateway's route is brought to
the ready replicas; only then do replicas end that nobody wants, so that none is asked after it went.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from compute.environments import BadEnvironment
from deployments import collection, replicas
from deployments.drivers.base import DriverError
from deployments.models import COMING, SERVING, Deployment, DeploymentState, Endpoint, EndpointState, Wanted
from deployments.reconciling import arriving, sizing, staying, traffic
from deployments.reconciling.revision import Revision, remove_files, save
from deployments.routes import Mirror, Route, weigh
from deployments.world import World
from lib.errors import StudioError

logger = logging.getLogger(__name__)

MOVES: dict[DeploymentState, Callable[[Revision], None]] = {
    DeploymentState.QUEUED: arriving.ask_for_environment,
    DeploymentState.BUILDING: arriving.start_when_built,
    DeploymentState.STARTING: arriving.wait_until_ready,
    DeploymentState.PROBING: arriving.wait_until_ready,
    DeploymentState.HEALTHY: staying.keep,
    DeploymentState.UNHEALTHY: staying.keep,
}


def move(revision: Revision) -> None:
    """Take a revision one step on; what is against it is written down where the page finds it."""
    step = MOVES.get(DeploymentState(revision.row.state))
    if step is None:
        return
    try:
        step(revision)
    except BadEnvironment as error:
        revision.fail(str(error))
    except StudioError as error:
        revision.fail(error.message)
    except DriverError as error:
        revision.trouble(error)


class EndpointStep:
    def __init__(self, endpoint: Endpoint, world: World) -> None:
        self.endpoint = endpoint
        self.world = world
        self.driver = world.driver(endpoint.driver)
        rows = endpoint.deployments.select_related("model_version__model__workspace", "environment")
        self.deployments: list[Deployment] = list(rows.order_by("revision"))
        self.revisions: dict[int, Revision] = {}

    def run(self) -> bool:
        """Take the step; say whether another should follow soon."""
        wanted = self._wanted()
        self.revisions = {one.pk: Revision(one, self.endpoint, self.world) for one in wanted}
        for revision in self.revisions.values():
            move(revision)
        self._share_traffic()
        self._route()
        for revision in self.revisions.values():
            sizing.trim(revision)
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

    def _wanted(self) -> list[Deployment]:
        return [one for one in self.deployments if self._is_wanted(one)]

    def _share_traffic(self) -> None:
        now_ms = self.world.now_ms()
        traffic.drop_failed(self._wanted())
        traffic.give_to_arrived(self.deployments, self._wanted(), now_ms)
        traffic.mind_standbys(self._wanted(), self.endpoint.standby_s, now_ms)

    def _route(self) -> None:
        endpoint = self.endpoint
        if endpoint.wanted == Wanted.ABSENT:
            self.world.routes.remove(endpoint.pk)
            return
        there = [(one, self._urls(one)) for one in self._wanted()]
        most = endpoint.max_concurrent + endpoint.max_queued
        shares = {one.key: (one.traffic, urls) for one, urls in there}
        mirrored = next(((one, urls) for one, urls in there if one.mirror and urls), None)
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
        seen = self.revisions[deployment.pk].seen
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
        if self.endpoint.collects_data:
            collection.collect_last(deployment, self.driver, self.world.now_ms())
        self.driver.delete(deployment.key)
        remove_files(self.world, deployment)
        state = deployment.state if deployment.state == DeploymentState.FAILED else DeploymentState.STOPPED
        save(deployment, state=state, idle_since_ms=None, seen=[], detail="", **shares)

    def _remove(self) -> None:
        """Remove the rows last: as long as they are there, a crash is mended by the next step."""
        for deployment in self.deployments:
            self.driver.delete(deployment.key)
            remove_files(self.world, deployment)
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
        if any(one.state in (*COMING, *SERVING) for one in self._wanted()):
            return EndpointState.TRANSITIONING
        newest = self.deployments[-1] if self.deployments else None
        is_failed = newest is not None and newest.state == DeploymentState.FAILED
        return EndpointState.FAILED if is_failed else EndpointState.STOPPED
