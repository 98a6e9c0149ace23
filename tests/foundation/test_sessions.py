"""Test sessions with PostgreSQL."""

from __future__ import annotations

from django.db import connection


def test_statements_are_not_compiled(database: None) -> None:
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("select setting, reset_val from pg_settings where name = 'jit'")
        assert cursor.fetchall() == [("off", "on")], "the server would compile them"
