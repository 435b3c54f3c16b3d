"""A file's SHA-256, kept with the file: an attribute of the file system, which goes where the bytes go.

It names the size and the moment of the last change, so it counts no more once the bytes are others. Where the file
system keeps no attributes, the sum is made again.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import BinaryIO

ATTRIBUTE = "user.studio.sha256"


def stamp(file: BinaryIO) -> str:
    found = os.fstat(file.fileno())
    return f"{found.st_size}-{found.st_mtime_ns}"


def kept(file: BinaryIO) -> str:
    """Give the sum that was kept for these bytes, or nothing."""
    try:
        said = os.getxattr(file.fileno(), ATTRIBUTE).decode("ascii", "replace")
    except (OSError, AttributeError):  # no such attribute, or a system without them
        return ""
    of, _space, digest = said.partition(" ")
    return digest if of == stamp(file) else ""


def keep(file: BinaryIO, digest: str) -> str:
    """Keep a sum beside the bytes it was made of; give it back."""
    with suppress(OSError, AttributeError):
        os.setxattr(file.fileno(), ATTRIBUTE, f"{stamp(file)} {digest}".encode("ascii"))
    return digest
