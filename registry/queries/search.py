"""Models and versions by a filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Exists, F, OuterRef, Prefetch, QuerySet
from django.db.models.expressions import Combinable

from lib.clock import now_ms
from lib.search import Dialect, Field, Node, OrderTerm, Term, dialects, parse_filter, parse_order
from lib.search.ordering import Ordering
from lib.search.sql import TEXT, Related, Table, condition
from lib.search.tree import EVERYTHING, changed, terms
from registry.models import ModelAlias, ModelVersion, ModelVersionTag, RegisteredModel, RegisteredModelTag
from workspaces.access import Actor
from workspaces.models import Workspace

PROMPT_TAG = "mlflow.prompt.is_prompt"
TIMES: Mapping[str, Combinable] = {"creation_timestamp": F("created_ms"), "last_updated_timestamp": F("updated_ms")}
MODELS = Table(
    attributes={"name": F("name"), **TIMES},
    related={"tag": Related(RegisteredModelTag, "model", "tags")},
    default_order=(OrderTerm(Field("attribute", "name")),),
)
VERSIONS = Table(
    attributes={
        "name": F("model__name"),
        "version_number": F("version"),
        "run_id": F("run_id"),
        "source_path": F("source"),
        **TIMES,
    },
    nullable={"run_id": TEXT},
    related={"tag": Related(ModelVersionTag, "version", "tags")},
    default_order=(
        OrderTerm(Field("attribute", "name")),
        OrderTerm(Field("attribute", "version_number"), is_descending=True),
    ),
)


def wants_no_prompts(node: Node) -> bool:
    """Say whether prompts are left out: unless a filter names their tag, and if it says that they shall be."""
    named = [term for term in terms(node) if is_prompt_tag(term)]
    return not named or any(is_not_prompt(term) for term in named)


def without_not_prompt(node: Node) -> Node:
    """Drop `is_prompt != 'true'`, which clients send to ask for models: models lack the tag, and `!=` would want it."""
    return changed(node, lambda term: EVERYTHING if is_not_prompt(term) else term)


def is_prompt_tag(term: Term) -> bool:
    return term.field == Field("tag", PROMPT_TAG)


def is_not_prompt(term: Term) -> bool:
    negated = (term.operator, str(term.value).lower()) in (("!=", "true"), ("=", "false"))
    return is_prompt_tag(term) and negated


def search_models(
    actor: Actor,
    workspace: Workspace,
    *,
    text: str = "",
    order_by: Sequence[str] = (),
    dialect: Dialect = dialects.MODELS,
) -> QuerySet[RegisteredModel]:
    """Find models, by name unless ordered otherwise; prompts only when the filter names their tag."""
    node = parse_filter(text, dialect)
    rows = RegisteredModel.objects.visible_to(actor).filter(workspace=workspace)
    if wants_no_prompts(node):
        is_prompt = RegisteredModelTag.objects.filter(model=OuterRef("pk"), key=PROMPT_TAG, value__iexact="true")
        rows = rows.filter(~Exists(is_prompt))
    rows = rows.filter(condition(MODELS, without_not_prompt(node), now_ms=now_ms()))
    found = Ordering(MODELS, parse_order(order_by, dialect)).apply(rows)
    aliases = Prefetch("aliases", ModelAlias.objects.select_related("version"))
    return found.prefetch_related("tags", aliases)


def search_versions(
    actor: Actor,
    workspace: Workspace,
    *,
    text: str = "",
    order_by: Sequence[str] = (),
    dialect: Dialect = dialects.VERSIONS,
) -> QuerySet[ModelVersion]:
    """Find versions, by name and then newest first unless ordered otherwise; prompts as in `search_models`."""
    node = parse_filter(text, dialect)
    rows = ModelVersion.objects.visible_to(actor).filter(model__workspace=workspace)
    if wants_no_prompts(node):
        is_prompt = ModelVersionTag.objects.filter(version=OuterRef("pk"), key=PROMPT_TAG, value__iexact="true")
        rows = rows.filter(~Exists(is_prompt))
    rows = rows.filter(condition(VERSIONS, without_not_prompt(node), now_ms=now_ms()))
    found = Ordering(VERSIONS, parse_order(order_by, dialect)).apply(rows)
    return found.select_related("model", "run", "logged_model").prefetch_related("tags", "aliases")
