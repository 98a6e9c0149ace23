"""Keep the counts of the mail that waits for its first try, by batch and minute.

A trigger of the table of parcels inserts the deltas. The sweeper adds them up, and compares the result with the parcels
now and then. Readers add the deltas that were not added up yet (`waves.py`).
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import structlog
from django.db import connection, transaction

from batches import wave_queries
from batches.models import Mark

log = structlog.get_logger(__name__)

FOLD_PAGE = 20_000
CHECK_EVERY = dt.timedelta(minutes=1)
CHECK_PAGE = 20_000
"""The parcels that one step of a check reads."""
CHECK_SECONDS = 0.1
"""The time after which a check begins no further step. The next check continues."""
CHECK_DUTY = "check_waves"
BEGINNING = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def fold_waves() -> int:
    """Add a page of deltas to the waves, and delete waves that are over. Return how many deltas were added."""
    with connection.cursor() as cursor:
        cursor.execute(wave_queries.FOLD_WAVES, {"limit": FOLD_PAGE})
        folded: int = cursor.fetchone()[0]
        if folded:
            cursor.execute(wave_queries.DELETE_ENDED_WAVES)
    return folded


class WaveCheck:
    """Compare the waves with the parcels, batch after batch, and repair them. Remember where the last check stopped."""

    def __init__(self) -> None:
        self._batch_id = 0
        self._since = BEGINNING

    def check_waves(self, seconds: float = CHECK_SECONDS) -> int:
        """Check waves for about this time, and return the number of minutes that were repaired: 0, if all is well."""
        until, repaired = time.monotonic() + seconds, 0
        while True:
            if self._since == BEGINNING and not self._go_to_next_batch():
                return repaired
            repaired += self._check_part()
            if time.monotonic() >= until:
                return repaired

    def _go_to_next_batch(self) -> bool:
        """Return False after the last batch. The next check begins with the first one."""
        with connection.cursor() as cursor:
            cursor.execute(wave_queries.NEXT_BATCH_WITH_WAVES, {"after": self._batch_id})
            self._batch_id = cursor.fetchone()[0] or 0
        return self._batch_id > 0

    def _check_part(self) -> int:
        """Check the next parcels of the batch. Two sweepers never repair at once, or each would add the difference."""
        with transaction.atomic():
            Mark.objects.get_or_create(duty=CHECK_DUTY, defaults={"at": BEGINNING})
            Mark.objects.select_for_update().get(duty=CHECK_DUTY)
            with connection.cursor() as cursor:
                parameters: dict[str, Any] = {"batch": self._batch_id, "since": self._since, "limit": CHECK_PAGE}
                cursor.execute(wave_queries.CHECK_WAVES, parameters)
                until, minutes, messages, drift = cursor.fetchone()
        self._since = until or BEGINNING
        if minutes:
            log.warning(
                "the counts of waves were wrong and are repaired",
                batch=self._batch_id,
                minutes=len(minutes),
                messages=int(messages),
                drift=int(drift),
            )
        return len(minutes)
