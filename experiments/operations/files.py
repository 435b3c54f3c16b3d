"""Artifacts come and go."""

from __future__ import annotations

from experiments.artifacts import places
from experiments.artifacts.disk import Readable, store
from experiments.models import LoggedModel, Run
from experiments.operations.logging import require_active
from lib.errors import InvalidValue
from workspaces.access import Actor, operation, require


def place_of(owner: Run | LoggedModel) -> places.Place:
    return places.of_run(owner) if isinstance(owner, Run) else places.of_model(owner)


def put_artifact(
    actor: Actor, owner: Run | LoggedModel, *, path: str, source: Readable, size_bytes: int | None = None
) -> int:
    """Store a file below a run's or logged model's artifacts, over what was there; give its size.

    Asks for the permission itself: as an `operation` it would hold a transaction open for as long as the bytes take.
    Raises InvalidValue for an unsafe path, a run in the bin, or an upload that ends early.
    """
    require(actor, "experiments.write", owner)
    if isinstance(owner, Run):
        require_active(owner)
    place = place_of(owner).below(path)
    if place == place_of(owner):
        raise InvalidValue("Missing value for required parameter 'path'.", field="path")
    return store().put(place.key, source, size_bytes)


@operation("experiments.write")
def delete_artifact(actor: Actor, owner: Run | LoggedModel, *, path: str) -> None:
    """Delete a file, or a folder with all it holds. Raises NotFound for an absent one."""
    if isinstance(owner, Run):
        require_active(owner)
    store().delete(place_of(owner).below(path).key)
