"""Define the masks of kinds of events. Each dialect has its bits; -1 (`ALL_KINDS`) stands for all of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import IntFlag
from typing import Final

from events.models import ALL_KINDS, Dialect
from mailer.models import EventKind, LateKind


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
    """These bits are stored and have no effect: an account has no such events here."""


def native_bit(kind: int) -> int:
    """Return the bit of an `EventKind` or a `LateKind` in the mask of an endpoint of the native dialect."""
    return 1 << kind


BITS: Final[Mapping[str, Mapping[str, int]]] = {
    Dialect.SENDGRID: {kind.name.lower(): int(kind) for kind in SendGridKind if kind.name},
    Dialect.NATIVE: {kind.name.lower(): native_bit(kind) for kind in (*EventKind, *LateKind)},
}
"""The bits of each dialect by the names of the kinds."""


def mask_of(dialect: str, names: Collection[str] | None) -> int:
    """Return the mask of some kinds of events of a dialect; None means all. Raises KeyError for an unknown name."""
    return ALL_KINDS if names is None else sum(BITS[dialect][name] for name in set(names))


def names_in(dialect: str, mask: int) -> list[str] | None:
    """Return the names of the kinds of events in a mask of a dialect, or None for all of them."""
    return None if mask == ALL_KINDS else [name for name, bit in BITS[dialect].items() if mask & bit]
