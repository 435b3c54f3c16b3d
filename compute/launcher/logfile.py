"""A log that stops growing: its beginning and its end are kept, with a note of what was left out between them."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

TAIL_BYTES = 64 * 1024


class CappedLog:
    """Appends until `bytes_max`; from then on only the newest `TAIL_BYTES` are kept, and written at the end."""

    def __init__(self, path: Path, bytes_max: int, owner: tuple[int, int] | None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Never through a link: in a folder that the process writes, its log could point elsewhere by now.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self.file = os.open(path, flags, 0o640)
        self.left = max(0, bytes_max - os.fstat(self.file).st_size)
        self.tail: deque[bytes] = deque()
        self.tail_bytes = 0
        self.dropped = 0

    def write(self, data: bytes) -> None:
        kept, rest = data[: self.left], data[self.left :]
        if kept:
            self._append(kept)
            self.left -= len(kept)
        if rest:
            if not self.dropped and not self.tail:
                self._append(b"\n[the log has reached its limit; what follows is left out but for its end]\n")
            self._remember(rest)

    def close(self) -> None:
        if self.tail:
            note = f"\n[{self.dropped} bytes left out]\n" if self.dropped else "\n"
            self._append(note.encode() + b"".join(self.tail))
        os.close(self.file)

    def _remember(self, data: bytes) -> None:
        self.tail.append(data)
        self.tail_bytes += len(data)
        while self.tail_bytes - len(self.tail[0]) >= TAIL_BYTES:
            gone = len(self.tail.popleft())
            self.tail_bytes -= gone
            self.dropped += gone

    def _append(self, data: bytes) -> None:
        # A full disk must not end the process whose words these are.
        try:
            os.write(self.file, data)
        except OSError:
            self.dropped += len(data)
