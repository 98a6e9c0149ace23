"""Publish events: turn the notices that transactions have written into entries of the log.

One transaction at a time publishes, so places become visible in the order in which they are drawn. A notice whose
transaction commits late gets a place behind everything that was published before, whatever its id is: no reader has
passed it. The notices are deleted in the statement that inserts their entries, so a crash at any line neither loses nor
repeats one.
"""

from __future__ import annotations

import time
from typing import Final

from django.db import connection, transaction

from events.log.queries import LOCK_LOG, PUBLISH
from mailer.models import LogNotice

PAGE: Final = 1000
"""The number of notices that one transaction publishes."""
RUN_SECONDS: Final = 0.2
"""The time after which a round of the sweeper begins no further page. The next round continues."""


def publish_events() -> int:
    """Publish page after page, and return the number of entries. A duty of the sweeper."""
    if not LogNotice.objects.exists():
        return 0
    began_at, published = time.monotonic(), 0
    while page := publish_page():
        published += page
        if page < PAGE or time.monotonic() - began_at >= RUN_SECONDS:
            break
    return published


@transaction.atomic
def publish_page(limit: int = PAGE) -> int:
    """Publish the oldest notices. Return the number of entries; 0 also if another transaction publishes."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_LOG)
        if cursor.fetchone() != (True,):
            return 0
        cursor.execute(PUBLISH, {"page": limit})
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])
