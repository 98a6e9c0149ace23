"""Write the events of verdicts: mail that was discarded, expired, retained or held, one row a parcel.

In: the parcels that a verdict has moved. Out, in the same transaction: their events and counters. A release has no
event, since each message has one when it is sent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from django.db import connection

from batches.admit import Moved
from batches.states import ParcelState
from mailer.models import EventKind
from mailer.outcomes.queries import READ_SHARED_CATEGORIES
from mailer.outcomes.writing import Entry, SharedEvent, write_events

KINDS: Final = {
    ParcelState.DISCARDED: EventKind.DISCARDED,
    ParcelState.EXPIRED: EventKind.EXPIRED,
    ParcelState.RETAINED: EventKind.RETAINED,
    ParcelState.HELD: EventKind.HELD,
}
"""The kind of event by the state that a verdict moves parcels into."""
MAILS_LOOKED_AT: Final = 2000
"""The most mails of a batch that are read to see whether they share their categories."""
OF_REMAINDER: Final = "; only for the recipients without an outcome"


def write_verdicts(parcels: Sequence[Moved], target: ParcelState, reason: str, at: dt.datetime) -> None:
    """Write the event of each parcel that a verdict has moved into this state.

    All parcels have the same batch. Mail that ends in doubt instead has no event: it was not discarded, and its doubt
    has one.
    """
    kind, categories = KINDS[target], _shared_categories(parcels[0].batch_id)
    write_events(
        (
            Entry(parcel, parcel.fence, verdict=_event_of(parcel, kind, reason), categories=categories)
            for parcel in parcels
            if not parcel.is_ended_in_doubt(target)
        ),
        at,
    )


def _shared_categories(batch_id: int) -> Sequence[str] | None:
    """Return the categories that all mails of a batch share; None if they differ, or if the batch has too many mails.

    Usually they share them. Then nobody has to look up the mail of each parcel, which may not have been read for days.
    """
    with connection.cursor() as cursor:
        cursor.execute(READ_SHARED_CATEGORIES, {"batch": batch_id, "most": MAILS_LOOKED_AT})
        row = cursor.fetchone()
    return None if row is None else row[0]


def _event_of(parcel: Moved, kind: EventKind, reason: str) -> SharedEvent:
    text = f"{reason}{OF_REMAINDER}" if parcel.is_remainder else reason
    return SharedEvent(kind, parcel.mask, text, is_of_remainder=parcel.is_remainder)
