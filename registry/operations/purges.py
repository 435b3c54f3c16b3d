"""Models and versions go for good together with their files."""

from __future__ import annotations

from experiments.models import Purge, PurgeKind
from experiments.operations.purges import begun
from registry import holding
from registry.models import ModelVersion, RegisteredModel
from workspaces.access import Actor, operation, require


@operation("registry.write")
def purge_version(actor: Actor, version: ModelVersion) -> Purge:
    """Delete a version and its files, unless another version has the same; its number is not used again.

    Takes the right to delete for good too. Raises Conflict when an endpoint serves it.
    """
    require(actor, "experiments.purge", version)
    holding.require_unserved([version])
    return begun(planned_version(actor, version))


def planned_version(actor: Actor, version: ModelVersion) -> Purge:
    """Give the purge that would be begun, not stored yet."""
    return Purge(
        workspace=version.workspace,
        kind=PurgeKind.VERSION,
        names=[str(version.pk)],
        label=str(version)[:300],
        asked_by=actor.name,
    )


@operation("registry.write")
def purge_model(actor: Actor, model: RegisteredModel) -> Purge:
    """Delete a model, all its versions, and their files. Raises as `purge_version` does."""
    require(actor, "experiments.purge", model)
    holding.require_unserved(model.versions.select_related("model"))
    return begun(planned_model(actor, model))


def planned_model(actor: Actor, model: RegisteredModel) -> Purge:
    return Purge(
        workspace=model.workspace, kind=PurgeKind.MODEL, names=[str(model.pk)], label=model.name, asked_by=actor.name
    )
