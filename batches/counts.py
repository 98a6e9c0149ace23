"""How many messages of a batch are where: one snapshot, whatever their number."""

from __future__ import annotations

from dataclasses import dataclass, fields

from django.db import connection

from batches import queries


@dataclass(frozen=True, slots=True)
class Counts:
    """Messages of a batch by state, in the glossary's words. All but `accepted` add up to it."""

    accepted: int
    scheduled: int
    due: int
    claimed: int
    retained: int
    sent: int
    refused: int
    dropped: int
    stopped: int
    in_doubt: int
    discarded: int
    expired: int

    @property
    def waiting(self) -> int:
        """Those that may still leave, now or after a resume."""
        return self.scheduled + self.due + self.claimed + self.retained

    @property
    def ended_unsent(self) -> int:
        """Those that never left and never will."""
        return self.stopped + self.discarded + self.expired


def count_batch(batch_id: int) -> Counts:
    """The counts of a batch at this moment, by id."""
    with connection.cursor() as cursor:
        cursor.execute(queries.COUNT_BATCH, {"batch": batch_id})
        row = cursor.fetchone()
        assert row is not None
        values = dict(zip((column[0] for column in cursor.description), row, strict=True))
    return Counts(**{field.name: int(values[field.name]) for field in fields(Counts)})
