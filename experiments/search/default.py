"""The default experiment is called 0 by clients, whatever its id is: in filters too."""

from __future__ import annotations

from dataclasses import replace

from experiments.models import Experiment
from lib.search.tree import Node, Term, changed, terms
from workspaces.models import Workspace

ALIAS = 0


def default_named(workspace: Workspace, node: Node) -> Node:
    """Put the id of the workspace's default experiment in the place of its alias."""
    if not any(means_it(one) for one in terms(node)):
        return node
    found = default_id(workspace)
    return node if found is None else changed(node, lambda one: named(one, found) if means_it(one) else one)


def default_id(workspace: Workspace) -> int | None:
    """Give the id of the workspace's default experiment, if it has one."""
    return Experiment.objects.filter(workspace=workspace, is_default=True).values_list("pk", flat=True).first()


def means_it(one: Term) -> bool:
    if (one.field.kind, one.field.key) != ("attribute", "experiment_id") or one.operator not in NAMES:
        return False
    return ALIAS in (one.value if isinstance(one.value, tuple) else (one.value,))


# Only where an experiment is named; a range of ids is a range of numbers.
NAMES = frozenset({"=", "!=", "IN", "NOT IN"})


def named(one: Term, pk: int) -> Term:
    if isinstance(one.value, tuple):
        return replace(one, value=tuple(pk if value == ALIAS else value for value in one.value))
    return replace(one, value=pk)
