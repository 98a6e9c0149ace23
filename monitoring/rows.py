"""Read the rows of a statement by the names of its columns."""

from __future__ import annotations

from typing import Any

from django.db import connection


def fetch_rows(statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a statement as dictionaries."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def fetch_again(statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a statement that each page asks again, with the same parameters.

    Other statements are prepared when they come for the sixth time. This one is prepared at once, unless the database's
    URL forbids it: planning it takes longer than running it.
    """
    connection.ensure_connection()
    session = connection.connection
    threshold = session.prepare_threshold
    session.prepare_threshold = None if threshold is None else 0
    try:
        return fetch_rows(statement, parameters)
    finally:
        session.prepare_threshold = threshold
