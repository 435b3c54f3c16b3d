"""Files as bytes. What a user stored never acts in a reader's name: it is saved, drawn, played, or in a sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import BoundedSemaphore
from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from experiments import artifacts
from experiments.artifacts import Place, zips
from experiments.browser.files import Files
from experiments.browser.names import readable
from experiments.viewers.kinds import FILMS, PAGES, PICTURES, SOUNDS, suffix
from lib.errors import InvalidValue, NotFound, Unavailable

DRAWN = {**PICTURES, **SOUNDS, **FILMS}
FILE_POLICY = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'"
# A page in a sandbox has an origin of its own: no cookie, no storage, no address of the studio is within its reach. Its
# scripts run, or no exported chart would show; they may come from where Plotly and Bokeh say theirs are, and send
# nothing.
LIBRARIES = (
    "https://cdn.plot.ly https://cdn.bokeh.org https://cdn.jsdelivr.net https://cdnjs.cloudflare.com https://unpkg.com"
)
PAGE_POLICY = (
    "sandbox allow-scripts; default-src 'none'; connect-src 'none'; form-action 'none'; base-uri 'none'; "
    f"script-src 'unsafe-inline' 'unsafe-eval' blob: {LIBRARIES}; style-src 'unsafe-inline' {LIBRARIES}; "
    "img-src data: blob:; media-src data: blob:; font-src data:; worker-src blob:; frame-ancestors 'self'"
)
# A browser's own viewer of PDF does not start in a sandbox; it runs no script of the document in our origin.
PDF_POLICY = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
LINK_S = 300
ZIPS_AT_ONCE = BoundedSemaphore(3)


def send_asked(files: Files, wanted: Mapping[str, str]) -> HttpResponseBase:
    """Send a file, or with `as=zip` a folder; `as=page` and `as=pdf` are for the frames of the viewers."""
    path, form = artifacts.checked(wanted.get("path", "")), wanted.get("as", "")
    if form == "zip":
        return send_zip(files, path)
    place = files.place(path)
    if form == "page" and suffix(path) in PAGES:
        return sent(place, "text/html; charset=utf-8", PAGE_POLICY)
    if form == "pdf" and is_pdf(place):
        return sent(place, "application/pdf", PDF_POLICY)
    return send(place)


def is_pdf(place: Place) -> bool:
    with artifacts.open_file(place) as file:
        return file.read(5) == b"%PDF-"


def send(place: Place) -> HttpResponseBase:
    """Send a file as it is: what is drawn or played to be seen, all else to be saved."""
    kind = DRAWN.get(suffix(place.name))
    return sent(place, kind or "application/octet-stream", FILE_POLICY, saves=kind is None)


def sent(place: Place, kind: str, policy: str, *, saves: bool = False) -> HttpResponseBase:
    store = artifacts.store()
    if store.stat(place.key).is_dir:
        raise NotFound(_("“%s” is a folder.") % place.name)
    response: HttpResponseBase
    if address := store.address(place.key, name=place.name, seconds=LINK_S):
        return HttpResponseRedirect(address)
    if settings.STUDIO_SENDS_FILES_BY_GATEWAY:
        response = HttpResponse(headers={"X-Accel-Redirect": f"/_files/{quote(place.key)}"})
    else:
        response = FileResponse(artifacts.open_file(place))
    response.headers["Content-Type"] = kind
    response.headers["Content-Disposition"] = content_disposition_header(saves, readable(place.name)) or "inline"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "SAMEORIGIN" if "frame-ancestors" in policy else "DENY"
    response.headers["Content-Security-Policy"] = policy
    return response


def send_zip(files: Files, path: str) -> HttpResponseBase:
    """Send a folder, or all, as a zip that is made on the way.

    Raises Unavailable when several are on their way already.
    """
    if not files.entry(path).is_dir:
        raise InvalidValue(_("“%s” is no folder.") % path[:200], field="path")
    name = readable(path.rpartition("/")[2] or files.name)
    folder = zips.folder_name(name)
    members = (member for at, place in files.inside(path) for member in zips.members(place, joined(folder, at)))
    response = StreamingHttpResponse(one_of_few(zips.stream(members)), content_type="application/zip")
    response.headers["Content-Disposition"] = content_disposition_header(True, f"{folder}.zip") or "attachment"
    response.headers["X-Accel-Buffering"] = "no"  # the gateway would lay up to a gigabyte on its disk
    return response


def joined(folder: str, path: str) -> str:
    return f"{folder}/{path}" if path else folder


def one_of_few(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Hold a place for as long as the pieces are read: each download keeps a thread, and pages need some too."""
    if not ZIPS_AT_ONCE.acquire(blocking=False):
        raise Unavailable(_("Several zips are being sent already. Try again in a moment."))
    return Held(pieces)


class Held:
    """Pieces of a zip with the place they hold; it is given back when they end, or when the reader goes away."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.is_held = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self.pieces)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self.is_held:
            self.is_held = False
            ZIPS_AT_ONCE.release()
        end = getattr(self.pieces, "close", None)
        if end is not None:
            end()
