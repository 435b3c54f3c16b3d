"""Which files `.gitignore` and `.amlignore` leave out: gitignore's rules, `.amlignore` before `.gitignore`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

NAMES = (".amlignore", ".gitignore")
ALWAYS = {".git"}


@dataclass(frozen=True)
class Pattern:
    regex: re.Pattern[str]
    is_negated: bool
    folders_only: bool


@dataclass(frozen=True)
class IgnoreFile:
    """The patterns of one file; `folder` is where it lies ("" for the root), and what they are relative to."""

    folder: str
    patterns: tuple[Pattern, ...]

    @classmethod
    def parse(cls, text: str, folder: str = "") -> IgnoreFile:
        found = (pattern(line) for line in text.removeprefix("\ufeff").splitlines())
        return cls(folder, tuple(one for one in found if one))

    def says(self, path: str, *, is_dir: bool) -> bool | None:
        """Say whether the path is left out (True) or kept (False); None when no pattern speaks of it."""
        if self.folder and not path.startswith(f"{self.folder}/"):
            return None
        below = path[len(self.folder) + 1 :] if self.folder else path
        for one in reversed(self.patterns):
            if (is_dir or not one.folders_only) and one.regex.fullmatch(below):
                return not one.is_negated
        return None


class Rules:
    """All ignore files of a folder. `read(path)` gives the text of one, or None where there is none."""

    def __init__(self, read: Callable[[str], str | None]) -> None:
        self.read = read
        self.files: dict[str, IgnoreFile | None] = {}
        self.known: dict[str, bool] = {"": False}

    def leaves_out(self, path: str, *, is_dir: bool = False) -> bool:
        """Say whether a path is left out; what is below a folder that is left out cannot be brought back."""
        parent = path.rpartition("/")[0]
        if path.rpartition("/")[2] in ALWAYS or self._folder_is_out(parent):
            return True
        return self._asked(path, is_dir=is_dir)

    def _folder_is_out(self, folder: str) -> bool:
        if folder not in self.known:
            self.known[folder] = self.leaves_out(folder, is_dir=True)
        return self.known[folder]

    def _asked(self, path: str, *, is_dir: bool) -> bool:
        """Ask the ignore files from the nearest folder up to the root; the first that speaks is right."""
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            found = self._of(folder)
            said = found.says(path, is_dir=is_dir) if found else None
            if said is not None:
                return said
        return False

    def _of(self, folder: str) -> IgnoreFile | None:
        if folder not in self.files:
            texts = (self.read(f"{folder}/{name}" if folder else name) for name in NAMES)
            text = next((one for one in texts if one is not None), None)
            self.files[folder] = IgnoreFile.parse(text, folder) if text is not None else None
        return self.files[folder]


def pattern(line: str) -> Pattern | None:
    """Read one line; None for an empty one, a comment, and what can match nothing."""
    line = re.sub(r"(?<!\\)\s+$", "", line)
    if not line or line.startswith("#"):
        return None
    is_negated = line.startswith("!")
    line = line[1:] if is_negated else line
    folders_only = line.endswith("/")
    line = line.rstrip("/") if folders_only else line
    if not line:
        return None
    is_anchored = "/" in line
    body = translated(line.removeprefix("/"))
    try:
        return Pattern(re.compile(body if is_anchored else f"(?:.*/)?{body}"), is_negated, folders_only)
    except re.error:
        return None


def translated(glob: str) -> str:
    """Give the regular expression of a glob in which `*` and `?` stop at a slash and `**` does not."""
    parts: list[str] = []
    at = 0
    while at < len(glob):
        rest = glob[at:]
        if rest.startswith("**/") and (at == 0 or glob[at - 1] == "/"):
            parts.append("(?:.*/)?")
            at += 3
        elif rest == "**" and (at == 0 or glob[at - 1] == "/"):
            parts.append(".+")
            at += 2
        elif rest[0] == "[" and (found := re.match(r"\[([!^]?)(\]?[^\]]*)\]", rest)):
            body = found[2].replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
            parts.append(f"(?!/)[{'^' if found[1] else ''}{body}]")
            at += found.end()
        elif rest[0] == "\\" and len(rest) > 1:
            parts.append(re.escape(rest[1]))
            at += 2
        elif rest[0] == "*":
            run = len(rest) - len(rest.lstrip("*"))
            parts.append("[^/]*")
            at += run
        else:
            parts.append("[^/]" if rest[0] == "?" else re.escape(rest[0]))
            at += 1
    return "".join(parts)
