"""The database backend that `settings.DATABASES` names; Django looks for it in a module of this name."""

from __future__ import annotations

import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, that checks a kept connection without a question, and knows which statements it has prepared."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self.prepared: set[str] = set()
        return super().get_new_connection(conn_params)

    def is_usable(self) -> bool:
        """Say whether the connection may be used for another request.

        Between requests a server says nothing unless it ends or is asked to end the connection, so that a silent
        socket is good. What has something to read is asked as Django asks.
        """
        if self.connection is None:
            return False
        if not self.errors_occurred and is_silent(self.connection):
            return True
        return super().is_usable()


def is_silent(connection: Any) -> bool:
    """Say whether nothing has come on an open connection. False for a closed one."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
