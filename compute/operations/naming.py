"""Environments under names: registered with versions, and how strictly a workspace wants them built."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from compute.curated import CURATED, PREFIX
from compute.models import Environment, EnvironmentBuild, EnvironmentRules, EnvironmentVersion
from compute.named import spec_of
from compute.operations.environments import request_environment
from lib.errors import Conflict, InvalidValue
from workspaces.access import Actor, operation
from workspaces.models import Workspace

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
BYTES_MAX = 500_000


@operation("compute.write")
def register_environment(
    actor: Actor, workspace: Workspace, *, name: str, definition: Mapping[str, Any]
) -> EnvironmentVersion:
    """Keep a definition as the next version of a name; the newest version of the same content is given as it is.

    Raises InvalidValue for a bad or reserved name, and for a definition that no environment can be made of.
    """
    if not NAME.fullmatch(name):
        raise InvalidValue(
            _("An environment's name has 1–100 letters, digits, “.”, “_” and “-”, and begins with a letter or digit."),
            field="name",
        )
    if name.lower().startswith(PREFIX) or name in CURATED:
        raise InvalidValue(_("Names such as “%s” are kept for the studio's own environments.") % name, field="name")
    text = json.dumps(definition, sort_keys=True)
    if len(text) > BYTES_MAX:
        raise InvalidValue(_("The definition of the environment is too long."), field="definition")
    spec_of(definition, name=name)
    content = hashlib.sha256(text.encode()).hexdigest()
    environment, _is_new = Environment.objects.get_or_create(workspace=workspace, name=name)
    Environment.objects.select_for_update().get(pk=environment.pk)
    if same := environment.versions.filter(content=content).first():
        return same
    newest = environment.versions.order_by("-version").first()
    try:
        with transaction.atomic():
            return EnvironmentVersion.objects.create(
                environment=environment,
                version=newest.version + 1 if newest else 1,
                definition=dict(definition),
                content=content,
                created_by=actor.name,
            )
    except IntegrityError:
        raise Conflict(_("The environment was registered by another at the same time; try again.")) from None


@operation("compute.write")
def build_environment_version(
    actor: Actor, workspace: Workspace, *, name: str, definition: Mapping[str, Any]
) -> EnvironmentBuild:
    """See to it that an environment is built before a job needs it."""
    return request_environment(actor, workspace, spec=spec_of(definition, name=name))


@operation("compute.write")
def set_strict(actor: Actor, workspace: Workspace, *, is_strict: bool) -> None:
    """Choose whether versions that cannot be had are replaced and noted, or refused."""
    EnvironmentRules.objects.update_or_create(workspace=workspace, defaults={"is_strict": is_strict})
