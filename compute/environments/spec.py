"""What an environment holds, and the name that its content gives it."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from compute.environments import client as own_client

# Part of every digest: raise it when the same spec would be built differently.
BUILDER_VERSION = 2
PYTHON = re.compile(r"3\.\d{1,2}")
# What logs, where a cloud's own client was asked for and no MLflow beside it. MLflow 3 names a model's file otherwise
# than scripts of that time expect.
CLIENT = "mlflow-skinny<3,>=2.22"
TEXT_MAX = 200_000
REQUIREMENTS_MAX = 2_000


class BadEnvironment(ValueError):
    """The environment cannot be read or is not allowed; the message is a sentence that names the line or package."""


@dataclass(frozen=True)
class EnvironmentSpec:
    """Packages for one Python minor version ("3.11"). `notes` say, a sentence each, what was left out or replaced.

    `is_strict`: what cannot be had as it is written is an error, not replaced. `client` names the studio's own client,
    if that is installed too.
    """

    python: str
    requirements: tuple[str, ...]
    source: str = "packages"
    name: str = ""
    notes: tuple[str, ...] = ()
    is_strict: bool = False
    client: str = ""

    @property
    def digest(self) -> str:
        """Name the content: equal packages for an equal Python are one environment, wherever they were read from."""
        content = [BUILDER_VERSION, self.python, list(self.requirements), *(["strict"] if self.is_strict else [])]
        content += [["client", self.client]] if self.client else []
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:40]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "requirements": list(self.requirements), "notes": list(self.notes)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> EnvironmentSpec:
        """Read what `as_json` wrote, checked anew: it may have travelled."""
        return make(
            values["requirements"],
            python=values.get("python") or "",
            source=values.get("source", "packages"),
            name=values.get("name", ""),
            notes=values.get("notes", ()),
            is_strict=bool(values.get("is_strict")),
            client=str(values.get("client", ""))[:64],
        )


def make(
    requirements: Iterable[str],
    *,
    python: str = "",
    source: str = "packages",
    name: str = "",
    notes: Iterable[str] = (),
    is_strict: bool = False,
    client: str = "",
) -> EnvironmentSpec:
    """Make a spec from requirement lines; each is checked, brought into one form, and kept once.

    Raises BadEnvironment for what is not a plain PEP 508 requirement of a package index.
    """
    lines = list(requirements)
    if len(lines) > REQUIREMENTS_MAX:
        raise BadEnvironment(
            f"An environment takes at most {REQUIREMENTS_MAX} packages; this one asks for {len(lines)}."
        )
    kept, left_out = [], []
    names: set[str] = set()
    for line in lines:
        requirement = checked_requirement(line)
        if canonicalize_name(requirement.name).startswith("azureml-"):
            left_out.append(f"{line.strip()} is the studio's own client here.")
        else:
            kept.append(normal(requirement))
            names.add(canonicalize_name(requirement.name))
    if left_out and not names & {"mlflow", "mlflow-skinny"}:
        kept += [CLIENT, *([] if "pandas" in names else ["pandas"])]  # logging a model needs pandas
    return EnvironmentSpec(
        python=minor_of(python) if python else default_python(),
        requirements=tuple(sorted(set(kept))),
        source=source,
        name=name[:200],
        notes=(*notes, *left_out),
        is_strict=is_strict,
        client=client or (own_client.fingerprint() if left_out else ""),
    )


def default_python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def minor_of(version: str) -> str:
    """Give "3.11" for "3.11.7" or "3.11.*"."""
    found = PYTHON.match(version.strip())
    if not found:
        raise BadEnvironment(f"“{version[:40]}” is not a version of Python 3, such as 3.11.")
    return found.group()


def checked_requirement(line: str) -> Requirement:
    """Read one requirement; options, addresses and paths would make the builder open what a user names, so: never."""
    text = line.strip()
    if text.startswith("-"):
        raise BadEnvironment(f"“{text[:80]}” is an option of pip; only packages of the package index are taken here.")
    if text.startswith((".", "/", "~")) or "://" in text or text.endswith((".whl", ".tar.gz", ".zip")):
        raise BadEnvironment(
            f"“{text[:80]}” is a path or an address; only packages of the package index are taken here."
        )
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise BadEnvironment(f"“{text[:80]}” is not a requirement (PEP 508): {str(error).splitlines()[0]}") from None
    if requirement.url:
        raise BadEnvironment(f"“{text[:80]}” names an address; only packages of the package index are taken here.")
    return requirement


def normal(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    versions = ",".join(sorted(str(one) for one in requirement.specifier))
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return f"{canonicalize_name(requirement.name)}{extras}{versions}{marker}"
