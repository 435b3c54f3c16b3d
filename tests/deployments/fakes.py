"""A serving target that is only a dictionary, and a world around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from compute.models import BuildState, EnvironmentBuild
from deployments.drivers.base import DriverError, Observed, Program, ReplicaSeen, Sample, ServingSpec
from deployments.environments import Interpreter
from deployments.routes import Routes
from deployments.world import World


class FakeDriver:
    """Replicas start at once and are ready when asked next, unless a test says how they end."""

    kind = "fake"
    label = "Nowhere"

    def __init__(self) -> None:
        self.specs: dict[str, ServingSpec] = {}
        self.replicas: dict[str, list[ReplicaSeen]] = {}
        self.lines: dict[str, list[str]] = {}
        self.starts: list[str] = []
        self.removed: list[str] = []
        self.busy: dict[str, float] = {}
        self.samples: dict[str, list[Sample]] = {}
        self.ends_with: dict[str, tuple[int, list[str]]] = {}
        self.is_slow = False
        self.refuses: DriverError | None = None

    def apply(self, spec: ServingSpec) -> None:
        if self.refuses:
            raise self.refuses
        self.specs[spec.name] = spec
        there = {one.name: one for one in self.replicas.get(spec.name, [])}
        names = [f"{spec.name}.{number}" for number in range(spec.replicas)]
        self.replicas[spec.name] = [self._kept(there.get(name)) or self._started(spec, name) for name in names]

    def configure(self, spec: ServingSpec) -> None:
        if spec.name in self.specs:
            self.specs[spec.name] = replace(self.specs[spec.name], settings=spec.settings)

    def observe(self, name: str) -> Observed:
        replicas = tuple(self.replicas.get(name, ()))
        if not self.is_slow:
            self.replicas[name] = [self._moved(one) for one in replicas]
            replicas = tuple(self.replicas[name])
        lines = self.logs(name, 1)
        return Observed(name, replicas, lines[0] if lines else "")

    def remove(self, name: str, replica: int) -> None:
        self.replicas[name] = [one for one in self.replicas.get(name, []) if one.number != replica]
        self.removed.append(f"{name}.{replica}")

    def take_samples(self, name: str, before_ms: int) -> Iterator[Sample]:
        while found := self.samples.get(name):
            yield found[0]
            found.pop(0)

    def delete(self, name: str) -> None:
        self.specs.pop(name, None)
        self.replicas.pop(name, None)

    def logs(self, name: str, tail: int) -> list[str]:
        return self.lines.get(name, [])[-tail:]

    def read_log(self, name: str, replica: int, offset: int) -> tuple[bytes, int]:
        text = "\n".join(self.lines.get(name, [])).encode()
        return text[offset:], len(text)

    def names(self) -> list[str]:
        return sorted(name for name, replicas in self.replicas.items() if replicas)

    # ---- What tests do to it ----------------------------------------------------------------------------------------

    def kill(self, name: str, code: int = -9) -> None:
        self.replicas[name] = [replace(one, state="exited", exit_code=code) for one in self.replicas[name]]

    def hang(self, name: str) -> None:
        self.replicas[name] = [replace(one, state="unready") for one in self.replicas[name]]
        self.is_slow = True

    def _kept(self, one: ReplicaSeen | None) -> ReplicaSeen | None:
        return one if one is not None and one.state != "exited" else None

    def _started(self, spec: ServingSpec, name: str) -> ReplicaSeen:
        self.starts.append(name)
        self.lines.setdefault(spec.name, []).append("loading the model")
        return ReplicaSeen(name, "starting", url=f"unix:/run/{name}.sock", pid=len(self.starts), limited_by="cgroup")

    def _moved(self, one: ReplicaSeen) -> ReplicaSeen:
        if one.state != "starting":
            return one
        revision = one.name.split(".")[0]
        if revision in self.ends_with:
            code, lines = self.ends_with[revision]
            self.lines[revision] += lines
            return replace(one, state="exited", exit_code=code)
        return replace(one, state="ready")


@dataclass
class Around:
    """A world of fakes; `reloads` counts what the gateway took, `now` is its clock."""

    home: Path
    driver: FakeDriver = field(default_factory=FakeDriver)
    reloads: list[str] = field(default_factory=list)
    gateway_is_down: bool = False
    now: int = 1_000_000
    files: set[Path] = field(default_factory=set)
    build_state: str = BuildState.READY
    build_error: str = ""

    def world(self) -> World:
        return World(
            driver=lambda _kind: self.driver,
            routes=Routes(self.home, self._reload),
            models=self.home / "replicas",
            request_environment=self._environment,
            interpreter=lambda _build: Interpreter(Path("/venv/bin/python"), "3.11", is_reachable=True),
            build_line=lambda _build: "installing",
            program=lambda _python: Program(Path("/program"), Path("/packages")),
            put_code=lambda _code, folder, _owner: self.files.add(folder),
            put_files=lambda _version, folder, _owner: self.files.add(folder),
            remove_files=self.files.discard,
            now_ms=lambda: self.now,
            is_root=False,
        )

    def route(self, endpoint_id: int) -> str:
        texts = sorted((self.home / "gateway/routes").glob(f"endpoint-{endpoint_id}.*.conf"))
        return "".join(path.read_text() for path in texts)

    def _reload(self, home: Path) -> None:
        if self.gateway_is_down:
            raise RuntimeError("The gateway does not run.")
        self.reloads.append(str(home))

    def _environment(self, _version: object, _deployment: object) -> EnvironmentBuild:
        build, _is_new = EnvironmentBuild.objects.get_or_create(digest="d", defaults={"spec": {}})
        EnvironmentBuild.objects.filter(pk=build.pk).update(state=self.build_state, error=self.build_error)
        build.refresh_from_db()
        return build
