"""Statements that PostgreSQL plans once for each connection.

Django's cursors write the values into the text, so that each statement is parsed and planned anew: for those of every
request this costs more than running them (docs/decisions/0005-accept.md).
"""

from __future__ import annotations

import select
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

import psycopg
from django.db import InterfaceError, OperationalError, connection

Values = Sequence[object] | Mapping[str, object]
Rows = list[tuple[Any, ...]]


def fetch_prepared(statement: LiteralString, values: Values) -> Rows:
    """The rows of a statement. Raises Django's database errors, as its cursors do."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        return cursor.execute(statement, values, binary=True).fetchall()


def fetch_first(statement: LiteralString, values: Values) -> Rows:
    """The rows of a request's first statement, which only reads, and so is the health check of the connection, too: one
    that was lost since the last request shows here, where asking once more is harmless."""
    connection.health_check_done = True  # type: ignore[attr-defined]  # the stubs have forgotten it
    try:
        return fetch_prepared(statement, values)
    except (OperationalError, InterfaceError):
        if connection.connection is None or connection.in_atomic_block or connection.is_usable():
            raise
        connection.close()
        return fetch_prepared(statement, values)


def check_connection() -> None:
    """At the beginning of a request whose first statement writes, and so cannot be asked twice: drop a session that has
    ended since the last one. An idle session has nothing to say; what can be read from it is its end."""
    if connection.connection is not None and not connection.in_atomic_block:
        end = select.poll()
        end.register(connection.connection.fileno(), select.POLLIN)
        if end.poll(0):
            connection.close()
    connection.health_check_done = True  # type: ignore[attr-defined]  # the stubs have forgotten it
