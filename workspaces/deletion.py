"""Deleting a workspace reaches up: each app above registers how its part of one goes.

Participants run in their `order`, lowest first (endpoints stop before the models that they serve go). A participant is
asked again and again until it says that nothing is left, so that deleting goes on after a crash wherever it stood.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workspaces.models import Workspace


@dataclass(frozen=True)
class Count:
    """What a participant would delete: `rows` of the kind that people count, and their `size_bytes` in files."""

    label: str
    rows: int
    size_bytes: int = 0


@dataclass(frozen=True)
class Participant:
    """`count(workspace)` lists what is there; `delete_next_batch(workspace)` says whether something is left."""

    order: int
    name: str
    count: Callable[[Workspace], list[Count]]
    delete_next_batch: Callable[[Workspace], bool]


PARTICIPANTS: list[Participant] = []


def register(participant: Participant) -> None:
    """Called by an app's `ready()`; orders in use: deployments 10, jobs 20, registry 30, experiments 40, compute 50."""
    PARTICIPANTS.append(participant)
    PARTICIPANTS.sort(key=lambda one: one.order)


def count(workspace: Workspace) -> list[Count]:
    return [row for participant in PARTICIPANTS for row in participant.count(workspace)]


def delete_next_batch(workspace: Workspace) -> bool:
    """Delete one batch of the first participant that has something left; say whether anything is left."""
    return any(participant.delete_next_batch(workspace) for participant in PARTICIPANTS)
