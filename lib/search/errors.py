"""A fault in a filter or an order, with the place where it is."""

from __future__ import annotations

from django.utils.translation import gettext as _

from lib.errors import InvalidValue


class SearchError(InvalidValue):
    """Say what was expected at which column (counted from 1) and what stood there."""

    def __init__(self, column: int, expected: str, found: str) -> None:
        self.column = column
        self.expected = expected
        self.found = found
        super().__init__(
            _("At column %(column)s: expected %(expected)s, found %(found)s.")
            % {"column": column, "expected": expected, "found": found}
        )


class SearchTooLarge(InvalidValue):
    """Say which bound a filter or an order goes beyond; `column` is where it does."""

    def __init__(self, column: int, message: str) -> None:
        self.column = column
        super().__init__(message)


def one_of(words: list[str]) -> str:
    return words[0] if len(words) == 1 else _("one of %s") % ", ".join(words)
