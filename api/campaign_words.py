"""Define what each API calls the statuses of campaigns, and which moves it allows.

The table `WORDS` has the word of every API for every status of the core. The table `ALLOWED` has the statuses from
which an API lets its callers make a move. They are some of those that the core allows, and are passed to the core as
`allowed_from`. A failed campaign can be sent again only where the API has a word for that.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from campaigns.states import CampaignStatus as Status


class Dialect(enum.Enum):
    """An API that has campaigns."""

    LEGACY = "SendGrid's legacy campaigns"
    SINGLE_SENDS = "SendGrid's Single Sends"
    EASYMAIL = "Easymail"
    SOAP = "Marketing Cloud's SOAP"


class Move(enum.Enum):
    """A change that a caller can make to a campaign."""

    EDIT = "edit"
    SCHEDULE = "schedule"
    RESCHEDULE = "give another time"
    UNSCHEDULE = "unschedule"
    SEND_NOW = "send now"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    DELETE = "delete"


WORDS: Final[Mapping[Dialect, Mapping[Status, str]]] = {
    Dialect.LEGACY: {
        Status.DRAFT: "Draft",
        Status.SCHEDULED: "Scheduled",
        Status.QUEUED: "In Progress",
        Status.SENDING: "In Progress",
        Status.PAUSED: "Paused",
        Status.SENT: "Sent",
        Status.FAILED: "Canceled",
        Status.CANCELLED: "Canceled",
    },
    Dialect.SINGLE_SENDS: {
        Status.DRAFT: "draft",
        Status.SCHEDULED: "scheduled",
        Status.QUEUED: "triggered",
        Status.SENDING: "triggered",
        Status.PAUSED: "triggered",
        Status.SENT: "triggered",
        Status.FAILED: "triggered",
        Status.CANCELLED: "triggered",
    },
    Dialect.EASYMAIL: {
        Status.DRAFT: "draft",
        Status.SCHEDULED: "scheduled",
        Status.QUEUED: "queued",
        Status.SENDING: "sending",
        Status.PAUSED: "sending",
        Status.SENT: "sent",
        Status.FAILED: "failed",
        Status.CANCELLED: "canceled",
    },
    Dialect.SOAP: {
        Status.DRAFT: "New",
        Status.SCHEDULED: "Scheduled",
        Status.QUEUED: "Sending",
        Status.SENDING: "Sending",
        Status.PAUSED: "Paused",
        Status.SENT: "Complete",
        Status.FAILED: "Error",
        Status.CANCELLED: "Canceled",
    },
}

EVERY: Final = frozenset(Status)
DRAFTS: Final = frozenset({Status.DRAFT})
SCHEDULED: Final = frozenset({Status.SCHEDULED})
NOT_BEGUN: Final = DRAFTS | SCHEDULED
STARTABLE: Final = NOT_BEGUN | {Status.FAILED}

ALLOWED: Final[Mapping[Dialect, Mapping[Move, frozenset[Status]]]] = {
    Dialect.LEGACY: {
        Move.EDIT: DRAFTS,
        Move.SCHEDULE: DRAFTS,
        Move.RESCHEDULE: SCHEDULED,
        Move.UNSCHEDULE: SCHEDULED,
        Move.SEND_NOW: DRAFTS,
        Move.DELETE: EVERY,
    },
    Dialect.SINGLE_SENDS: {
        Move.EDIT: DRAFTS,
        Move.SCHEDULE: NOT_BEGUN,
        Move.UNSCHEDULE: SCHEDULED,
        Move.SEND_NOW: NOT_BEGUN,
        Move.DELETE: EVERY,
    },
    Dialect.EASYMAIL: {
        Move.EDIT: STARTABLE,
        Move.SCHEDULE: STARTABLE,
        Move.UNSCHEDULE: SCHEDULED,
        Move.SEND_NOW: STARTABLE,
        # Easymail shows a paused campaign as sending, and a sending campaign can be cancelled.
        Move.CANCEL: frozenset({Status.QUEUED, Status.SENDING, Status.PAUSED}),
        Move.DELETE: frozenset({Status.DRAFT, Status.SENT, Status.FAILED, Status.CANCELLED}),
    },
    Dialect.SOAP: {
        Move.SCHEDULE: DRAFTS,
        Move.RESCHEDULE: SCHEDULED,
        Move.SEND_NOW: DRAFTS,
        Move.PAUSE: frozenset({Status.QUEUED, Status.SENDING}),
        Move.RESUME: frozenset({Status.PAUSED}),
        Move.CANCEL: frozenset({Status.SCHEDULED, Status.QUEUED, Status.SENDING, Status.PAUSED}),
    },
}
"""The statuses from which each API allows a move. An API does not have the moves that are missing here."""


def word_for(status: int, dialect: Dialect) -> str:
    """Return the word of an API for a status."""
    return WORDS[dialect][Status(status)]


def statuses_called(word: str, dialect: Dialect) -> frozenset[Status]:
    """Return the statuses for which an API has this word; an empty set if the API does not have the word."""
    return frozenset(status for status, name in WORDS[dialect].items() if name == word)


def may(move: Move, dialect: Dialect) -> frozenset[Status]:
    """Return the statuses from which an API lets its callers make a move."""
    return ALLOWED[dialect][move]
