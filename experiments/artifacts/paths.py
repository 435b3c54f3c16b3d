"""Which paths from outside are taken: relative, plain, and the same after any number of decodings."""

from __future__ import annotations

from urllib.parse import unquote

from django.utils.translation import gettext as _

from lib.errors import InvalidValue

LONGEST_PATH = 2000
LONGEST_NAME = 255
MOST_FOLDERS = 100  # a walk needs a stack as high as a tree is deep
MOST_DECODINGS = 8
UPLOADING = ".studio-upload-"


def checked(path: str) -> str:
    """Give the path without a slash at its end. Raises InvalidValue for one that could lead elsewhere.

    A `..` counts in whatever encoding it hides: CVE-2024-1560 was a second decoding after the check.
    """
    path = path.rstrip("/") if path.strip("/") else ""
    if not path:
        return ""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in path):
        raise refused(path)
    seen = path
    for _round in range(MOST_DECODINGS):
        if not is_plain(seen):
            raise refused(path)
        decoded = unquote(seen)
        if decoded == seen:
            return path
        seen = decoded
    raise refused(path)


def is_plain(path: str) -> bool:
    """Say whether it stays below and cannot end a line; other controls may come out of a decoding.

    MLflow 2 names images `image%step%13%timestamp%1795…`, where %17 would be one.
    """
    if len(path) > LONGEST_PATH or any(letter in path for letter in "\\\0\r\n"):
        return False
    names = path.split("/")
    return len(names) <= MOST_FOLDERS and all(is_plain_name(name) for name in names)


def is_plain_name(name: str) -> bool:
    if name in ("", ".", "..") or name.startswith(UPLOADING):
        return False
    try:
        return len(name.encode()) <= LONGEST_NAME
    except UnicodeEncodeError:  # a lone surrogate
        return False


def refused(path: str) -> InvalidValue:
    return InvalidValue(_("Invalid path: “%s” is not a plain path below the artifacts.") % path[:200], field="path")
