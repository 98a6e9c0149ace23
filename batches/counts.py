"""Count the messages of batches by state, each time in one snapshot."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from django.db import connection
from django.db.models import F

from batches import count_queries
from foundation.statements import fetch_rows

LOOKED_AT = 10_000
"""The most parcels read for a figure of a batch, an account or everything, so that no page grows with the tables."""
PARCELS_OF_EACH = 2_000
"""The most parcels that a list reads for the counts of each of its batches."""
PENDING = F("size") - F("sent") - F("refused") - F("dropped") - F("stopped") - F("in_doubt") - F("moved")


@dataclass(frozen=True, slots=True)
class Counts:
    """Messages of a batch by state, in the glossary's words. All but `accepted` add up to it."""

    accepted: int
    scheduled: int
    due: int
    claimed: int
    retained: int
    held: int
    sent: int
    refused: int
    dropped: int
    stopped: int
    in_doubt: int
    discarded: int
    expired: int

    @property
    def waiting(self) -> int:
        """Return the messages that may still be sent, now or after a resume."""
        return self.scheduled + self.due + self.claimed + self.retained + self.held

    @property
    def ended_unsent(self) -> int:
        """Return the messages that were not sent and never will be."""
        return self.stopped + self.discarded + self.expired


def count_batch(batch_id: int) -> Counts:
    """Return the counts of a batch at this moment, by id."""
    return _count(count_queries.COUNT_BATCH, batch=batch_id)


def count_batches(batch_ids: Collection[int]) -> dict[int, Counts]:
    """Return the counts of several batches, such as those on a page, in one statement and one snapshot."""
    rows = fetch_rows(count_queries.COUNT_BATCHES, {"batches": list(batch_ids)})
    return {row["batch"]: counts_from(row) for row in rows}


def count_ended(batch_id: int) -> int:
    """Return the messages of a batch that ended without being sent, among its final parcels."""
    with connection.cursor() as cursor:
        cursor.execute(count_queries.COUNT_ENDED, {"batch": batch_id})
        return int(cursor.fetchone()[0])


def count_account(account_id: int) -> Counts:
    """Return the counts of everything of an account and of its subusers."""
    return _count(count_queries.COUNT_ACCOUNT, account=account_id)


def count_everything() -> Counts:
    """Return the counts of the whole installation."""
    return _count(count_queries.COUNT_EVERYTHING)


def _count(query: str, **parameters: int) -> Counts:
    (row,) = fetch_rows(query, parameters)
    return counts_from(row)


def counts_from(values: Mapping[str, Any]) -> Counts:
    """Return the counts from columns that have their names."""
    return Counts(**{field.name: int(values[field.name]) for field in fields(Counts)})


@dataclass(frozen=True, slots=True)
class Estimate:
    """The counts of a batch or an account, which are exact unless it has more parcels than were looked at."""

    counts: Counts
    is_exact: bool


def estimate_batches(batch_ids: Collection[int], *, parcels: int = LOOKED_AT) -> dict[int, Estimate]:
    """Return the counts of several batches in one statement that reads at most this number of parcels of each.

    Mail beyond that is taken to wait for its first try. For a batch that waits for its time this is exact, too.
    """
    rows = fetch_rows(count_queries.ESTIMATE_BATCHES, {"batches": list(batch_ids), "parcels": parcels})
    return {row["batch"]: Estimate(counts_from(row), row["is_exact"]) for row in rows}


def estimate_account(account_id: int) -> Estimate:
    """Return the counts of an account and its subusers from at most `LOOKED_AT` parcels that are not folded.

    The messages of other parcels are not counted.
    """
    (row,) = fetch_rows(count_queries.ESTIMATE_ACCOUNT, {"account": account_id, "parcels": LOOKED_AT})
    return Estimate(counts_from(row), row["is_exact"])


@dataclass(frozen=True, slots=True)
class Tally:
    """A count of messages; not exact when there were more parcels than were looked at."""

    messages: int
    is_exact: bool

    def __str__(self) -> str:
        return f"{self.messages:,}" if self.is_exact else f"{self.messages:,} or more"
