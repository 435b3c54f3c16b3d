"""Snapshots were one tar archive each; now every content is a file of its own, and the row lists them."""

import hashlib
import os
import tarfile
from pathlib import Path

from django.conf import settings
from django.db import migrations


def spread(apps, schema_editor):
    root = Path(settings.ARTIFACTS_DIR)
    for snapshot in apps.get_model("jobs", "Snapshot").objects.filter(manifest=[]).iterator():
        archive = root / "snapshots" / str(snapshot.workspace_id) / f"{snapshot.digest}.tar"
        if archive.exists():
            snapshot.manifest = contents(archive, root / "blobs" / str(snapshot.workspace_id))
            snapshot.save(update_fields=["manifest"])


def contents(archive, blobs):
    listed = []
    with tarfile.open(archive) as opened:
        for member in sorted(opened.getmembers(), key=lambda one: one.name):
            body = opened.extractfile(member).read()
            sha256 = hashlib.sha256(body).hexdigest()
            place = blobs / sha256[:2] / sha256
            place.parent.mkdir(parents=True, exist_ok=True)
            draft = place.with_name(f".{sha256}")
            draft.write_bytes(body)
            os.replace(draft, place)
            listed.append(
                {"path": member.name, "sha256": sha256, "size_bytes": len(body), "is_executable": False}
            )
    return listed


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_projects_and_snapshots")]
    operations = [migrations.RunPython(spread, migrations.RunPython.noop)]
