"""Every change to experiments, runs and logged models, one function a verb."""

from experiments.operations.experiments import (
    archive_experiment,
    create_experiment,
    delete_experiment,
    delete_experiment_tag,
    make_default_experiment,
    restore_experiment,
    set_experiment_tag,
    unarchive_experiment,
    update_experiment,
)
from experiments.operations.files import abort_upload, begin_upload, complete_upload, delete_artifact, put_artifact
from experiments.operations.links import DatasetUse, log_inputs, log_outputs
from experiments.operations.logging import log_batch, log_metric, log_param, record_model, set_tag
from experiments.operations.many import (
    archive_runs,
    delete_runs,
    move_runs,
    restore_runs,
    tag_runs,
    unarchive_runs,
)
from experiments.operations.models import (
    create_logged_model,
    delete_logged_model,
    delete_logged_model_tag,
    finalize_logged_model,
    log_model_params,
    restore_logged_model,
    set_logged_model_tags,
)
from experiments.operations.purges import (
    IN_TRASH,
    delete_metric,
    planned,
    purge,
    purge_artifact,
    set_trash_rule,
)
from experiments.operations.purges import (
    MOST as MOST_PURGED,
)
from experiments.operations.runs import (
    create_run,
    delete_run,
    delete_tag,
    finish_submitted_run,
    restore_run,
    update_run,
)
from experiments.operations.views import delete_view, save_view

__all__ = [
    "IN_TRASH",
    "MOST_PURGED",
    "DatasetUse",
    "abort_upload",
    "archive_experiment",
    "archive_runs",
    "begin_upload",
    "complete_upload",
    "create_experiment",
    "create_logged_model",
    "create_run",
    "delete_artifact",
    "delete_experiment",
    "delete_experiment_tag",
    "delete_logged_model",
    "delete_logged_model_tag",
    "delete_metric",
    "delete_run",
    "delete_runs",
    "delete_tag",
    "delete_view",
    "finalize_logged_model",
    "finish_submitted_run",
    "log_batch",
    "log_inputs",
    "log_metric",
    "log_model_params",
    "log_outputs",
    "log_param",
    "make_default_experiment",
    "move_runs",
    "planned",
    "purge",
    "purge_artifact",
    "put_artifact",
    "record_model",
    "restore_experiment",
    "restore_logged_model",
    "restore_run",
    "restore_runs",
    "save_view",
    "set_experiment_tag",
    "set_logged_model_tags",
    "set_tag",
    "set_trash_rule",
    "tag_runs",
    "unarchive_experiment",
    "unarchive_runs",
    "update_experiment",
    "update_run",
]
