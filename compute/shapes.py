"""The shape in which programs ask for an environment, here and for a job."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from compute import named
from compute.environments import EnvironmentSpec
from workspaces.access import Actor
from workspaces.models import Workspace


class EnvironmentIn(serializers.Serializer[Any]):
    """One of: `reference` (`name` or `name@version`), `files` by name (conda.yaml, …), or a list of `packages`."""

    reference = serializers.CharField(max_length=130, default="", allow_blank=True)
    name = serializers.CharField(max_length=200, default="", allow_blank=True)
    python = serializers.CharField(max_length=20, default="", allow_blank=True)
    packages = serializers.ListField(child=serializers.CharField(max_length=300), required=False)
    files = serializers.DictField(child=serializers.CharField(max_length=200_000), required=False)


def asked_spec(actor: Actor, workspace: Workspace, values: dict[str, Any]) -> EnvironmentSpec:
    """Give what was asked for. Raises NotFound for an unknown name, InvalidValue for what cannot be read."""
    if values.get("reference"):
        return named.find_named(actor, workspace, values["reference"]).spec
    return named.spec_of(values, name=values["name"])


def asked_name(actor: Actor, workspace: Workspace, values: dict[str, Any]) -> str:
    """Give the name and version that were asked for, empty when packages were."""
    reference = values.get("reference")
    return named.find_named(actor, workspace, reference).reference if reference else ""
