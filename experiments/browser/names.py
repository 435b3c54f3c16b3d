"""Names of files as they may stand on a page: letters that turn or hide others are spelled out."""

from __future__ import annotations

import unicodedata

# They join the parts of one sign (families, flags, Persian and Indian writing) and hide nothing.
JOINERS = {"\u200c", "\u200d"}
HIDDEN = {"Cf", "Cc", "Zl", "Zp", "Co", "Cn"}


def readable(name: str) -> str:
    """Spell out what cannot be seen: `exe.txt` written from the right would pass for a text."""
    if name.isascii() and name.isprintable():
        return name
    return "".join(
        f"‹U+{ord(letter):04X}›" if letter not in JOINERS and unicodedata.category(letter) in HIDDEN else letter
        for letter in name
    )
