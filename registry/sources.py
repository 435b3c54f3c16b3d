"""Where a version's files are: what a client names as `source`, resolved to a run or logged model of the workspace.

A source is a promise about bytes that others will run, so it must name artifacts that the caller may read: those of a
run or logged model, by any of the addresses that clients use. An address in an object store is kept as a note and never
opened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext as _

from experiments.artifacts import checked, locate
from experiments.artifacts.trees import resolve
from experiments.models import LoggedModel, Run
from lib.errors import InvalidValue, NotFound
from registry.models import ModelAlias, ModelVersion
from workspaces.access import Actor, fetch
from workspaces.models import Workspace

# Addresses in object stores, which the studio keeps as a note and never opens.
ELSEWHERE = ("s3:", "gs:", "abfss:", "wasbs:", "hdfs:")
PROXY = re.compile(r"^(?:/w/[^/]+)?/(?:ajax-)?api/2\.0/mlflow-artifacts/artifacts/(.+)$")
LONGEST = 2000
# What the clients write where a source is asked for and a prompt has none: MLflow 2 and 3, and its prompt stores.
PROMPT_SOURCES = ("dummy-source", "prompt-template")


@dataclass(frozen=True)
class Source:
    """What a source resolved to; all empty for an address in an object store, and for a prompt."""

    run: Run | None = None
    model: LoggedModel | None = None
    path: str = ""


def is_of_run(source: str) -> bool:
    """Say whether a version with a run and no logged model has that run's files: none elsewhere, and is no prompt."""
    return source not in PROMPT_SOURCES and not source.startswith(ELSEWHERE)


def find(actor: Actor, workspace: Workspace, source: str, *, run_id: str, model_id: str, is_prompt: bool) -> Source:
    """Resolve a source. Raises InvalidValue for one that is unsafe, leads nowhere, or contradicts run_id or
    model_id.
    """
    if is_prompt:
        if source not in PROMPT_SOURCES:
            raise refused(source, _("a prompt keeps its text in a tag and has no files"))
        return Source()
    refuse_hidden(source)
    try:
        found = resolved(actor, workspace, source, run_id)
    except NotFound as error:
        raise refused(source, error.message) from None
    if run_id and found.run and found.run.pk != run_id:
        raise refused(source, _("it belongs to another run than %s") % run_id[:40])
    if model_id and found.model and found.model.pk != model_id:
        raise refused(source, _("it belongs to another logged model than %s") % model_id[:40])
    return found


def refuse_hidden(source: str) -> None:
    """Raise InvalidValue for what could lead elsewhere after another decoding: `..`, control characters,
    backslashes.
    """
    seen = source
    for _round in range(8):
        parts = re.split(r"[/\\]", seen)
        if len(source) > LONGEST or ".." in parts or "\\" in seen or any(ord(letter) < 32 for letter in seen):
            raise refused(source, _("it is not a plain address"))
        decoded = unquote(seen)
        if decoded == seen:
            return
        seen = decoded
    raise refused(source, _("it is not a plain address"))


def refused(source: str, why: str) -> InvalidValue:
    return InvalidValue(
        _("Invalid model version source: '%(source)s': %(why)s.") % {"source": source[:200], "why": why.rstrip(".")},
        field="source",
    )


def resolved(actor: Actor, workspace: Workspace, source: str, run_id: str) -> Source:
    parts = urlsplit(source)
    if parts.query or parts.fragment:
        raise refused(source, _("it must have no query and no fragment"))
    if parts.scheme == "runs":
        return in_run(actor, workspace, parts.path.lstrip("/"), run_id)
    if parts.scheme == "models":
        return in_models(actor, workspace, source.removeprefix("models:").lstrip("/"))
    if parts.scheme == "mlflow-artifacts":
        return in_store(actor, workspace, proxied(parts.path) or parts.path)
    if parts.scheme in ("http", "https") and (path := proxied(parts.path)):
        return in_store(actor, workspace, path)
    if f"{parts.scheme}:" in ELSEWHERE and parts.netloc:
        return Source()
    raise refused(source, _("name a model of a run, such as runs:/<run id>/model"))


def proxied(path: str) -> str:
    found = PROXY.match(path)
    return found.group(1) if found else ""


def in_run(actor: Actor, workspace: Workspace, path: str, run_id: str) -> Source:
    name, _slash, rest = path.partition("/")
    if run_id and name != run_id:
        raise refused(f"runs:/{path}", _("it belongs to another run than %s") % run_id[:40])
    run = fetch(actor, Run.objects.filter(workspace=workspace), pk=name)
    _place, model = resolve(run, rest)
    if model is None:
        return Source(run=run, path=checked(rest))
    return Source(run=run, model=model, path=checked(rest.partition("/")[2]))


def in_models(actor: Actor, workspace: Workspace, path: str) -> Source:
    """Resolve `m-<id>`, `<name>/<version>` or `<name>@<alias>`; a version of a version is the same files."""
    first, _slash, rest = path.partition("/")
    if first.startswith("m-"):
        rows = LoggedModel.objects.filter(workspace=workspace, deleted_ms=None).select_related("source_run")
        model = fetch(actor, rows, pk=first)
        return Source(run=model.source_run, model=model, path=checked(rest))
    versions = ModelVersion.objects.filter(model__workspace=workspace).select_related("run", "logged_model")
    name, _at, alias = first.partition("@")
    if alias:
        found = fetch(actor, versions, model__name=name, pk__in=ModelAlias.objects.filter(name=alias).values("version"))
    elif rest.isascii() and rest.isdigit() and len(rest) < 10:
        found = fetch(actor, versions, model__name=name, version=int(rest))
    else:
        raise refused(f"models:/{path}", _("name a version or an alias"))
    return Source(run=found.run, model=found.logged_model, path=found.artifact_path)


def in_store(actor: Actor, workspace: Workspace, path: str) -> Source:
    located = locate(path)
    if located.model_id is not None:
        rows = LoggedModel.objects.filter(located.under, workspace=workspace, deleted_ms=None)
        model = fetch(actor, rows.select_related("source_run"), pk=located.model_id)
        return Source(run=model.source_run, model=model, path=located.path)
    run = fetch(actor, Run.objects.filter(located.under, workspace=workspace), pk=located.run_id)
    return Source(run=run, path=located.path)
