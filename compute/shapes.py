"""The shape in which programs ask for an environment, here and for a job."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from compute.environments import BadEnvironment, EnvironmentSpec, parse_files
from compute.environments.spec import make
from lib.errors import InvalidValue


class EnvironmentIn(serializers.Serializer[Any]):
    """Either `files` by name (conda.yaml, python_env.yaml, requirements.txt) or a list of `packages`."""

    name = serializers.CharField(max_length=200, default="", allow_blank=True)
    python = serializers.CharField(max_length=20, default="", allow_blank=True)
    packages = serializers.ListField(child=serializers.CharField(max_length=300), required=False)
    files = serializers.DictField(child=serializers.CharField(max_length=200_000), required=False)


def asked_spec(values: dict[str, Any]) -> EnvironmentSpec:
    try:
        if "files" in values:
            return parse_files(values["files"], name=values["name"])
        return make(values.get("packages", ()), python=values["python"], name=values["name"])
    except BadEnvironment as error:
        raise InvalidValue(str(error)) from None
