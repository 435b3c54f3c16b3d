"""Prepares `.venv` for this checkout with nothing but the standard library, and prints its interpreter.

Run as a file by the base interpreter, before anything is installed: it may import nothing of the studio.
"""

from __future__ import annotations

import configparser
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADED = """
import studio.supervisor.main, studio.clock, compute.node.__main__, studio.celery, studio.wsgi
from django.urls import get_resolver
get_resolver().url_patterns
studio.celery.app.loader.import_default_modules()
"""  # what the parts load when they start


class InstallError(Exception):
    """Says in one sentence why the installation cannot go on."""


def main() -> int:
    """Install what is missing and print the interpreter to use."""
    venv = Path(os.environ.get("STUDIO_VENV", ROOT / ".venv")).absolute()
    try:
        names = ["requirements.txt", *(["requirements-dev.txt"] if "--dev" in sys.argv[1:] else [])]
        print(ensure(venv, [ROOT / name for name in names]))
    except InstallError as error:
        print(f"studio: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstudio: the installation was interrupted; the next start goes on with it.", file=sys.stderr)
        return 130
    return 0


def ensure(venv: Path, requirements: list[Path]) -> Path:
    """Return the interpreter of `venv` with all `requirements`; touch no network when they are there already.

    Each file is as good as its own stamp, so that the tests' requirements and the studio's do not undo each other.
    """
    python = venv / "bin" / "python"
    wanted = {stamp(venv, file): fingerprint(venv, requirements[:count]) for count, file in enumerate(requirements, 1)}
    if is_installed(python, wanted):
        return python
    with lock(venv):
        if not is_installed(python, wanted):
            for file in wanted:
                file.unlink(missing_ok=True)
            install(venv, python, requirements)
            for file, text in wanted.items():
                file.write_text(text)
    return python


def stamp(venv: Path, requirements: Path) -> Path:
    """Return the file that says what was last wholly installed from a requirements file."""
    return venv / f".installed-{requirements.stem}"


def fingerprint(venv: Path, requirements: list[Path]) -> str:
    """Return what an installation depends on, as one hash: the pins, the base interpreter, the place."""
    facts = [str(venv), os.path.realpath(sys.executable), sys.version, *(file.read_text() for file in requirements)]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()


def is_installed(python: Path, wanted: dict[Path, str]) -> bool:
    """Say whether the last whole installation was of just what is wanted now."""
    try:
        return os.access(python, os.X_OK) and all(file.read_text() == text for file, text in wanted.items())
    except OSError:
        return False


class lock:  # noqa: N801 - reads as a verb where it is used
    """Hold the right to install into a folder, waiting for another installation to end."""

    def __init__(self, venv: Path) -> None:
        self.path = venv.with_name(venv.name + ".lock")

    def __enter__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = self.path.open("w")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another installation into the same folder")
            fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)
        self.file.close()


def install(venv: Path, python: Path, requirements: list[Path]) -> None:
    """Make the environment anew when it does not run, then bring in exactly what is pinned."""
    if not runs(python):
        make(venv)
    if not runs(python, "-m", "uv", "--version"):
        say("installing uv, which installs the rest")
        pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
        call([*pip, pinned("uv", requirements[0])], "uv could not be installed")
    say(f"installing {' and '.join(file.name for file in requirements)} (900 MB the first time)")
    files = [word for file in requirements for word in ("--requirement", file)]
    call([python, "-m", "uv", "pip", "install", "--python", python, *files], "the requirements could not be installed")
    compile_all(python)


def compile_all(python: Path) -> None:
    """Have Python keep what it compiles for the parts: the first start need not, and may be unable to write here."""
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "STUDIO_HOME": home, "PYTHONPATH": str(ROOT)}
        subprocess.run([python, "-c", LOADED], check=False, cwd=ROOT, env=env, capture_output=True)
    folders = [str(path) for path in ROOT.iterdir() if (path / "__init__.py").exists() and path.name != "tests"]
    subprocess.run([python, "-m", "compileall", "-q", "-j", "0", *folders], check=False, stdout=sys.stderr)


def make(venv: Path) -> None:
    """Make an empty virtual environment with pip."""
    say(f"making the virtual environment {venv}")
    shutil.rmtree(venv, ignore_errors=True)
    done = subprocess.run([sys.executable, "-m", "venv", str(venv)], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    words = done.stdout + done.stderr
    if "ensurepip" in words or "No module named venv" in words:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise InstallError(
            f"this Python cannot make virtual environments; install its venv module (on Debian: python{version}-venv)."
        )
    raise InstallError(f"the virtual environment {venv} could not be made: {last_line(words)}")


def pinned(name: str, requirements: Path) -> str:
    """Return the requirement as pinned for `name`, or the bare name."""
    for line in requirements.read_text().splitlines():
        requirement = line.split("#")[0].split(";")[0].strip()
        if requirement.startswith(f"{name}=="):
            return requirement
    return name


def call(command: list[object], problem: str) -> None:
    """Run a command that shows its own progress, or raise InstallError."""
    done = subprocess.run([str(word) for word in command], check=False, stdout=sys.stderr, env=environment())
    if done.returncode:
        raise InstallError(f"{problem} (see above); the first installation needs the network or a local package index.")


def environment() -> dict[str, str]:
    """Return the environment for uv, which does not read pip's settings, with pip's indexes made known to it."""
    env = dict(os.environ)
    settings = pip_settings()
    for name, variable in (
        ("index-url", "UV_DEFAULT_INDEX"),
        ("extra-index-url", "UV_INDEX"),
        ("find-links", "UV_FIND_LINKS"),
        ("cert", "SSL_CERT_FILE"),
    ):
        if name in settings and variable not in env:
            # UV_FIND_LINKS is the one list that uv separates by commas.
            env[variable] = ",".join(settings[name].split()) if name == "find-links" else settings[name]
    if "UV_INDEX" in env:
        env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")  # as pip does: one pool of indexes, the best version
    return env


def pip_settings() -> dict[str, str]:
    """Return pip's settings from its files and the environment, by their names without the section."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(pip_files())
    except (configparser.Error, UnicodeDecodeError):
        return {}  # pip itself will say so
    found = [item for section in ("global", "install") if parser.has_section(section) for item in parser.items(section)]
    found += [(name[4:].lower(), text) for name, text in os.environ.items() if name.startswith("PIP_")]
    return {name.replace("_", "-"): text.strip() for name, text in found if text.strip()}


def pip_files() -> list[Path]:
    """Return where pip's settings may lie, those that count more last."""
    home = Path.home()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    chosen = [Path(os.environ["PIP_CONFIG_FILE"])] if os.environ.get("PIP_CONFIG_FILE") else []
    return [Path("/etc/pip.conf"), home / ".pip/pip.conf", config / "pip/pip.conf", *chosen]


def runs(*command: object) -> bool:
    """Say whether a command ends well."""
    words = [str(word) for word in command]
    if len(words) == 1:
        words += ["-m", "pip", "--version"]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def last_line(text: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def say(words: str) -> None:
    """Show progress."""
    print(f"studio: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
