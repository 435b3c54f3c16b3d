"""Which runs, logged models and files model versions are made of, and which versions somebody above serves.

Rooms above say what they serve: `served_by.append(ask)`, where `ask(version ids)` gives names by id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from experiments.models import LoggedModel, Run
from experiments.purging import Holder, Neighbour
from lib.errors import Conflict
from registry.models import ModelVersion
from registry.sources import ELSEWHERE, PROMPT_SOURCES

Asked = Callable[[Collection[int]], Mapping[int, list[str]]]
served_by: list[Asked] = []


def with_files_of_runs() -> QuerySet[ModelVersion]:
    """Give the versions whose files are a run's own: neither a logged model's, nor outside, nor a prompt's."""
    outside = Q(source__in=PROMPT_SOURCES)
    for scheme in ELSEWHERE:
        outside |= Q(source__startswith=scheme)
    rows = ModelVersion.objects.filter(run__isnull=False, logged_model=None).exclude(outside)
    return rows.select_related("model")


def holders(pairs: Iterable[tuple[str, ModelVersion]]) -> dict[str, list[Holder]]:
    found: dict[str, list[Holder]] = defaultdict(list)
    for name, version in pairs:
        found[name].append(Holder("version", str(version)))
    return found


def holds_runs(run_ids: Collection[str]) -> dict[str, list[Holder]]:
    rows = with_files_of_runs().filter(run__in=run_ids).order_by("model__name", "version")
    return holders((str(one.run_id), one) for one in rows)


def holds_models(model_ids: Collection[str]) -> dict[str, list[Holder]]:
    rows = ModelVersion.objects.filter(logged_model__in=model_ids).select_related("model")
    return holders((str(one.logged_model_id), one) for one in rows.order_by("model__name", "version"))


def holds_files(owner: Run | LoggedModel, path: str) -> list[Holder]:
    return [Holder("version", str(version)) for version in with_files_at(owner, path)]


def with_files_at(owner: Run | LoggedModel, path: str) -> list[ModelVersion]:
    """List the versions whose files meet a path below an owner's artifacts: above it, below it, or the same."""
    if isinstance(owner, Run):
        rows = with_files_of_runs().filter(run=owner)
    else:
        rows = ModelVersion.objects.filter(logged_model=owner).select_related("model")
    return [one for one in rows if is_within(one.artifact_path, path) or is_within(path, one.artifact_path)]


def is_within(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def served(version_ids: Collection[int]) -> dict[int, list[str]]:
    """Say which endpoints serve which versions."""
    found: dict[int, list[str]] = defaultdict(list)
    for ask in served_by:
        for pk, names in ask(version_ids).items():
            found[pk] += names
    return found


def require_unserved(versions: Iterable[ModelVersion]) -> None:
    """Raise Conflict when an endpoint serves one of them."""
    by_id = {version.pk: version for version in versions}
    for pk, names in served(list(by_id)).items():
        raise Conflict(
            _("The endpoint %(name)s serves %(version)s: delete it, or deploy another version, first.")
            % {"name": names[0], "version": by_id[pk]}
        )


NEIGHBOUR = Neighbour("registry", holds_runs=holds_runs, holds_models=holds_models, holds_files=holds_files)
