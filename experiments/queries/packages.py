"""Which packages runs had, as the models that they logged say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import yaml
from packaging.requirements import InvalidRequirement, Requirement

from experiments import artifacts
from experiments.artifacts import Place
from experiments.models import LoggedModel, Run
from lib.errors import NotFound

MOST_BYTES = 256 * 1024
FOLDERS = ("model", "")  # where clients before MLflow 3 left a model, and what people log themselves


def packages_of(runs: Sequence[Run]) -> dict[str, dict[str, str]]:
    """Give each run's packages and what is required of them: from its newest logged model, else from its own files."""
    models: dict[str, LoggedModel] = {}
    for model in LoggedModel.objects.filter(source_run__in=runs, deleted_ms=None).order_by("created_ms", "pk"):
        if model.source_run_id:
            models[model.source_run_id] = model
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for run in runs:
        own = artifacts.of_run(run)
        places = [artifacts.of_model(models[run.pk])] if run.pk in models else [own.below(one) for one in FOLDERS]
        found[run.pk] = next(filter(None, map(read, places)), {})
    return found


def read(folder: Place) -> dict[str, str]:
    """Read the packages of a model's folder; none where there are no such files."""
    conda = text(folder.below("conda.yaml"))
    found = conda_packages(conda) if conda else {}
    return found | packages((text(folder.below("requirements.txt")) or "").splitlines())


def text(place: Place) -> str | None:
    try:
        content, is_cut = artifacts.read_text(place, MOST_BYTES)
    except NotFound:
        return None
    return None if is_cut else content


def packages(lines: Iterable[str]) -> dict[str, str]:
    """Read requirements; a line that names no package (an option, an address) stands for itself."""
    found = {}
    for line in lines:
        line = line.split(" #")[0].strip()
        if not line or line.startswith("#"):
            continue
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            found[line] = "yes"
            continue
        found[wanted.name.lower().replace("_", "-")] = str(wanted.url or wanted.specifier or "any").removeprefix("==")
    return found


def conda_packages(content: str) -> dict[str, str]:
    try:
        described = yaml.safe_load(content)
    except (yaml.YAMLError, RecursionError):
        return {}
    dependencies = described.get("dependencies") if isinstance(described, dict) else None
    found: dict[str, str] = {}
    for one in dependencies if isinstance(dependencies, list) else []:
        if isinstance(one, str):
            name, _equals, version = one.partition("=")
            found[name.strip()] = version.strip("= ") or "any"
        elif isinstance(one, dict) and isinstance(one.get("pip"), list):
            found |= packages(str(line) for line in one["pip"])
    return found
