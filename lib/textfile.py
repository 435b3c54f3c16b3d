"""Growing text files, read by pieces."""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass
from pathlib import Path

PIECE_BYTES = 256 * 1024
LINE_BYTES = 4096


@dataclass(frozen=True)
class Piece:
    """Text from an offset on; `offset` is where the next one begins, `final` says that there is none."""

    text: str
    offset: int
    final: bool


def read_piece(path: Path, offset: int, *, is_over: bool, longest: int = PIECE_BYTES) -> Piece:
    """Give what stands from byte `offset` on; a character cut in two is left for the next piece.

    `is_over`: nothing will be added, so the piece that reaches the end is final.
    """
    offset = max(0, offset)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(min(offset, size))
            data = file.read(longest)
    except FileNotFoundError:
        return Piece("", 0, is_over)
    start = min(offset, size)
    reaches_end = start + len(data) >= size
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data, final=reaches_end and is_over)
    held = len(decoder.getstate()[0])
    return Piece(text.replace("\x00", "\ufffd"), start + len(data) - held, is_over and reaches_end)


def newest_line(path: Path) -> str:
    """Give the last line that says something; of a progress bar, its last state."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - LINE_BYTES))
            data = file.read()
    except OSError:
        return ""
    lines = data.decode("utf-8", "replace").replace("\r", "\n").replace("\x00", "\ufffd").split("\n")
    return next((line.strip()[:500] for line in reversed(lines) if line.strip()), "")
