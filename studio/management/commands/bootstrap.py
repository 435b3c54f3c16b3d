"""Make the tables, the first admin and the first workspace, and tell clients where they are."""

from __future__ import annotations

import json
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.models import Q
from django.urls import reverse

from lib.clock import now_ms
from studio.supervisor.home import write_private
from workspaces import operations
from workspaces.authentication import digest
from workspaces.models import Token, User, Workspace

# Of two studios on one external database that start at once, one migrates and the other waits.
MIGRATION_LOCK = 7300


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # they cost half a second of every start; script/check runs them
    help = "Make the tables, the first admin and the first workspace; safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--migrate", action="store_true", help="bring the tables up to date first")
        parser.add_argument("--collect", action="store_true", help="collect the static files first")

    def handle(self, *args: Any, migrate: bool = False, collect: bool = False, **options: Any) -> None:
        if migrate:
            self.migrate()
        if collect:
            # Old files stay for a page that was loaded before an upgrade and asks for them by their old names.
            call_command("collectstatic", interactive=False, verbosity=0)
        client = read_client(settings.HOME / "client.env")
        subscription = subscription_id(settings.HOME / "config.json")
        admin, workspace = operations.bootstrap(subscription_id=subscription)
        token = client.get("STUDIO_TOKEN", "")
        if not is_valid(token, Token.Kind.USER):
            token = operations.replace_token(kind=Token.Kind.USER, name="client.env", user=admin)
        write_client(settings.HOME / "client.env", token)
        write_config(settings.HOME / "config.json", subscription, workspace)
        self.stdout.write(json.dumps({"sign_in_path": sign_in_path(admin), "node_token": node_token()}))

    def migrate(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
            try:
                call_command("migrate", interactive=False, verbosity=0)
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def sign_in_path(user: User) -> str:
    """Return the local address that signs the user in once."""
    return reverse("workspaces:use-link", args=[operations.make_sign_in_link(user)])


def node_token() -> str:
    """Return the embedded node's token, the same as long as it is valid: a node may be at work with it."""
    file = settings.HOME / "run" / "node_token"
    token = file.read_text().strip() if file.exists() else ""
    if not is_valid(token, Token.Kind.NODE):
        token = operations.replace_token(kind=Token.Kind.NODE, name="local-node", subject="local-cluster")
        write_private(file, token + "\n")
    return token


def is_valid(secret: str, kind: str) -> bool:
    """Say whether a token still opens what it opened."""
    alive = Q(revoked_ms=None) & (Q(expires_ms=None) | Q(expires_ms__gt=now_ms()))
    return bool(secret) and Token.objects.filter(alive, kind=kind, digest=digest(secret)).exists()


def read_client(file: Path) -> dict[str, str]:
    """Return the variables of client.env, none when there is no such file."""
    lines = file.read_text().splitlines() if file.exists() else []
    pairs = (line.removeprefix("export ").partition("=") for line in lines if "=" in line)
    return {name: value for name, _, value in pairs}


def write_client(file: Path, token: str) -> None:
    """Write what a client needs; only the owner may read it."""
    values = {
        "STUDIO_URL": settings.STUDIO_URL,
        "STUDIO_TOKEN": token,
        "MLFLOW_TRACKING_URI": settings.STUDIO_URL,
        "MLFLOW_TRACKING_TOKEN": token,
    }
    write_private(file, "".join(f"{name}={value}\n" for name, value in values.items()))


def subscription_id(file: Path) -> str:
    """Return the subscription that this studio stands for in SDK v1 scripts, made up once."""
    if file.exists():
        return str(json.loads(file.read_text()).get("subscription_id") or uuid.uuid4())
    return str(uuid.uuid4())


def write_config(file: Path, subscription: str, workspace: Workspace | None) -> None:
    """Write what `Workspace.from_config()` reads."""
    values = {
        "subscription_id": workspace.group.subscription_id if workspace else subscription,
        "resource_group": workspace.group.name if workspace else None,
        "workspace_name": workspace.name if workspace else None,
        "studio_url": settings.STUDIO_URL,
    }
    write_private(file, json.dumps(values, indent=2) + "\n")
    file.chmod(0o644)
