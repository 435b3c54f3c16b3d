"""A file as the viewers get it: its name, its size, and its bytes from any place in it, never more than asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import BinaryIO

from experiments.artifacts import Entry

SNIFFED = 8192
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
PLAIN_CONTROLS = frozenset(b"\t\n\r\x0b\x0c\x1b\x08")


class NotShown(Exception):
    """The file is not what this viewer shows; the next one is asked."""


@dataclass(frozen=True)
class Source:
    """`siblings()` are the entries of its folder, `wanted` what the reader asked for in the address."""

    path: str
    size_bytes: int
    open: Callable[[], BinaryIO]
    siblings: Callable[[], list[Entry]] = list
    wanted: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.path).suffix.lower()

    def read(self, most: int, offset: int = 0) -> bytes:
        with self.open() as file:
            file.seek(offset)
            return file.read(most)

    def whole(self, most: int) -> bytes:
        """Give all bytes. Raises NotShown for more than `most`."""
        if self.size_bytes > most:
            raise NotShown
        return self.read(most)

    def number(self, name: str, least: int = 0, most: int = 10**12) -> int:
        """Read a number of the address; what is none, or out of its range, is the least."""
        written = self.wanted.get(name, "")
        return (
            min(most, max(least, int(written)))
            if written.isascii() and written.isdigit() and len(written) < 16
            else least
        )

    @cached_property
    def encoding(self) -> str:
        """Give the encoding of a text by its first bytes. Raises NotShown for what is no text."""
        head = self.read(SNIFFED)
        if head.startswith(UTF_16):
            return "utf-16"
        if b"\0" in head:
            raise NotShown
        if is_utf_8(head):
            return "utf-8"
        if any(byte < 32 and byte not in PLAIN_CONTROLS for byte in head):
            raise NotShown
        return "cp1252"

    def text(self, most: int) -> str:
        """Give a whole text. Raises NotShown for a longer one, and for bytes that are none."""
        return self.whole(most).decode(self.encoding, "replace").removeprefix("\ufeff")


def is_utf_8(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:  # the cut may fall inside a character
        return error.start >= len(head) - 3 and error.start > 0 and len(head) == SNIFFED
    return True
