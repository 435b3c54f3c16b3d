"""What takes the place of versions that no longer exist for the Pythons that do.

Old requests (Python 3.6, scikit-learn 0.19.1) cannot be met as written. Each pin that has no wheel gives way to the
lowest newer version that has one, and packages of the same age are kept together: a scikit-learn of 2022 beside a NumPy
of today installs and then dies on import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

# The scientific packages as they went together before NumPy 1.24 took its old names away.
TOGETHER = {
    "numpy": "numpy<1.24",
    "scipy": "scipy<1.11",
    "pandas": "pandas<2",
    "scikit-learn": "scikit-learn<1.3",
    "matplotlib": "matplotlib<3.9",
}

# Wheels below these were compiled for NumPy 1: with NumPy 2 they install, and then die on import.
BEFORE_NUMPY_2 = {"scikit-learn": "1.4.2", "scipy": "1.13", "pandas": "2.2.2", "matplotlib": "3.9", "pyarrow": "16"}

# Gives the version that a requirement resolves to with wheels alone, the lowest or the highest; None for none.
Resolve = Callable[[str, bool], str | None]


@dataclass(frozen=True)
class Substitution:
    """What to install instead, what to hold it together with, and a sentence for each thing replaced."""

    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def fitting(requirements: Iterable[str]) -> tuple[str, ...]:
    """Give the requirements, with a NumPy that fits when one of them is pinned to a wheel for NumPy 1."""
    kept = tuple(requirements)
    asked = {str(canonicalize_name(one.name)): one for one in map(Requirement, kept)}
    versions = {name: pinned_version(asked[name]) for name in BEFORE_NUMPY_2 if name in asked}
    is_old = any(text and Version(text) < Version(BEFORE_NUMPY_2[name]) for name, text in versions.items())
    is_chosen = "numpy" in asked and bool(asked["numpy"].specifier)
    return (*kept, "numpy<2") if is_old and not is_chosen else kept


def pinned_version(requirement: Requirement) -> str:
    """Give "0.19.1" of `==0.19.1` or `==0.19.1.*`; "" for what is not pinned."""
    specifiers = list(requirement.specifier)
    if len(specifiers) != 1 or specifiers[0].operator not in ("==", "==="):
        return ""
    return specifiers[0].version.removesuffix(".*")


def substituted(
    requirements: Iterable[str], resolve: Resolve, *, names: Iterable[str] | None = None, is_old: bool = False
) -> Substitution:
    """Replace the pins that have no wheel: all, or only those of `names`. `is_old`: the Python was replaced too."""
    kept: list[str] = []
    notes: list[str] = []
    pinned: set[str] = set()
    for text in requirements:
        requirement = Requirement(text)
        name, version = canonicalize_name(requirement.name), pinned_version(requirement)
        is_asked = bool(version) and (names is None or name in names)
        if not is_asked or resolve(text, False) is not None:
            kept.append(text)
            pinned |= {name} if version else set()
            continue
        other = replacement(name, version, resolve)
        if other is None:
            kept.append(text)
            continue
        kept.append(other_requirement(requirement, other))
        pinned.add(name)
        notes.append(f"{name} {version} has no wheel for this Python; {other}, the next that has one, was used.")
    is_needed = bool(notes) or is_old
    constraints = tuple(text for name, text in TOGETHER.items() if name not in pinned) if is_needed else ()
    return Substitution(tuple(kept), constraints, tuple(notes))


def replacement(name: str, version: str, resolve: Resolve) -> str | None:
    """Find the lowest newer version with a wheel, of the same age as the others if there is one."""
    limit = TOGETHER[name].removeprefix(name) if name in TOGETHER else ""
    within = resolve(f"{name}>={version},{limit}", True) if limit else None
    return within or resolve(f"{name}>={version}", True)


def other_requirement(requirement: Requirement, version: str) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return f"{canonicalize_name(requirement.name)}{extras}=={version}{marker}"


def refusal(requirements: Iterable[str], resolve: Resolve) -> str:
    """Say which pins cannot be had, and what is on offer: why a strict workspace's environment is not built."""
    lines = []
    for text in requirements:
        requirement = Requirement(text)
        version = pinned_version(requirement)
        if not version or resolve(text, False) is not None:
            continue
        lowest, highest = resolve(requirement.name, True), resolve(requirement.name, False)
        offered = f"there are wheels from {lowest} to {highest}" if lowest else "there is no wheel at all"
        lines.append(f"{requirement.name} {version} has no wheel for this Python; {offered}.")
    return "\n".join(lines)
