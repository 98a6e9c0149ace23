"""COPY into PostgreSQL: many rows in one statement, at a few microseconds each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection

MESSAGES = "copy mailer_message (id, mail_id, recipient, personal) from stdin"
EVENTS = "copy mailer_event (message_id, kind, at, fence, recipient, reply) from stdin"


def copy_rows(statement: str, rows: Iterable[Sequence[object]]) -> None:
    """Write rows, in the columns that the statement names. Raises Django's database errors, as its cursors do."""
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
