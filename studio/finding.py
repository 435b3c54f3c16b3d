"""What the palette finds by a few letters: pages, and whatever in the workspace has such a name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from deployments.models import Endpoint
from experiments.models import Experiment, Run
from registry.models import RegisteredModel
from workspaces.access import Actor
from workspaces.models import Workspace

MOST_OF_A_KIND = 6
SHORTEST_ID = 6


@dataclass(frozen=True)
class Hit:
    """One thing to go to; `note` says where it belongs."""

    name: str
    url: str
    note: str = ""


@dataclass(frozen=True)
class Hits:
    label: str
    icon: str
    hits: tuple[Hit, ...]


def find(actor: Actor, workspace: Workspace, text: str) -> list[Hits]:
    """Find by name whatever the actor may see, a few of each kind; without a text, the pages and the newest runs."""
    text = text.strip()[:200]
    found = [
        Hits(_("Pages"), "right", tuple(pages(actor, workspace, text))),
        Hits(_("Runs"), "runs", tuple(runs(actor, workspace, text))),
    ]
    if text:
        found += [
            Hits(_("Experiments"), "experiments", tuple(experiments(actor, workspace, text))),
            Hits(_("Models"), "model", tuple(models(actor, workspace, text))),
            Hits(_("Endpoints"), "endpoint", tuple(endpoints(actor, workspace, text))),
        ]
    return [one for one in found if one.hits]


def pages(actor: Actor, workspace: Workspace, text: str) -> Iterable[Hit]:
    names = {
        _("Home"): "studio:home",
        _("Experiments"): "experiments:experiment-list",
        _("Runs"): "experiments:run-list",
        _("Models"): "registry:model-list",
        _("Environments"): "compute:environment-list",
        _("Jobs"): "jobs:job-list",
        _("Compute"): "compute:target-list",
        _("Endpoints"): "deployments:endpoint-list",
        _("Trash"): "experiments:trash",
    }
    found = [Hit(name, reverse(view, args=[workspace.name])) for name, view in names.items()]
    found.append(Hit(_("Account and tokens"), reverse("workspaces:account")))
    if actor.is_admin:
        found.append(Hit(_("Resource groups"), reverse("workspaces:group-list")))
    return [hit for hit in found if text.lower() in hit.name.lower()]


def runs(actor: Actor, workspace: Workspace, text: str) -> Iterable[Hit]:
    rows = Run.objects.visible_to(actor).filter(workspace=workspace, deleted_ms=None).select_related("experiment")
    by_id = rows.filter(pk__startswith=text.lower()) if len(text) >= SHORTEST_ID else rows.none()
    by_name: QuerySet[Run] = rows.filter(name__icontains=text) if text else rows
    newest = by_name.order_by("-start_ms", "pk")
    for run in dict.fromkeys([*by_id[:MOST_OF_A_KIND], *newest[:MOST_OF_A_KIND]]):
        yield Hit(run.name, reverse("experiments:run-detail", args=[workspace.name, run.pk]), run.experiment.name)


def experiments(actor: Actor, workspace: Workspace, text: str) -> Iterable[Hit]:
    rows = Experiment.objects.visible_to(actor).filter(workspace=workspace, deleted_ms=None, name__icontains=text)
    for one in rows.order_by("-updated_ms", "pk")[:MOST_OF_A_KIND]:
        yield Hit(one.name, reverse("experiments:experiment-detail", args=[workspace.name, one.pk]))


def models(actor: Actor, workspace: Workspace, text: str) -> Iterable[Hit]:
    rows = RegisteredModel.objects.visible_to(actor).filter(workspace=workspace, name__icontains=text)
    for one in rows.order_by("name")[:MOST_OF_A_KIND]:
        yield Hit(one.name, reverse("registry:model-detail", args=[workspace.name, one.name]))


def endpoints(actor: Actor, workspace: Workspace, text: str) -> Iterable[Hit]:
    rows = Endpoint.objects.visible_to(actor).filter(workspace=workspace, name__icontains=text)
    for one in rows.order_by("name")[:MOST_OF_A_KIND]:
        yield Hit(one.name, reverse("deployments:endpoint-detail", args=[workspace.name, one.name]), one.state)
