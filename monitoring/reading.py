"""Run a statement of `queries.py`, and return its rows by name."""

from __future__ import annotations

from typing import Any

from django.db import connection

Row = dict[str, Any]


def read_rows(query: str, parameters: Row) -> list[Row]:
    """Return the rows of a statement, each as a dictionary."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
