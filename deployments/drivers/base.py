"""What every serving target can do, and what travels to and from it.

A new target (containers, Kubernetes) is a file beside this one and a line in `deployments/targets.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

ReplicaState = Literal["starting", "ready", "unready", "exited", "absent"]


class DriverError(Exception):
    """Say why the outside did not do as asked; `permanent` when trying again is of no use."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent


@dataclass(frozen=True)
class Program:
    """What answers for a model: the scoring server's folder and the packages of its HTTP server."""

    folder: Path
    packages: Path


@dataclass(frozen=True)
class ServingSpec:
    """One revision as it should be: so many equal replicas of one model.

    `name` is the revision's for ever, and never used again for another. `settings` is what the scoring server reads
    again while it runs: endpoint, auth, key_hashes. `code` and `entry` are the folder and name of an entry script.
    """

    name: str
    replicas: int
    python: Path
    program: Program
    model: Path
    settings: Mapping[str, object]
    cpu_cores: float
    memory_bytes: int
    cpu_limit: float | None = None
    run_as: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    code: Path | None = None
    entry: str = ""


@dataclass(frozen=True)
class ReplicaSeen:
    """One replica as it was found. `url` is what the gateway sends to: `unix:/path` or `127.0.0.1:port`.

    `exit_code` is negative for a signal. `limited_by` says what holds the limits: cgroup, rlimit or none.
    `status` is what the replica says of itself (see deployments/scoring/tally.py), None when it says nothing.
    """

    name: str
    state: ReplicaState
    url: str = ""
    pid: int | None = None
    exit_code: int | None = None
    is_out_of_memory: bool = False
    started_ms: int | None = None
    limited_by: str = "none"
    status: Mapping[str, Any] | None = None

    @property
    def number(self) -> int:
        return int(self.name.rpartition(".")[2])


@dataclass(frozen=True)
class Sample:
    """Some of what a replica was asked and answered, a JSON object a line; `start_ms` is its minute."""

    replica: str
    start_ms: int
    lines: bytes


@dataclass(frozen=True)
class Observed:
    """A revision as it was found; no replica at all is `absent`, never an error."""

    name: str
    replicas: tuple[ReplicaSeen, ...] = ()
    detail: str = ""

    @property
    def is_absent(self) -> bool:
        return all(replica.state == "absent" for replica in self.replicas)

    @property
    def ready(self) -> tuple[ReplicaSeen, ...]:
        return tuple(replica for replica in self.replicas if replica.state == "ready")

    @property
    def ended(self) -> tuple[ReplicaSeen, ...]:
        return tuple(replica for replica in self.replicas if replica.state == "exited")

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(replica.url for replica in self.ready)


class ServingDriver(Protocol):
    """Every call may be repeated; a revision is found again by its name."""

    kind: ClassVar[str]
    label: ClassVar[str]

    def apply(self, spec: ServingSpec) -> None:
        """Bring the replicas and their settings to what the spec says; one that has ended is started anew."""

    def configure(self, spec: ServingSpec) -> None:
        """Hand new settings to the replicas that are there, and start none."""

    def observe(self, name: str) -> Observed:
        """Say what is there now, asking each replica whether it is ready; never raises for "not there"."""

    def remove(self, name: str, replica: int) -> None:
        """End one replica, at once if it does not answer, and remove what was its own."""

    def delete(self, name: str) -> None:
        """Let the replicas finish what they answer, end them, and remove what was theirs."""

    def logs(self, name: str, tail: int) -> list[str]:
        """Give the newest lines, oldest first; of an absent revision none."""

    def read_log(self, name: str, replica: int, offset: int) -> tuple[bytes, int]:
        """Give what one replica wrote from a byte on, and where the next piece begins; of an absent one nothing."""

    def take_samples(self, name: str, before_ms: int) -> Iterator[Sample]:
        """Give what replicas kept in minutes that were over by then; each is removed once the next is asked for."""

    def names(self) -> list[str]:
        """List the revisions of which anything is there, so that what nobody wants can be cleared."""
