"""Print a new one-time link that signs the admin in."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from studio.management.commands.bootstrap import sign_in_path
from workspaces.models import User


class Command(BaseCommand):
    help = "Print a one-time sign-in link; links printed before end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", nargs="?", default="admin", help="whom the link signs in")

    def handle(self, *args: Any, user: str = "admin", **options: Any) -> None:
        found = User.objects.filter(username=user, is_active=True).first()
        if found is None:
            raise CommandError(f"There is no user {user}.")
        self.stdout.write(f"{settings.STUDIO_URL}{sign_in_path(found)}")
