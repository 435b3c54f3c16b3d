"""Text into tokens, in one pass of one pattern that matches no text in two ways, so time grows with length only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext as _

from lib.search.errors import SearchError, SearchTooLarge

TokenKind = Literal[
    "path", "text", "quoted_name", "word", "date", "age", "number", "operator", "open", "close", "comma", "junk", "end"
]

LONGEST = 20_000
LONGEST_FOUND = 40
QUOTES = ("'", '"', "`")

# A path is kind.key: the key in backticks or quotes, or bare. MLflow takes bare keys of letters, digits, _ and dots;
# the studio also those with /, - and :, as in metrics.val/loss. Strings differ: MLflow lets \' stand inside.
GRAMMAR = r"""
    (?P<space>       \s+ )
  | (?P<path>        (?: `[^`.]*` | [^\W\d]\w* ) \. (?: `[^`]*` | "[^"]*" | '[^']*' | [\w./:$#@-]+ ) )
  | (?P<text>        {single} | {double} )
  | (?P<quoted_name> `[^`]*` )
  | (?P<word>        [^\W\d]\w* )
  | (?P<date>        [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} (?: T[0-9:.]+ (?: Z | [+-][0-9:]+ )? )? (?!\w) )
  | (?P<age>         [-+] [0-9]+ (?: \.[0-9]+ )? [smhdw] (?!\w) )
  | (?P<number>      [-+]? (?: [0-9]+ (?: \.[0-9]* )? | \.[0-9]+ ) (?: [eE][-+]?[0-9]+ )? (?!\w) )
  | (?P<operator>    [<>=!~]+ )
  | (?P<open>        \( )
  | (?P<close>       \) )
  | (?P<comma>       , )
  | (?P<junk>        [-+]?[\w.]+ | . )
"""


def pattern(single: str, double: str) -> re.Pattern[str]:
    return re.compile(GRAMMAR.format(single=single, double=double), re.VERBOSE | re.DOTALL)


# SQL's strings: the quote is doubled, and a backslash is a backslash.
STANDARD = pattern(r"'(?:''|[^'])*'", r'"(?:""|[^"])*"')
MLFLOW = pattern(r"'(?:''|\\'|[^'])*'", r'"(?:""|\\"|[^"])*"')
# PostgreSQL has no NUL in a text, and UTF-8 no lone surrogates.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Token:
    kind: TokenKind
    text: str
    column: int

    @property
    def word(self) -> str:
        """The text as a keyword, or nothing if it cannot be one."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def found(self) -> str:
        """Name the token in an error."""
        if self.kind == "end":
            return _("the end")
        if self.kind == "junk" and self.text in QUOTES:
            return _("a quote that is never closed")
        text = self.text if len(self.text) <= LONGEST_FOUND else self.text[: LONGEST_FOUND - 1] + "…"
        return f"“{text}”"


def tokens(text: str, *, is_mlflow: bool) -> list[Token]:
    """Split a text. Raises SearchTooLarge, or SearchError for characters that cannot be stored."""
    if len(text) > LONGEST:
        raise SearchTooLarge(LONGEST, _("A filter has at most %(most)s characters.") % {"most": LONGEST})
    if bad := UNSTORABLE.search(text):
        raise SearchError(bad.start() + 1, _("text"), _("a character that is not text"))
    matches = (MLFLOW if is_mlflow else STANDARD).finditer(text)
    found = [Token(one.lastgroup, one.group(), one.start() + 1) for one in matches if one.lastgroup != "space"]  # type: ignore[arg-type]
    return [*found, Token("end", "", len(text) + 1)]
