"""Extend Django's `manage.py migrate`: try a migration again that has given way to other sessions.

A migration that locks a busy table sets `lock_timeout`, so that mail is still sent. What it has begun is rolled back,
and the migrations before it stay applied.
"""

from __future__ import annotations

import time
from typing import Any, Final

from django.core.management.commands import migrate
from django.db import OperationalError

from foundation.postgresql import SqlState, sqlstate_of

TRIES: Final = 20
PAUSE_SECONDS: Final = 3.0
"""The time between two tries, in which the sessions that queued behind the migration are served."""


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        for tries_left in reversed(range(TRIES)):
            try:
                super().handle(*args, **options)
            except OperationalError as error:
                if sqlstate_of(error) != SqlState.LOCK_NOT_AVAILABLE or not tries_left:
                    raise
                self.stdout.write(
                    f"\nOther sessions use the table, so the migration has given way to them. It is tried again in "
                    f"{PAUSE_SECONDS:.0f} s. Tries left: {tries_left}."
                )
                time.sleep(PAUSE_SECONDS)
            else:
                return
