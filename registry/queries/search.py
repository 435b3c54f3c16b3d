"""Models and versions by MLflow's filter."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from lib.mlflow import search, sql
from lib.mlflow.search import Clause
from registry.models import ModelAlias, ModelVersion, ModelVersionTag, RegisteredModel, RegisteredModelTag
from workspaces.access import Actor
from workspaces.models import Workspace

PROMPT_TAG = "mlflow.prompt.is_prompt"
TIMES = {
    "creation_timestamp": "created_ms",
    "last_updated_timestamp": "updated_ms",
    "timestamp": "updated_ms",
}
MODELS = sql.Table(attributes={"name": "name", **TIMES}, tags=sql.Related(RegisteredModelTag, "model"))
VERSIONS = sql.Table(
    attributes={
        "name": "model__name",
        "version_number": "version",
        "run_id": "run_id",
        "source_path": "source",
        **TIMES,
    },
    tags=sql.Related(ModelVersionTag, "version"),
)


def asks_for_prompts(clauses: Sequence[Clause]) -> bool:
    """Say whether a filter names the tag of prompts; any other leaves prompts out."""
    return any(clause.kind == "tag" and clause.key == PROMPT_TAG for clause in clauses)


def without_not_prompt(clauses: Sequence[Clause]) -> list[Clause]:
    """Drop `is_prompt != 'true'`, which clients send to ask for models: models lack the tag, and `!=` would want it."""
    return [clause for clause in clauses if not is_not_prompt(clause)]


def is_not_prompt(clause: Clause) -> bool:
    negated = (clause.comparator, str(clause.value).lower()) in (("!=", "true"), ("=", "false"))
    return clause.kind == "tag" and clause.key == PROMPT_TAG and negated


def search_models(
    actor: Actor, workspace: Workspace, *, text: str = "", order_by: Sequence[str] = ()
) -> QuerySet[RegisteredModel]:
    """Find models, by name unless ordered otherwise; prompts only when the filter names their tag."""
    clauses = search.clauses("models", text)
    rows = RegisteredModel.objects.visible_to(actor).filter(workspace=workspace)
    if not asks_for_prompts(clauses) or len(without_not_prompt(clauses)) < len(clauses):
        is_prompt = RegisteredModelTag.objects.filter(model=OuterRef("pk"), key=PROMPT_TAG, value__iexact="true")
        rows = rows.filter(~Exists(is_prompt))
    rows = rows.filter(sql.condition(MODELS, without_not_prompt(clauses)))
    rows = sql.ordered(rows, MODELS, search.orders("models", order_by), ["name"])
    aliases = Prefetch("aliases", ModelAlias.objects.select_related("version"))
    return rows.prefetch_related("tags", aliases)  # type: ignore[no-any-return]


def search_versions(
    actor: Actor, workspace: Workspace, *, text: str = "", order_by: Sequence[str] = ()
) -> QuerySet[ModelVersion]:
    """Find versions, by name and then newest first unless ordered otherwise; prompts as in `search_models`."""
    clauses = search.clauses("versions", text)
    rows = ModelVersion.objects.visible_to(actor).filter(model__workspace=workspace)
    if not asks_for_prompts(clauses) or len(without_not_prompt(clauses)) < len(clauses):
        is_prompt = ModelVersionTag.objects.filter(version=OuterRef("pk"), key=PROMPT_TAG, value__iexact="true")
        rows = rows.filter(~Exists(is_prompt))
    rows = rows.filter(sql.condition(VERSIONS, without_not_prompt(clauses)))
    rows = sql.ordered(rows, VERSIONS, search.orders("versions", order_by), ["model__name", "-version"])
    return rows.select_related("model", "run", "logged_model").prefetch_related("tags", "aliases")  # type: ignore[no-any-return]
