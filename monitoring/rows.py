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
