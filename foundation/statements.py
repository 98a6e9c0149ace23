"""Run SQL statements: by Django's cursors, prepared once per connection, or as COPY.

Django's cursors write the values into the text, so that each statement is parsed and planned again. For the statements
of every request this costs more than running them (docs/decisions/0005-accept.md): they are prepared.
"""

from __future__ import annotations

import select
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString

import psycopg
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connection, connections

Values = Sequence[object] | Mapping[str, object]
Rows = list[tuple[Any, ...]]


def fetch_prepared(statement: LiteralString, values: Values) -> Rows:
    """Return the rows of a statement. Raises Django's database errors, as its cursors do."""
    database = connections[DEFAULT_DB_ALIAS]
    database.close_if_health_check_failed()
    database.ensure_connection()
    with database.wrap_database_errors, psycopg.Cursor(database.connection) as cursor:
        return cursor.execute(statement, values, binary=True).fetchall()


def fetch_first(statement: LiteralString, values: Values) -> Rows:
    """Return the rows of a request's first statement, which only reads.

    It also is the health check of the connection: if the session was lost since the last request, repeating a statement
    that only reads is harmless.
    """
    database = connections[DEFAULT_DB_ALIAS]
    database.health_check_done = True  # type: ignore[attr-defined]  # missing in the stubs
    try:
        return fetch_prepared(statement, values)
    except (OperationalError, InterfaceError):
        if database.connection is None or database.in_atomic_block or database.is_usable():
            raise
        database.close()
        return fetch_prepared(statement, values)


def check_connection() -> None:
    """Drop a session that has ended since the last request.

    Call it at the beginning of a request whose first statement writes, and so cannot be repeated.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.connection is not None and not database.in_atomic_block and _has_ended(database.connection):
        database.close()
    database.health_check_done = True  # type: ignore[attr-defined]


def _has_ended(session: psycopg.Connection[Any]) -> bool:
    """Return whether the session has ended, without a round trip: on an idle session only its end can be read."""
    if session.closed:
        return True
    end = select.poll()
    end.register(session.fileno(), select.POLLIN)
    return bool(end.poll(0))


def copy_rows(statement: str, rows: Iterable[Sequence[object]]) -> None:
    """Write rows by COPY, in the columns that the statement names, at a few microseconds for each row.

    Raises Django's database errors, as its cursors do.
    """
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def fetch_rows(statement: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a statement as dictionaries, by the names of its columns."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def fetch_tuples(statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement as tuples."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
