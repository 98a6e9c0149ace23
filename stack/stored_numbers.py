"""The numbers by which the database names states and kinds, for programs that read it without the product.

A test compares them with those of the product.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

PARCEL_SPAN: Final = 512
"""The ids of messages to a parcel."""
PARCEL_SIZE: Final = 500
"""The most messages of a parcel."""
ACCEPTED: Final = 20
"""The measure of accepted recipients."""


class BatchStatus(IntEnum):
    """The statuses of a batch."""

    OPEN = 0
    PAUSED = 1
    CANCELLED = 2


class ParcelState(IntEnum):
    """The states of a parcel."""

    SCHEDULED = 0
    DUE = 1
    CLAIMED = 2
    RETAINED = 3
    DONE = 4
    DISCARDED = 5
    EXPIRED = 6
    HELD = 7


class Lane(IntEnum):
    """The lanes of parcels."""

    TRANSACTIONAL = 0
    BULK = 1


class CampaignStatus(IntEnum):
    """The statuses of a campaign."""

    DRAFT = 0
    SCHEDULED = 1
    QUEUED = 2
    SENDING = 3
    PAUSED = 4
    SENT = 5
    FAILED = 6
    CANCELLED = 7


class EventKind(IntEnum):
    """The kinds of events."""

    SENT = 1
    REFUSED = 2
    DROPPED = 3
    STOPPED = 4
    DEFERRED = 5
    IN_DOUBT = 6
    DISCARDED = 7
    EXPIRED = 8
    RETAINED = 9
    HELD = 10
    UNSUBSCRIBED = 11
    RESUBSCRIBED = 14


class SuppressionKind(IntEnum):
    """The lists of suppressions."""

    GROUP = 1
    GLOBAL = 2
    BOUNCE = 3
    BLOCK = 4
    INVALID = 5
    SPAM = 6


class EngagementKind(IntEnum):
    """The kinds of events between a contact and a campaign."""

    DELIVERED = 1
    OPENED = 2
    CLICKED = 3
    BOUNCED = 4
    UNSUBSCRIBED = 5
    REPORTED_SPAM = 6
    BLOCKED = 7
    DROPPED = 8


class Series(IntEnum):
    """The series of counters."""

    ACCOUNT = 1
    BATCH = 2
    CATEGORY = 3
    GROUP = 4
    FAILURE = 5
    DOMAIN = 6
    TOTAL = 7


class DeliveryState(IntEnum):
    """The states of a delivery to an endpoint."""

    PENDING = 1
    DELIVERED = 2


def listed(*numbers: int) -> str:
    """Return numbers as SQL writes them behind `in`."""
    return f"({', '.join(str(int(number)) for number in numbers)})"


IS_LIVE: Final = f"state in {listed(ParcelState.SCHEDULED, ParcelState.DUE, ParcelState.CLAIMED, ParcelState.RETAINED)}"
"""The condition of a parcel whose mail is on its way. Mail that is held waits for a person."""
IS_ENDED: Final = f"state in {listed(ParcelState.DONE, ParcelState.DISCARDED, ParcelState.EXPIRED)}"
