"""The masks of kinds of events that endpoints get. Each dialect has its bits; -1 (`ALL_KINDS`) is all of them."""

from __future__ import annotations

from enum import IntFlag

from mailer.models import EventKind


class SendGridKind(IntFlag):
    """The bits of an endpoint of SendGrid's dialect, by the names of its settings in lower case."""

    PROCESSED = 1
    DELIVERED = 2
    DEFERRED = 4
    BOUNCE = 8
    DROPPED = 16
    OPEN = 32
    CLICK = 64
    SPAM_REPORT = 128
    UNSUBSCRIBE = 256
    GROUP_UNSUBSCRIBE = 512
    GROUP_RESUBSCRIBE = 1024
    ACCOUNT_STATUS_CHANGE = 2048
    """Only kept: an account has no such events here."""


def native_bit(kind: int) -> int:
    """Return the bit of a kind of event (`EventKind`) in the mask of an endpoint of the native dialect."""
    return 1 << kind


def native_mask(kinds: set[EventKind]) -> int:
    """Return the mask of some kinds of events for an endpoint of the native dialect."""
    return sum(native_bit(kind) for kind in kinds)
