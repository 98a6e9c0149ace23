"""Define the filters of a list of messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from accounts.models import Account
from batches.models import Batch
from batches.states import WAITING_STATES, ParcelState
from mailer.models import REPLY_CLASSES, Classification, ReplyClass

WAITING: Final = "waiting"
"""The filter of every message that may still be sent."""
MOVABLE: Final = frozenset(state.label for state in (*WAITING_STATES, ParcelState.CLAIMED))
"""The states of a message that may still be sent."""
IN_HAND: Final = frozenset({"held", "in_doubt"})
"""The states of a message that a person replays or drops."""
ENDED: Final = ("sent", "refused", "dropped", "stopped", "in_doubt", "discarded", "expired")
STATES: Final = (*(state.label for state in sorted({*WAITING_STATES, ParcelState.CLAIMED})), *ENDED)
"""All states of a message."""
DAY: Final = dt.timedelta(days=1)

ANY_REPLY: Final = "any"
REPLIES: Final[Mapping[str, tuple[str, frozenset[Classification]]]] = {
    ANY_REPLY: ("Any reply", frozenset(Classification)),
    **{
        f"class_{each.name.lower()}": (
            f"Class {each.label}",
            frozenset(one for one, reply_class in REPLY_CLASSES.items() if reply_class is each),
        )
        for each in ReplyClass
    },
    **{each.name.lower(): (str(each.label), frozenset({each})) for each in Classification},
}
"""The reply classes and classifications by their names in addresses of pages, with their titles."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Select the messages that meet all filters that are set.

    `text` is an address, an X-Message-Id, a Message-ID, the public id of a batch, or a message's id. `state` is one of
    `STATES`, or `WAITING`. `day` is the day of `send_at` in UTC. `domain` is that of the first recipient, as A-labels.
    `reply` is one of `REPLIES`: a peer has refused or deferred the message for this reason.
    """

    text: str = ""
    account: Account | None = None
    batch: Batch | None = None
    state: str = ""
    day: dt.date | None = None
    domain: str = ""
    reply: str = ""
    only: frozenset[str] | None = None
    """The states that an action can be carried out on; None: all."""

    @property
    def states(self) -> frozenset[str] | None:
        """Return the states that match, or None if all states match."""
        states = MOVABLE if self.state == WAITING else frozenset({self.state}) if self.state else None
        return states if self.only is None else self.only if states is None else self.only & states

    @property
    def classifications(self) -> frozenset[Classification] | None:
        """Return the classifications of replies that match, or None without a filter by replies."""
        return REPLIES[self.reply][1] if self.reply else None

    @property
    def times(self) -> tuple[dt.datetime, dt.datetime] | None:
        """Return the bounds of `send_at`, the second one exclusive; None without a day."""
        if self.day is None:
            return None
        midnight = dt.datetime.combine(self.day, dt.time(), dt.UTC)
        return midnight, midnight + DAY

    @property
    def is_empty(self) -> bool:
        """Return whether no filter is set."""
        return not self.as_query()

    def as_query(self) -> dict[str, str]:
        """Return the filters that are set as the parameters of a page's address."""
        values = {
            "q": self.text,
            "state": self.state,
            "account": self.account.username if self.account else "",
            "batch": self.batch.public_id if self.batch else "",
            "day": self.day.isoformat() if self.day else "",
            "domain": self.domain,
            "reply": self.reply,
        }
        return {name: value for name, value in values.items() if value}

    def describe(self) -> str:
        """Return the filters in words."""
        words = {
            "matching": self.text,
            "in state": self.state.replace("_", " "),
            "of account": self.account.username if self.account else "",
            "of batch": self.batch.public_id if self.batch else "",
            "for": self.day.isoformat() if self.day else "",
            "to": self.domain,
            "with reply": REPLIES[self.reply][0] if self.reply else "",
        }
        return "messages " + (", ".join(f"{name} {value}" for name, value in words.items() if value) or "of everybody")


def read_day(text: str) -> dt.date | None:
    """Return the day of a stored filter; None without a day."""
    return dt.date.fromisoformat(text) if text else None
