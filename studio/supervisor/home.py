"""The data folder: what lies where, who may read it, and that one running studio has it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import socket
import tempfile
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from studio.supervisor.accounts import Account, open_to_all
from studio.supervisor.problems import CannotStart

SYSTEM_RUNTIME = Path("/var/lib/studio")
PRIVATE = ("run", "logs", "valkey", "gateway", "gateway/routes", "artifacts")
PUBLIC = ("static",)
RUNTIME = ("environments", "jobs", "nodes", "replicas")
LONGEST_SOCKET_FOLDER = 80  # sockaddr_un holds 107 bytes, and PostgreSQL's own name takes up to 20 of them


@dataclass(frozen=True)
class Secrets:
    """What the embedded servers were set up with; kept in `servers.json`, mode 600."""

    seed: str
    database_password: str
    database_owner_password: str
    broker_password: str
    node_broker_password: str
    broker_port: int


@dataclass(frozen=True)
class Home:
    """The data folder, and the part of it that unprivileged processes reach."""

    path: Path
    runtime: Path
    sockets: Path
    secrets: Secrets
    instance: str  # marks every process of this studio

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @property
    def web_socket(self) -> Path:
        """Return where the web workers listen."""
        return self.sockets / "web.sock"


class Lock:
    """The right to run a studio on a folder, held until the process ends, however it ends."""

    def __init__(self, home: Path) -> None:
        self.path = home / "run" / "lock"
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        self.file = self.path.open("a+")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotStart(f"A studio already runs on {home}{self._owner()}; stop it first.") from error
        os.set_inheritable(self.file.fileno(), False)
        self.file.truncate(0)
        self.file.write(f"{os.getpid()}\n")
        self.file.flush()

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def _owner(self) -> str:
        self.file.seek(0)
        number = self.file.read().strip()
        return f" (process {number})" if number else ""


def make(path: Path) -> None:
    """Make the data folder, or raise CannotStart."""
    try:
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(0o711)  # others walk through to what is theirs and see nothing on the way
        # Taken and given back at once: better known now than halfway through an initdb.
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise CannotStart(f"The data folder {path} cannot be used: {error.strerror}.") from error


def furnish(path: Path) -> Home:
    """Make the folders and secrets that are not there yet. The lock must be held."""
    for name in (*PRIVATE, *PUBLIC):
        (path / name).mkdir(exist_ok=True)
    for name in ("run", "logs", "valkey", "artifacts"):
        (path / name).chmod(0o700)
    known = load_secrets(path / "servers.json")
    instance = instance_of(path, known)
    runtime = runtime_folder(path, known.seed)
    for name in RUNTIME:
        (runtime / name).mkdir(exist_ok=True)
    return Home(path, runtime, socket_folder(path / "run", instance), known, instance)


def instance_of(path: Path, known: Secrets) -> str:
    """Return the studio's mark. A copied folder is another studio, which must not clear the first one's processes."""
    return hashlib.sha256(f"{known.seed}\0{os.path.realpath(path)}".encode()).hexdigest()[:16]


def load_secrets(file: Path) -> Secrets:
    """Read the secrets, making those that an older studio did not know.

    Raises CannotStart for a file that is none: the database's passwords are in it, so it is not made anew.
    """
    known = read_secrets(file)
    made: dict[str, Any] = {field.name: secrets.token_urlsafe(24) for field in fields(Secrets)}
    made["broker_port"] = free_port(0)
    loaded = Secrets(**{name: known.get(name) or value for name, value in made.items()})
    if any(known.get(name) != value for name, value in asdict(loaded).items()):
        save_secrets(file, loaded)
    return loaded


def read_secrets(file: Path) -> dict[str, Any]:
    """Read what is in the file, nothing where there is none."""
    try:
        known = json.loads(file.read_text()) if file.exists() else {}
    except ValueError:
        known = None
    if not isinstance(known, dict):
        raise CannotStart(f"{file} cannot be read as JSON; put back the one that belongs to this data folder.")
    return known


def save_secrets(file: Path, known: Secrets) -> None:
    """Write the secrets down, and leave what a newer studio keeps beside them."""
    write_private(file, json.dumps({**read_secrets(file), **asdict(known)}, indent=2) + "\n")


def with_free_broker_port(home: Home) -> Home:
    """Return the home with a broker port that is free, another than before if a stranger took that one."""
    if free_port(home.secrets.broker_port):
        return home
    changed = replace(home.secrets, broker_port=free_port(0))
    save_secrets(home / "servers.json", changed)
    return replace(home, secrets=changed)


def free_port(wanted: int) -> int:
    """Return `wanted` when it is free on loopback, 0 when it is not; for 0, any port that is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
        return int(probe.getsockname()[1])


def runtime_folder(path: Path, seed: str) -> Path:
    """Return where unprivileged processes reach their files: the home itself, unless root's home is closed to them."""
    if chosen := os.environ.get("STUDIO_RUNTIME_HOME"):
        Path(chosen).mkdir(parents=True, exist_ok=True)
        return Path(chosen).resolve()
    if os.geteuid() != 0:
        return path
    runtime = SYSTEM_RUNTIME / runtime_name(path)
    set_aside_strangers(runtime, seed)
    # Once chosen it stays, whatever is done to permissions later: the database lies there.
    if not runtime.exists() and (open_to_all(path) or (path / "postgres").exists()):
        return path
    try:
        runtime.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(
            f"The data folder {path} is closed to other users, and {runtime} cannot be made: {error.strerror}."
        ) from error
    (runtime / "owner").write_text(hashlib.sha256(seed.encode()).hexdigest())
    return runtime


def runtime_name(path: Path) -> str:
    """Return the name of a home's folder among those of all homes of this machine."""
    return hashlib.sha256(os.path.realpath(path).encode()).hexdigest()[:12]


def set_aside_strangers(runtime: Path, seed: str) -> None:
    """Move away what a deleted home of the same path left; not deleted, for the home may be a drive not mounted."""
    owner = runtime / "owner"
    if owner.exists() and owner.read_text() != hashlib.sha256(seed.encode()).hexdigest():
        runtime.rename(runtime.with_name(f"{runtime.name}.old-{int(time.time())}"))


def socket_folder(near: Path, instance: str, account: Account | None = None) -> Path:
    """Return `near`, or a folder of ours under /tmp when the kernel has no room for a socket's path in `near`."""
    if len(os.fsencode(near)) <= LONGEST_SOCKET_FOLDER:
        return near
    owner = account.uid if account else os.geteuid()
    far = Path("/tmp") / f"studio-{owner}-{instance}"  # noqa: S108 - its owner and mode are checked below
    far.mkdir(mode=0o700, exist_ok=True)
    if account and far.lstat().st_uid == os.geteuid():
        os.chown(far, account.uid, account.gid)
    found = far.lstat()
    if far.is_symlink() or found.st_uid != owner or found.st_mode & 0o077:
        raise CannotStart(f"{far} belongs to someone else; remove it or choose a data folder with a shorter path.")
    return far


def write_private(file: Path, text: str) -> None:
    """Write a file that its owner alone may read, whole or not at all."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(handle, "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    Path(name).replace(file)
