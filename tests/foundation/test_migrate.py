"""Migrations that give way to mail are tried again."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from foundation.management.commands import migrate
from mailer.models import Event

pytestmark = pytest.mark.large
BEFORE = "0006_late_events"


@pytest.fixture
def reader(database: None) -> Iterator[psycopg.Connection]:
    """Return a session that has read events in a transaction, which a migration has to wait for."""
    call_command("migrate", "mailer", BEFORE, verbosity=0)
    try:
        with psycopg.connect(
            **{**connection.get_connection_params(), "cursor_factory": psycopg.ClientCursor}
        ) as session:
            session.execute("select from mailer_event")
            yield session
    finally:
        call_command("migrate", verbosity=0)
        connection.close()  # statements that were prepared for the old table cannot be used


def test_a_migration_that_gave_way_is_tried_again(reader: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "TRIES", 1)
    with pytest.raises(OperationalError, match="lock timeout"):
        call_command("migrate", verbosity=0)

    monkeypatch.setattr(migrate, "TRIES", 2)
    monkeypatch.setattr(migrate.time, "sleep", lambda _: reader.rollback())
    output = StringIO()
    call_command("migrate", stdout=output)
    assert "tried again in 3 s. Tries left: 1." in output.getvalue()
    assert not Event.objects.filter(is_encrypted=True).exists()
