"""Every change to registered models and their versions, one function a verb."""

from registry.operations.models import (
    delete_model,
    delete_model_tag,
    register_model,
    rename_model,
    set_model_tag,
    update_model,
)
from registry.operations.purges import planned_model, planned_version, purge_model, purge_version
from registry.operations.versions import (
    create_version,
    delete_alias,
    delete_version,
    delete_version_tag,
    register_from_run,
    set_alias,
    set_version_tag,
    transition_stage,
    update_version,
)

__all__ = [
    "create_version",
    "delete_alias",
    "delete_model",
    "delete_model_tag",
    "delete_version",
    "delete_version_tag",
    "planned_model",
    "planned_version",
    "purge_model",
    "purge_version",
    "register_from_run",
    "register_model",
    "rename_model",
    "set_alias",
    "set_model_tag",
    "set_version_tag",
    "transition_stage",
    "update_model",
    "update_version",
]
