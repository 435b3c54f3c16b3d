"""What can be said of a deployment before anything starts: will the model load, where, and is there room?"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from django.db.models import F, Sum
from django.utils.translation import gettext as _

from compute.environments import BadEnvironment
from deployments import clusters, environments, model_files, room
from deployments.models import COMING, SERVING, Deployment, Endpoint, Target, Wanted
from experiments.models import Run
from lib.errors import StudioError
from lib.format import size as shown_size
from registry.models import ModelVersion, RegisteredModel
from registry.sources import in_run
from workspaces.access import Actor

Tone = Literal["ok", "warn", "bad"]
MOST_NAMED = 6

# As scripts of old name the framework of a model that they register.
FRAMEWORK_VERSION = "azureml.framework_version"


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked at, what was found, and whether that is good."""

    label: str
    text: str
    tone: Tone = "ok"


@dataclass(frozen=True)
class Asked:
    """What a form asks for: so many replicas of a size, the inference cluster or the endpoint if one is chosen."""

    cpu_cores: float = 0.5
    memory_gb: float = 1.0
    replicas: int = 1
    cluster: str = ""
    endpoint: Endpoint | None = None


def report(version: ModelVersion, asked: Asked) -> list[Finding]:
    """Look at a model version's files as data, at its environment, and at the memory of this machine or the cluster."""
    model = [_servable(version), _signature(version), _files(version), _packages(version)]
    place = _room_on(version, asked) if asked.cluster else _room(asked.memory_gb, asked.replicas)
    return [*model, place, *_quota(version, asked)]


def candidate(actor: Actor, run: Run, path: str) -> ModelVersion:
    """Give what a run's Artifacts tab shows at `path` as the version that it would be; nothing is saved.

    Raises StudioError for a path that is none.
    """
    found = in_run(actor, run.workspace, f"{run.pk}/{path}", run.pk)
    model = RegisteredModel(workspace=run.workspace, name=run.name)
    return ModelVersion(
        model=model,
        version=1,
        source=f"runs:/{run.pk}/{path}",
        run=found.run,
        logged_model=found.model,
        artifact_path=found.path,
    )


def refused(error: StudioError) -> list[Finding]:
    return [Finding(_("Model"), error.message, "bad")]


def is_good(findings: list[Finding]) -> bool:
    return all(finding.tone != "bad" for finding in findings)


def _servable(version: ModelVersion) -> Finding:
    described = model_files.describe(version)
    try:
        model_files.check_servable(version)
    except StudioError as error:
        return Finding(_("Model"), error.message, "bad")
    if described is None:
        return _bare(version)
    return Finding(_("Model"), ", ".join(flavor.name for flavor in described.flavors))


def _bare(version: ModelVersion) -> Finding:
    written_by = model_files.scikit_learn_of(version)
    if not written_by:
        return Finding(_("Model"), _("One bare model file; its packages are guessed (scikit-learn)."), "warn")
    text = _("One bare model file, written by scikit-learn %(version)s, which will serve it.") % {"version": written_by}
    tags = version.tags.filter(key=FRAMEWORK_VERSION) if version.pk else None  # a run's model is not registered yet
    said = tags.values_list("value", flat=True).first() if tags else None
    if said in (None, written_by):
        return Finding(_("Model"), text)
    return Finding(_("Model"), f"{text} {_('It was registered as %(version)s.') % {'version': said}}", "warn")


def _signature(version: ModelVersion) -> Finding:
    described = model_files.describe(version)
    if described is None or not described.inputs:
        return Finding(
            _("Signature"), _("None: requests are not checked, and the page cannot make an example."), "warn"
        )
    names = [column.name or column.type for column in described.inputs]
    rest = f" + {len(names) - MOST_NAMED}" if len(names) > MOST_NAMED else ""
    return Finding(_("Signature"), ", ".join(names[:MOST_NAMED]) + rest)


def _files(version: ModelVersion) -> Finding:
    total, pickles = model_files.weigh(version)
    text = shown_size(total)
    if pickles:
        text = _("%(size)s; holds a pickle (%(names)s), which runs its author's code") % {
            "size": text,
            "names": ", ".join(pickles[:3]),
        }
        return Finding(_("Files"), text, "warn")
    return Finding(_("Files"), text)


def _packages(version: ModelVersion) -> Finding:
    try:
        spec = environments.specification(version)
    except (BadEnvironment, StudioError) as error:
        return Finding(_("Packages"), str(error), "bad")
    words = {"python": spec.python, "count": len(spec.requirements)}
    if environments.already_there(version, spec):
        return Finding(_("Packages"), _("Python %(python)s, %(count)s packages: the environment is there") % words)
    return Finding(_("Packages"), _("Python %(python)s, %(count)s packages: the environment is built first") % words)


def _room(memory_gb: float, replicas: int) -> Finding:
    running = Deployment.objects.filter(wanted=Wanted.RUNNING, state__in=[*COMING, *SERVING])
    taken = running.aggregate(total=Sum(F("memory_bytes") * F("replicas")))["total"] or 0
    asked, there = int(memory_gb * (1 << 30)) * replicas, memory_of_machine()
    words = {"asked": shown_size(asked), "taken": shown_size(taken), "there": shown_size(there)}
    text = _("%(asked)s asked for; endpoints may take %(taken)s of %(there)s already") % words
    return Finding(_("Memory"), text, "warn" if there and asked + taken > there else "ok")


def _room_on(version: ModelVersion, asked: Asked) -> Finding:
    fresh = Endpoint(workspace=version.workspace, target_kind=Target.CLUSTER, compute_name=asked.cluster)
    endpoint = asked.endpoint or fresh
    each = clusters.Need(asked.cpu_cores, int(asked.memory_gb * (1 << 30)))
    try:
        clusters.check_room(endpoint, (asked.replicas, each))
    except StudioError as error:
        return Finding(_("Cluster"), error.message, "bad")
    words = {"asked": each.times(asked.replicas), "name": asked.cluster}
    return Finding(_("Cluster"), _("%(asked)s fit on “%(name)s”") % words)


def _quota(version: ModelVersion, asked: Asked) -> list[Finding]:
    """Say what the quota leaves, where the workspace has one."""
    use = room.use_of(version.workspace)
    if use is None:
        return []
    endpoint = asked.endpoint or Endpoint(workspace=version.workspace)
    each = clusters.Need(asked.cpu_cores, int(asked.memory_gb * (1 << 30)), 1)
    try:
        room.check_quota(endpoint, (asked.replicas, each))
    except StudioError as error:
        return [Finding(_("Quota"), error.message, "bad")]
    return [Finding(_("Quota"), _("Endpoints take %s") % use)]


def memory_of_machine() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0
