"""Delete entries of the log when the history of their events is over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.db import connection

from events.log.queries import DELETE_OLD
from foundation.clock import database_now

PAGE: Final = 10_000


def delete_old_entries(page: int = PAGE) -> Iterator[int]:
    """Delete the entries that are older than `HISTORY_DAYS`, page by page, and yield the number of each page.

    An entry that a lane of an endpoint in use still has to read is kept: an endpoint that fails is disabled after a
    shorter time than the history (`config/checks.py`).
    """
    before = database_now() - dt.timedelta(days=settings.HISTORY_DAYS)
    while deleted := _delete_page(before, page):
        yield deleted


def _delete_page(before: dt.datetime, page: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(DELETE_OLD, {"before": before, "page": page})
        return int(cursor.rowcount)
