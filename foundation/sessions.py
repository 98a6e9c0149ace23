"""Set up each session with PostgreSQL."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper


def turn_off_jit(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Let PostgreSQL interpret all statements of a new session, since to compile one takes longer than it saves.

    The reasons and figures are in docs/decisions/0016-no-jit.md.
    """
    with connection.cursor() as cursor:
        cursor.execute("set jit = off")
