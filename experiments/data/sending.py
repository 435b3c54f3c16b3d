"""A datastore's file as an answer: through the gateway where it is in the studio's store."""

from __future__ import annotations

from django.http import FileResponse
from django.http.response import HttpResponseBase

from experiments.artifacts import Place
from experiments.browser import readable
from experiments.browser.sending import FILE_POLICY, send
from experiments.data import stores
from experiments.data.models import Datastore


class Bytes(FileResponse):
    block_size = 256 * 1024  # what Django takes is made for files that cost nothing to ask


def send_file(datastore: Datastore, path: str) -> HttpResponseBase:
    """Send a file: what a browser draws or plays to be seen, all else to be saved; it never acts as a page of ours."""
    if datastore.can_write:
        return send(Place(stores.located(datastore, stores.file_path(path))[1]))
    file = stores.open_file(datastore, stores.file_path(path))
    name = readable(path.rpartition("/")[2])
    response = Bytes(file, as_attachment=True, filename=name, content_type="application/octet-stream")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response
