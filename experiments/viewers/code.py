"""Text with line numbers, in parts of a size that a page can hold; short files of a known language in colour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString

from experiments.viewers.source import Source

PART_BYTES = 128 * 1024
MOST_LINES = 4000  # an element each; what comes behind stands in one
# A lexer's expressions may take a square of the length on text made for it: only short files, and no endless lines.
LONGEST_COLOURED = 200_000
LONGEST_LINE = 4_000
LEXERS = {
    ".py": "python.PythonLexer",
    ".pyi": "python.PythonLexer",
    ".json": "data.JsonLexer",
    ".geojson": "data.JsonLexer",
    ".ipynb": "data.JsonLexer",
    ".jsonl": "data.JsonLexer",
    ".yaml": "data.YamlLexer",
    ".yml": "data.YamlLexer",
    ".toml": "configs.TOMLLexer",
    ".ini": "configs.IniLexer",
    ".cfg": "configs.IniLexer",
    ".sh": "shell.BashLexer",
    ".bash": "shell.BashLexer",
    ".sql": "sql.SqlLexer",
    ".r": "r.SLexer",
    ".js": "javascript.JavascriptLexer",
    ".ts": "javascript.TypeScriptLexer",
    ".html": "html.HtmlLexer",
    ".htm": "html.HtmlLexer",
    ".xml": "html.XmlLexer",
    ".svg": "html.XmlLexer",
    ".css": "css.CssLexer",
    ".md": "markup.MarkdownLexer",
    ".c": "c_cpp.CLexer",
    ".h": "c_cpp.CLexer",
    ".cpp": "c_cpp.CppLexer",
    ".cu": "c_cpp.CppLexer",
    ".java": "jvm.JavaLexer",
    ".scala": "jvm.ScalaLexer",
    ".go": "go.GoLexer",
    ".rs": "rust.RustLexer",
    ".jl": "julia.JuliaLexer",
    ".diff": "diff.DiffLexer",
    ".patch": "diff.DiffLexer",
    ".proto": "dsls.ProtoBufLexer",
}
NAMED = {"MLmodel": "data.YamlLexer", "MLproject": "data.YamlLexer", "Dockerfile": "configs.DockerLexer"}
# Pygments' families of tokens, as the code component colours them.
COLOURS = (
    ("Comment", "c"),
    ("Keyword", "k"),
    ("Name.Tag", "k"),
    ("Literal.String", "s"),
    ("Literal.Number", "n"),
    ("Generic.Deleted", "c"),
    ("Generic.Inserted", "s"),
    ("Generic.Heading", "k"),
    ("Operator.Word", "k"),
)


@dataclass(frozen=True)
class Code:
    """A part of a text: `lines` are safe markup, bytes `start` to `end` of `size_bytes`; offsets of other parts."""

    lines: tuple[SafeString, ...]
    start: int
    end: int
    size_bytes: int
    previous: int | None
    following: int | None
    last: int

    @property
    def is_first(self) -> bool:
        """Say whether the lines can be numbered: how many came before a later part is not known."""
        return self.start == 0

    @property
    def is_whole(self) -> bool:
        return self.start == 0 and self.end >= self.size_bytes


def show(source: Source) -> Code:
    """Show a part of a text, from the byte that the address names."""
    encoding = source.encoding
    last = max(0, (source.size_bytes - 1) // PART_BYTES * PART_BYTES)
    start = min(source.number("from") // PART_BYTES * PART_BYTES, last)
    body = source.read(PART_BYTES, start)
    text = decoded(body, encoding, start).removeprefix("\ufeff")
    end = start + len(body)
    is_coloured = start == 0 and end >= source.size_bytes
    return Code(
        lines=coloured(text, source.name, source.suffix) if is_coloured else plain(text),
        start=start,
        end=end,
        size_bytes=source.size_bytes,
        previous=start - PART_BYTES if start else None,
        following=end if end < source.size_bytes else None,
        last=last,
    )


def decoded(body: bytes, encoding: str, start: int) -> str:
    """Decode a part; the halves of characters at its ends are left out."""
    if encoding == "utf-8" and start:
        body = body.lstrip(bytes(range(0x80, 0xC0)))
    if encoding == "utf-16" and start:
        encoding = "utf-16-le"
    return body.decode(encoding, "replace").rstrip("\ufffd")


def split(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").split("\n", MOST_LINES)
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def plain(text: str) -> tuple[SafeString, ...]:
    return tuple(escape(line) for line in split(text))


def coloured(text: str, name: str, suffix: str) -> tuple[SafeString, ...]:
    """Colour a whole text by its name; one that is too long, or of no known language, stays plain."""
    path = NAMED.get(name) or LEXERS.get(suffix)
    if path is None or len(text) > LONGEST_COLOURED or any(len(line) > LONGEST_LINE for line in text.split("\n")):
        return plain(text)
    return tuple(SafeString("".join(line)) for line in marked(path, "\n".join(split(text))))


def marked(path: str, text: str) -> Iterator[list[str]]:
    line: list[str] = []
    for token, value in lexer(path).get_tokens(text):
        colour = colour_of(token)
        for at, piece in enumerate(value.split("\n")):
            if at:
                yield line
                line = []
            if piece:
                line.append(f'<span class="{colour}">{escape(piece)}</span>' if colour else escape(piece))
    if line:
        yield line


@cache
def lexer(path: str) -> Any:
    """Load a language of Pygments on its first use: all of them are not in every worker's memory."""
    module, _dot, name = path.rpartition(".")
    return getattr(import_module(f"pygments.lexers.{module}"), name)(stripnl=False, ensurenl=True)


@cache
def colour_of(token: Any) -> str:
    name = ".".join(token)
    return next((colour for family, colour in COLOURS if name.startswith(family)), "")
