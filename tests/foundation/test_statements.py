"""Prepared statements are planned once per connection, and are not used with a pooler that shares sessions."""

from __future__ import annotations

import pytest
from django.db import connection

from config.settings import database_from_url
from foundation.statements import fetch_prepared

STATEMENT = "select %s::int + 41"


def prepared() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("select statement from pg_prepared_statements")
        return [row[0] for row in cursor.fetchall()]


def test_a_repeated_statement_is_prepared(database: None) -> None:
    connection.close()  # statements that it has prepared before do not matter
    for n in range(6):
        assert fetch_prepared(STATEMENT, [n]) == [(n + 41,)]
    assert prepared() == ["select $1::int + 41"]


def test_nothing_is_prepared_for_a_pooler_that_shares_sessions(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    options = database_from_url("postgresql://host/name?prepare=no")["OPTIONS"]
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    for n in range(10):
        assert fetch_prepared(STATEMENT, [n]) == [(n + 41,)]
    assert prepared() == []
    connection.close()


def test_a_setting_other_than_yes_or_no_stops_start_up() -> None:
    with pytest.raises(ValueError, match="prepare"):
        database_from_url("postgresql://host/name?prepare=perhaps")
