"""What can go wrong, in one tree.

StudioError
├── InvalidValue      400  a field has a value that cannot be used
├── Unauthenticated   401  nobody we know
├── Denied            403  known, sees it, may not do this
├── NotFound          404  not there, or not for you: the two are never told apart
├── AlreadyExists     400  the name is taken (400 is MLflow's own choice)
├── Conflict          409  not in a state that allows it
├── TooLarge          413  more bytes or items than are taken
├── TooMany           429  asked too often
├── NotServed         501  a part of a protocol that the studio leaves out
└── Unavailable       503  try again later

Operations raise these with a sentence that a user can act on. Translators render them: `lib.answers` for pages and
MLflow's JSON, `lib.drf` for the studio's API.
"""

from __future__ import annotations


class StudioError(Exception):
    """Say what went wrong, in one sentence for the user; `code` is MLflow's name for it, `status` the HTTP one."""

    code = "INTERNAL_ERROR"
    status = 500
    # Where in the field's text the fault is, counted from 1, if that is known.
    column: int | None = None

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidValue(StudioError):
    code = "INVALID_PARAMETER_VALUE"
    status = 400


class Unauthenticated(StudioError):
    code = "UNAUTHENTICATED"
    status = 401


class Denied(StudioError):
    code = "PERMISSION_DENIED"
    status = 403


class NotFound(StudioError):
    code = "RESOURCE_DOES_NOT_EXIST"
    status = 404


class AlreadyExists(StudioError):
    code = "RESOURCE_ALREADY_EXISTS"
    status = 400


class Conflict(StudioError):
    code = "RESOURCE_CONFLICT"
    status = 409


class TooLarge(StudioError):
    code = "INVALID_PARAMETER_VALUE"
    status = 413


class TooMany(StudioError):
    code = "REQUEST_LIMIT_EXCEEDED"
    status = 429


class NotServed(StudioError):
    code = "NOT_IMPLEMENTED"
    status = 501


class Unavailable(StudioError):
    code = "TEMPORARILY_UNAVAILABLE"
    status = 503
