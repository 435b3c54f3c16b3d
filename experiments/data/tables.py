"""How the files of a table are read."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from django.utils.translation import gettext as _

from experiments.data.choosing import Chosen
from lib.errors import InvalidValue

FORMATS = {".csv": "delimited", ".tsv": "delimited", ".txt": "delimited", ".parquet": "parquet", ".pq": "parquet"}
ENCODINGS = ("utf-8", "utf-16", "latin-1", "cp1252", "ascii", "shift_jis", "gb18030", "big5")


def options_of(files: Sequence[Chosen], given: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the options by the files' names. Raises InvalidValue for files that are no tables of one format."""
    suffixes = {PurePosixPath(one.name).suffix.lower() for one in files}
    formats = {FORMATS.get(suffix, "") for suffix in suffixes}
    if len(formats) != 1 or "" in formats:
        raise InvalidValue(_("A table is made of .csv, .tsv and .txt files, or of .parquet files."), field="paths")
    if formats == {"parquet"}:
        return {"format": "parquet"}
    separator = given.get("separator") or ("\t" if suffixes == {".tsv"} else ",")
    if len(separator) != 1 or separator in '"\r\n\0':
        raise InvalidValue(_("The separator is one character."), field="separator")
    return {
        "format": "delimited",
        "separator": separator,
        "has_header": bool(given.get("has_header", True)),
        "encoding": encoding_of(given.get("encoding") or "utf-8"),
    }


def encoding_of(name: str) -> str:
    try:
        known = {codecs.lookup(one).name for one in ENCODINGS}
        if codecs.lookup(name).name in known:
            return name
    except (LookupError, ValueError):
        pass
    raise InvalidValue(_("The encoding is one of %s.") % ", ".join(ENCODINGS), field="encoding")
