"""What can go wrong when a studio is asked.

StudioError
  Unreachable             no answer: nothing listens there, or the network is away
  NotConfigured           no address, or no credential, is known
  Refused                 the studio answered with an error; `status`, `code` and `field` say more
    InvalidValue          400, 422
    Unauthenticated       401
    Denied                403
    NotFound              404
    AlreadyExists         409 with the code RESOURCE_ALREADY_EXISTS
    Conflict              409
    TooLarge              413
    TooMany               429
    Unavailable           5xx
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class StudioError(Exception):
    @property
    def message(self) -> str:
        return str(self)


class Unreachable(StudioError):
    """`never_left`: no byte of the request can have arrived, so that anything may be sent again."""

    def __init__(self, message: str, *, never_left: bool = False) -> None:
        super().__init__(message)
        self.never_left = never_left


class NotConfigured(StudioError):
    pass


class Refused(StudioError):
    """`code` is the studio's (MLflow's) word for the error, `field` the value at fault, if any."""

    def __init__(self, message: str, *, status: int = 0, code: str = "", field: str = "", request_id: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.field, self.request_id = status, code, field, request_id


class InvalidValue(Refused):
    pass


class Unauthenticated(Refused):
    pass


class Denied(Refused):
    pass


class NotFound(Refused):
    pass


class Conflict(Refused):
    pass


class AlreadyExists(Conflict):
    pass


class TooLarge(Refused):
    pass


class TooMany(Refused):
    pass


class Unavailable(Refused):
    pass


BY_STATUS: Mapping[int, type[Refused]] = {
    400: InvalidValue,
    401: Unauthenticated,
    403: Denied,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: InvalidValue,
    429: TooMany,
}


def refused(status: int, body: Any, *, request_id: str = "") -> Refused:
    """Make the error of an answer; `body` is its JSON, or its text where it has none."""
    content = body if isinstance(body, dict) else {}
    code = str(content.get("error_code", ""))
    message = str(
        content.get("message") or (body if isinstance(body, str) and body else f"The studio answered {status}.")
    )
    kind = BY_STATUS.get(status, Unavailable if status >= 500 else Refused)
    if code == "RESOURCE_ALREADY_EXISTS":
        kind = AlreadyExists
    if code == "RESOURCE_DOES_NOT_EXIST":
        kind = NotFound
    return kind(message, status=status, code=code, field=str(content.get("field", "")), request_id=request_id)
