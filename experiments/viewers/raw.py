"""What is shown of a file that no viewer reads: its first bytes, and what they say it is."""

from __future__ import annotations

import string
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from experiments.viewers.source import NotShown, Source

SHOWN_BYTES = 512
ROW_BYTES = 16
LEGIBLE = set(string.ascii_letters + string.digits + string.punctuation + " ")
MAGIC: tuple[tuple[bytes, str | Promise], ...] = (
    (b"PK\x03\x04", _("zip archive")),
    (b"\x1f\x8b", _("gzip")),
    (b"BZh", _("bzip2")),
    (b"\xfd7zXZ\0", _("xz")),
    (b"\x28\xb5\x2f\xfd", _("zstd")),
    (b"%PDF-", _("PDF")),
    (b"PAR1", _("Parquet")),
    (b"ARROW1", _("Arrow")),
    (b"SQLite format 3\0", _("SQLite database")),
    (b"\x89HDF", _("HDF5")),
    (b"\x89PNG", _("PNG picture")),
    (b"\xff\xd8\xff", _("JPEG picture")),
    (b"GIF8", _("GIF picture")),
    (b"II*\0", _("TIFF picture")),
    (b"MM\0*", _("TIFF picture")),
    (b"\x7fELF", _("program or library (ELF)")),
    (b"MZ", _("program or library (Windows)")),
    (b"\x93NUMPY", _("NumPy array")),
    (b"RIFF", _("RIFF (sound or film)")),
    (b"OggS", _("Ogg (sound or film)")),
    (b"\x80\x04", _("pickle")),
    (b"\x80\x05", _("pickle")),
)


@dataclass(frozen=True)
class Row:
    offset: str
    bytes: str
    letters: str


@dataclass(frozen=True)
class Bytes:
    """The head of a file; `type` is what its first bytes say, or nothing."""

    rows: tuple[Row, ...]
    type: str
    shown_bytes: int


@dataclass(frozen=True)
class Nothing:
    """Nothing but what is known from outside: name, size, sum."""


def show(source: Source) -> Bytes:
    head = source.read(SHOWN_BYTES)
    kind = next((str(name) for magic, name in MAGIC if head.startswith(magic)), "")
    return Bytes(tuple(row(head, at) for at in range(0, len(head), ROW_BYTES)), kind, len(head))


def row(head: bytes, at: int) -> Row:
    part = head[at : at + ROW_BYTES]
    letters = "".join(chr(one) if chr(one) in LEGIBLE else "·" for one in part)
    return Row(f"{at:06x}", part.hex(" "), letters)


def nothing(source: Source) -> Nothing:
    """Show a file without reading it."""
    return Nothing()


def portable_document(source: Source) -> Nothing:
    """Leave a PDF to the browser. Raises NotShown for a file that does not begin like one."""
    if not source.read(5) == b"%PDF-":
        raise NotShown
    return Nothing()
