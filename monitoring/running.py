"""List what is being sent: each batch or campaign with its counts, its rate, and the time that it still needs."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, fields
from typing import Any

from batches.counts import Counts, counts_from
from batches.models import Batch
from batches.verdict import Gate, GateStatus
from foundation.statements import fetch_rows
from monitoring import queries
from monitoring.scope import Scope
from monitoring.waiting import why_waiting

Row = dict[str, Any]
MINUTE = dt.timedelta(minutes=1)
MOST_ACCOUNTS = 500
"""The accounts with due mail that are looked at, in each order of lanes."""
MOST_BATCHES = 500
"""The batches with claimed mail that are looked at."""
COUNTED_PARCELS = 8000
"""The parcels that the counts of all listed batches read together."""
LEAST_COUNTED = 200
"""The parcels that the counts of each batch may read, however many batches are listed."""
GATE_FIELDS = {field.name for field in fields(Gate)}
DUE_PARCELS = 2000
"""The due parcels that are looked at, over all accounts."""


@dataclass(frozen=True, slots=True)
class Running:
    """A batch that is being sent.

    `counts` are of messages in one snapshot. With `is_exact` false the batch has more parcels than were counted, and at
    least these messages. `rate` is in recipients a second over the last minute; None for mail without a batch, which
    has no counters. `remaining` is None while it cannot be known. A batch with `is_expanding` belongs to a campaign
    whose audience has not become messages completely.
    """

    batch_id: int
    public_id: str
    label: str
    is_default: bool
    campaign_id: int | None
    campaign_uuid: uuid.UUID | None
    account: str
    account_id: int
    counts: Counts
    is_exact: bool
    rate: float | None
    remaining: dt.timedelta | None
    status: GateStatus
    is_expanding: bool
    why: str

    @property
    def is_campaign(self) -> bool:
        """Return whether it belongs to a campaign, so that it is stopped with the campaign and not as a batch."""
        return self.campaign_id is not None


def list_running(scope: Scope, limit: int = 50) -> list[Running]:
    """Return the batches that are being sent, the newest first, `limit` at most.

    Workers have claimed mail of them, mail of them is due, they sent mail in this minute or the last one, or they
    belong to a campaign that has begun. If there are more, batches with claimed mail come first, and then batches with
    due mail.
    """
    parameters = {
        "accounts": scope.ids,
        "most_accounts": MOST_ACCOUNTS,
        "most_batches": MOST_BATCHES,
        "parcels": DUE_PARCELS,
        "counted": COUNTED_PARCELS,
        "least_counted": LEAST_COUNTED,
        "span_of_shares": MINUTE,
        "limit": limit,
    }
    rows = fetch_rows(queries.FIND_RUNNING, parameters)
    reasons = why_waiting([Batch(pk=row["batch_id"]) for row in rows])
    return [_running(row, reasons[row["batch_id"]].text if row["batch_id"] in reasons else "") for row in rows]


def _running(row: Row, why: str) -> Running:
    counts, status = counts_from(row), gate_of(row)
    is_moving = status is GateStatus.OPEN and row["is_exact"] and not row["is_expanding"]
    return Running(
        batch_id=row["batch_id"],
        public_id=row["public_id"],
        label=name_of(row),
        is_default=row["is_default"],
        campaign_id=row["campaign_id"],
        campaign_uuid=row["campaign_uuid"],
        account=row["account"],
        account_id=row["account_id"],
        counts=counts,
        is_exact=row["is_exact"],
        rate=row["rate"],
        remaining=time_left(counts, row["rate"], row["until_last"]) if is_moving else None,
        status=status,
        is_expanding=row["is_expanding"],
        why=why,
    )


def name_of(row: Row) -> str:
    """Return the title of a batch's campaign, or its label, which may be empty."""
    return str(row["title"] or row["label"])


def gate_of(row: Row) -> GateStatus:
    """Return what may hold the mail of a batch, from the columns `GATE_OF_BATCH`."""
    return Gate(**{name: value for name, value in row.items() if name in GATE_FIELDS}).status


def time_left(counts: Counts, rate: float | None, until_last: dt.timedelta | None) -> dt.timedelta | None:
    """Return when all of a batch will be sent at its present rate, and not before its last mail is due.

    Return None while mail of it is due and it has no rate, or when all other mail waits for a person.
    """
    until_due = max(until_last or dt.timedelta(), dt.timedelta()) if counts.scheduled else dt.timedelta()
    at_hand = counts.due + counts.claimed
    if at_hand:
        return max(dt.timedelta(seconds=at_hand / rate), until_due) if rate else None
    return until_due if counts.scheduled or not counts.waiting else None
