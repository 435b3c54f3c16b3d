"""What is done to many runs at once, in a few statements however many they are.

What befalls a run befalls the runs nested in it, but for tags and for what is taken back: that names each run itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext as _

from experiments.models import PARENT_TAG, Dataset, Experiment, LoggedModel, Run, RunDataset, RunTag
from experiments.operations.experiments import require_active as require_active_experiment
from lib.clock import now_ms
from lib.errors import InvalidValue, NotFound
from lib.mlflow import limits
from workspaces.access import Actor, operation
from workspaces.models import Workspace

SYSTEM = "mlflow."

# UNION, not UNION ALL: tags are the users' own, so a run may be said to be its own grandparent.
FAMILY = """
    WITH RECURSIVE family (id) AS (
        SELECT run.id
          FROM experiments_run AS run
         WHERE run.workspace_id = %(workspace)s
           AND run.id = ANY (%(ids)s)
     UNION
        SELECT child.id
          FROM family
          JOIN experiments_runtag AS tag
            ON tag.key = %(tag)s
           AND left(tag.value, 64) = family.id
           AND tag.value = family.id
          JOIN experiments_run AS child
            ON child.id = tag.run_id
           AND child.workspace_id = %(workspace)s
    )
    SELECT id FROM family
"""

SET_TAG = """
    INSERT INTO experiments_runtag AS known (run_id, key, value)
         SELECT id, %(key)s, %(value)s
           FROM unnest(%(ids)s::text[]) AS given (id)
          ORDER BY id
    ON CONFLICT (run_id, key) DO UPDATE
            SET value = EXCLUDED.value
"""


def family(workspace: Workspace, ids: Iterable[str]) -> list[str]:
    """Give the runs of the workspace among these, and all that are nested in them, however deep."""
    with connection.cursor() as cursor:
        cursor.execute(FAMILY, {"workspace": workspace.pk, "ids": list(ids), "tag": PARENT_TAG})
        return [row[0] for row in cursor.fetchall()]


def of(workspace: Workspace, ids: Iterable[str]) -> QuerySet[Run]:
    return Run.objects.filter(workspace=workspace, pk__in=list(ids))


def changed(rows: QuerySet[Run], **fields: int | None) -> list[str]:
    """Set fields of rows; give the ids of those that were changed, so that exactly this can be taken back."""
    ids = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
    Run.objects.filter(pk__in=ids).update(**fields)
    return ids


@operation("experiments.write")
def delete_runs(actor: Actor, workspace: Workspace, *, runs: Sequence[str]) -> list[str]:
    """Put runs and those nested in them into the bin; give the ids of those that were not there yet."""
    return changed(of(workspace, family(workspace, runs)).filter(deleted_ms=None), deleted_ms=now_ms())


@operation("experiments.write")
def restore_runs(actor: Actor, workspace: Workspace, *, runs: Sequence[str]) -> list[str]:
    """Take runs out of the bin. Raises InvalidValue when the experiment of one is there."""
    rows = of(workspace, runs).exclude(deleted_ms=None)
    if buried := rows.exclude(experiment__deleted_ms=None).select_related("experiment").first():
        raise InvalidValue(_("The experiment “%s” is in the bin: restore it first.") % buried.experiment.name)
    return changed(rows, deleted_ms=None)


@operation("experiments.write")
def archive_runs(actor: Actor, workspace: Workspace, *, runs: Sequence[str]) -> list[str]:
    """Put runs and those nested in them out of sight; they stay as they are and where they are, for ever."""
    rows = of(workspace, family(workspace, runs)).filter(deleted_ms=None, archived_ms=None)
    return changed(rows, archived_ms=now_ms())


@operation("experiments.write")
def unarchive_runs(actor: Actor, workspace: Workspace, *, runs: Sequence[str]) -> list[str]:
    """Put runs back into sight."""
    return changed(of(workspace, runs).exclude(archived_ms=None), archived_ms=None)


@operation("experiments.write")
def tag_runs(actor: Actor, workspace: Workspace, *, runs: Sequence[str], name: str, value: str) -> int:
    """Set a tag of runs, or remove it by an empty value; give the number of runs.

    Raises InvalidValue for a tag that is MLflow's own, or a name or value that cannot be one.
    """
    if limits.check_key(name, "key").startswith(SYSTEM):
        raise InvalidValue(_("Tags that begin with “mlflow.” are set by MLflow itself."), field="key")
    rows = of(workspace, runs).filter(deleted_ms=None)
    if not value:
        return RunTag.objects.filter(run__in=rows, key=name).delete()[0]
    ids = list(rows.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(SET_TAG, {"ids": ids, "key": name, "value": limits.tag_value(value)})
    return len(ids)


@operation("experiments.write")
def move_runs(
    actor: Actor, workspace: Workspace, *, runs: Sequence[str], to: Experiment, alone: bool = False
) -> dict[str, int]:
    """Move runs and (unless `alone`) those nested in them to another experiment of the workspace.

    Their logged models and data sets go along; files stay where they lie, so that every address of them goes on to
    work. Gives each moved run's former experiment. Raises NotFound for an experiment elsewhere, InvalidValue for one
    in the bin.
    """
    if to.workspace_id != workspace.pk:
        raise NotFound(f"No Experiment with id={to.pk} exists")
    require_active_experiment(to)
    ids = runs if alone else family(workspace, runs)
    rows = of(workspace, ids).filter(deleted_ms=None).exclude(experiment=to)
    before = dict(rows.select_for_update().order_by("pk").values_list("pk", "experiment_id"))
    files_under = NullIf(Coalesce(F("files_under"), F("experiment_id")), Value(to.pk))
    Run.objects.filter(pk__in=before).update(experiment=to, files_under=files_under)
    models = LoggedModel.objects.filter(source_run__in=before).exclude(experiment=to)
    models.update(experiment=to, files_under=files_under)
    take_datasets_along(list(before), to)
    Experiment.objects.filter(pk__in={to.pk, *before.values()}).update(updated_ms=now_ms())
    return before


def take_datasets_along(ids: Sequence[str], to: Experiment) -> None:
    """Let the runs' data sets be those of the new experiment: data sets belong to one."""
    foreign = Dataset.objects.filter(used_by__run__in=ids).exclude(experiment=to).distinct()
    for dataset in foreign:
        kept = {name: getattr(dataset, name) for name in ("source_type", "source", "schema", "profile")}
        own, _made = Dataset.objects.get_or_create(
            experiment=to, name=dataset.name, digest=dataset.digest, defaults=kept
        )
        RunDataset.objects.filter(run__in=ids, dataset=dataset).update(dataset=own)
