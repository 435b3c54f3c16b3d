"""Artifacts come and go."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.artifacts import places, uploads
from experiments.artifacts.disk import Readable, Tally, store
from experiments.artifacts.uploads import Part
from experiments.models import LoggedModel, Run
from experiments.operations.logging import require_active
from experiments.purging.neighbours import require_free
from lib.errors import InvalidValue, NotFound
from workspaces.access import Actor, operation, require

MOST_COUNTED = 1_000_000


def place_of(owner: Run | LoggedModel) -> places.Place:
    return places.of_run(owner) if isinstance(owner, Run) else places.of_model(owner)


def put_artifact(
    actor: Actor,
    owner: Run | LoggedModel,
    *,
    path: str,
    source: Readable,
    size_bytes: int | None = None,
    replaces: bool = True,
) -> int:
    """Store a file below a run's or logged model's artifacts, over what was there if it `replaces`; give its size.

    Asks for the permission itself: as an `operation` it would hold a transaction open for as long as the bytes take.
    Raises InvalidValue for an unsafe path, a run in the bin, or an upload that ends early, and AlreadyExists for a
    name that is taken and not to be replaced.
    """
    return store().put(writable(actor, owner, path).key, source, size_bytes, replaces=replaces)


def writable(actor: Actor, owner: Run | LoggedModel, path: str) -> places.Place:
    """Give the place of a file that the actor may write."""
    require(actor, "experiments.write", owner)
    if isinstance(owner, Run):
        require_active(owner)
    place = place_of(owner).below(path)
    if place == place_of(owner):
        raise InvalidValue("Missing value for required parameter 'path'.", field="path")
    return place


def begin_upload(actor: Actor, owner: Run | LoggedModel, *, path: str) -> str:
    """Begin to store a file in parts; give the upload's id. Raises as `put_artifact` does."""
    return uploads.begin(writable(actor, owner, path))


def complete_upload(actor: Actor, owner: Run | LoggedModel, *, path: str, upload_id: str, parts: Sequence[Part]) -> int:
    """Make the file of its parts; give its size. Raises NotFound for an upload that is over or of another file."""
    return uploads.complete(upload_of(actor, owner, path, upload_id), parts)


def abort_upload(actor: Actor, owner: Run | LoggedModel, *, path: str, upload_id: str) -> None:
    uploads.abort(upload_of(actor, owner, path, upload_id))


def upload_of(actor: Actor, owner: Run | LoggedModel, path: str, upload_id: str) -> uploads.Upload:
    place, upload = writable(actor, owner, path), uploads.find(upload_id)
    if upload.target != place.key:
        raise NotFound("The upload is of another file.", field="upload_id")
    return upload


@operation("experiments.write")
def delete_artifact(actor: Actor, owner: Run | LoggedModel, *, path: str) -> Tally:
    """Delete a file, or a folder with all it holds, for good; give what went.

    Raises NotFound for an absent one, Conflict for one that a model version serves from.
    """
    if isinstance(owner, Run):
        require_active(owner)
    key = place_of(owner).below(path).key
    require_free(owner, path)
    gone = store().tally(key, MOST_COUNTED)
    store().delete(key)
    return gone
