"""Keys were sealed in a box of their own; now they are in the one that all secrets share."""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import migrations

from lib import secretbox

PURPOSE = "endpoint keys"
FIELDS = ("primary_key", "secondary_key")


def former() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [sha256(b"studio endpoint keys\0" + secret.encode()).digest() for secret in secrets]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def move(apps: Any, opened: MultiFernet, sealed: MultiFernet) -> None:
    """Seal each key anew; one that cannot be opened stays as it is, and is made anew by its owner."""
    for endpoint in apps.get_model("deployments", "Endpoint").objects.iterator(chunk_size=200):
        for name in FIELDS:
            try:
                setattr(endpoint, name, sealed.encrypt(opened.decrypt(bytes(getattr(endpoint, name)))))
            except InvalidToken:
                continue
        endpoint.save(update_fields=FIELDS)


def forwards(apps: Any, _editor: Any) -> None:
    move(apps, former(), secretbox.box(PURPOSE))


def backwards(apps: Any, _editor: Any) -> None:
    move(apps, secretbox.box(PURPOSE), former())


class Migration(migrations.Migration):
    dependencies = [("deployments", "0003_clusters_traffic_history")]

    operations = [migrations.RunPython(forwards, backwards)]
