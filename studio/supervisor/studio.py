"""One studio: its parts in the order they need each other, from nothing to ready and back to nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial

import psycopg2

from lib.env import env_bool, env_str
from studio.by_hand import write_for_commands
from studio.gateway import Listening, set_broken_routes_aside
from studio.gateway import server as gateway_server
from studio.gateway import write as write_gateway
from studio.supervisor import broker, database, leftovers, parts, preparation, records
from studio.supervisor.console import Console
from studio.supervisor.home import Home
from studio.supervisor.keeper import Keeper, State
from studio.supervisor.options import Options, check_port_is_free
from studio.supervisor.parts import Part
from studio.supervisor.problems import CannotStart

EXTERNAL_WITHIN_S = 30.0
LOG_CHECK_EVERY_S = 30.0


@dataclass(frozen=True)
class Servers:
    """Where the database and the broker are."""

    database_url: str
    broker_url: str
    node_broker_url: str


class Studio:
    """The running parts and what is known of them."""

    def __init__(self, home: Home, options: Options, console: Console) -> None:
        self.home = home
        self.options = options
        self.console = console
        self.keepers: dict[str, Keeper] = {}
        self.states: dict[str, State] = {}
        self.background: list[asyncio.Task[None]] = []

    # ---- start ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Bring everything up; return when it is ready for people and has said so."""
        await asyncio.to_thread(leftovers.clear, self.home)
        check_port_is_free(self.options)
        self.console.say(f"Starting the studio of {self.home.path}")
        servers = await self._start_servers()
        prepared = await self._prepare(servers)
        is_beating = partial(broker.beats, servers.broker_url, "node")
        self._keep(parts.node_part(is_beating, prepared.node_token, servers.node_broker_url))
        self.background.append(asyncio.create_task(self._rotate_access_log()))
        await self._ready(self.keepers)
        await self._prepare_sample()
        self._greet(prepared)

    async def _start_servers(self) -> Servers:
        """Start the gateway and, unless they are given, the database and the broker, all at once."""
        listening = Listening(self.options.host, self.options.port, self.options.url, self.home.web_socket)
        write_gateway(self.home.path, listening, gateway_server.version())
        (self.home / "gateway/address").write_text(self.options.internal_url)
        for name in set_broken_routes_aside(self.home.path):
            self.console.say(f"  gateway    the route {name} cannot be used and was set aside")
        outside_database, outside_broker = env_str("DATABASE_URL"), env_str("REDIS_URL")
        node_broker = outside_broker
        embedded: list[Part] = []
        if not outside_broker:
            own_broker = broker.prepare(self.home)
            outside_broker, node_broker = own_broker.url, own_broker.node_url
            embedded.append(parts.broker_part(own_broker))
        self._keep(parts.gateway_part(self.home, self.options))
        self._keep(*embedded)
        if not outside_database:
            own_database = await asyncio.to_thread(database.prepare, self.home)
            outside_database = own_database.url
            embedded.append(parts.database_part(own_database))
            self._keep(embedded[-1])
        urls = self._urls(outside_database, outside_broker)
        write_for_commands(self.home.path, urls)
        self.env = preparation.exports(self.home, urls)
        # An external database may have been emptied or restored meanwhile: always asked.
        self.todo = preparation.todo(self.home, outside_database, is_own="database" in self.keepers)
        if self.todo.is_nothing:
            self._keep(parts.web_part(self.home))  # it takes longer to load than the database to answer
        await self._ready(part.name for part in embedded)
        await self._reach_external(outside_database, outside_broker)
        return Servers(outside_database, outside_broker, node_broker)

    def _urls(self, database_url: str, broker_url: str) -> Mapping[str, str]:
        return {
            "DATABASE_URL": database_url,
            "REDIS_URL": broker_url,
            "STUDIO_RUNTIME_HOME": str(self.home.runtime),
            "STUDIO_HOST": self.options.host,
            "STUDIO_PORT": str(self.options.port),
            "STUDIO_URL": self.options.url,
            "STUDIO_INTERNAL_URL": self.options.internal_url,
        }

    async def _reach_external(self, database_url: str, broker_url: str) -> None:
        if "database" not in self.keepers:
            await within(EXTERNAL_WITHIN_S, lambda: reaches(database_url), "The database of DATABASE_URL")
        if "broker" not in self.keepers:
            await within(EXTERNAL_WITHIN_S, lambda: broker.answers(broker_url), "The broker of REDIS_URL")

    async def _prepare(self, servers: Servers) -> preparation.Bootstrapped:
        """Let people in as soon as the tables fit the web workers, then start what would have kept the processors."""
        if self.todo.is_nothing:
            await self._open(servers)
        prepared = await preparation.bootstrap(self.home, self.env, self.todo)
        if not self.todo.is_nothing:
            self._keep(parts.web_part(self.home))
            await self._open(servers)
        return prepared

    async def _open(self, servers: Servers) -> None:
        await self._ready(["web"])
        self._keep(parts.control_part(partial(broker.beats, servers.broker_url, "control")))
        self._keep(parts.beat_part(partial(broker.beats, servers.broker_url, "beat")))

    async def _prepare_sample(self) -> None:
        """Build the sample's environment the first time, when there is a network; say so if it fails, and go on."""
        stamp = preparation.sample(self.home)
        if stamp.is_current or not env_bool("STUDIO_PREPARE_SAMPLE", True):
            return
        self.console.say("  sample     preparing its environment, once (a minute or two)")
        try:
            await preparation.manage(self.home, self.env, "prepare_sample")
            await preparation.manage(self.home, self.env, "prepare_serving")
        except CannotStart as problem:
            self.console.say(f"  sample     not ready, it will be prepared when it is first run: {problem}")
        else:
            stamp.set()

    def _keep(self, *wanted: Part) -> None:
        for part in wanted:
            env = dict(self.env) if part.is_studio else preparation.plain_environment(self.home)
            for name in part.withheld:
                env.pop(name, None)
            keeper = Keeper(part, self.home.path, self.home.instance, env, self._changed)
            self.keepers[part.name] = keeper
            keeper.start()

    async def _ready(self, names: Iterable[str]) -> None:
        await asyncio.gather(*(self.keepers[name].ready.wait() for name in list(names)))

    def _greet(self, prepared: preparation.Bootstrapped) -> None:
        client = dict(line.split("=", 1) for line in (self.home / "client.env").read_text().splitlines() if "=" in line)
        say = self.console.say
        say(f"Ready in {self.console.elapsed_s:.1f} s: {self.options.url}")
        say()
        say(f"  Sign in once by  {self.options.url}{prepared.sign_in_path}")
        say()
        say("  For the MLflow client (also in client.env of the data folder):")
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN"):
            say(f"  export {name}={client[name]}")
        say()
        say("Ctrl-C stops everything.")

    # ---- while it runs ----------------------------------------------------------------------------------------------

    def _changed(self, name: str, state: State) -> None:
        self.console.part(name, self.states.get(name, State("stopped")), state)
        self.states[name] = state
        told = {"parts": {part: asdict(known) for part, known in self.states.items()}}
        records.write_whole(self.home / "run/parts.json", json.dumps(told))

    async def _rotate_access_log(self) -> None:
        """Rotate the one log that is written past the supervisor, which would only slow the front door down."""
        while True:
            await asyncio.to_thread(gateway_server.rotate_access_log, self.home.path)
            await asyncio.sleep(LOG_CHECK_EVERY_S)

    # ---- stop -------------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Stop every process the studio started, those that outlive its parts too."""
        if not self.keepers:
            return
        self.console.say("\nStopping")
        for task in self.background:
            task.cancel()
        # First those who start others, then what they started, then what all of them stand on.
        await self._stop_parts("node", "beat", "control")
        await asyncio.to_thread(leftovers.stop_work, self.home)
        await self._stop_parts("gateway", "web")
        await self._stop_parts(*self.keepers)
        await asyncio.to_thread(leftovers.sweep, self.home)
        self.console.say(f"Stopped after {self.console.elapsed_s:.0f} s")

    async def _stop_parts(self, *names: str) -> None:
        running = [self.keepers[name] for name in names if name in self.keepers]
        await asyncio.gather(*(keeper.stop() for keeper in running if keeper.state.state != "stopped"))

    def hurry(self) -> None:
        """Give the parts no more time to stop by themselves."""
        for keeper in self.keepers.values():
            keeper.kill()


async def within(limit_s: float, works: Callable[[], bool], subject: str) -> None:
    """Wait until something works, or raise CannotStart."""
    deadline = time.monotonic() + limit_s
    while not await asyncio.to_thread(works):
        if time.monotonic() > deadline:
            raise CannotStart(f"{subject} does not answer.")
        await asyncio.sleep(0.5)


def reaches(database_url: str) -> bool:
    """Say whether a database answers."""
    with contextlib.suppress(psycopg2.OperationalError):
        database.connect(database_url).close()
        return True
    return False
