"""Count whom a campaign would reach if it were launched now, and why each other contact would be left out.

The statement decides as the one that expands an audience does: a contact without an address gets nothing, nor does one
with a suppression. A suppression that is added between the launch and the delivery of a message also keeps it back;
nobody can count that in advance.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from django.db import connection

from audience.contacts import count_contacts
from audience.locks import expensive_call
from campaigns import recipient_queries as queries
from campaigns.models import Campaign
from campaigns.selection import Selection, select_audience
from mailer.models import SuppressionKind
from mailer.suppressions.check import REASONS

HIGHEST: Final = 2**63 - 1


class Exclusion(Enum):
    """The reason why a contact of the audience gets no message. The first that applies is counted."""

    NO_ADDRESS = "no address"
    INVALID = "invalid address"
    BOUNCE = "bounced"
    SPAM = "reported spam"
    GLOBAL = "unsubscribed from all mail"
    GROUP = "unsubscribed from the group"


BY_KIND: Final = {SuppressionKind[reason.name]: reason for reason in Exclusion if reason is not Exclusion.NO_ADDRESS}
RANKS: Final = {kind: rank for rank, kind in enumerate(REASONS, start=1)}
"""The kinds of suppressions by strength, the strongest first; 0 is the rank of a contact without an address."""
BY_RANK: Final = {0: Exclusion.NO_ADDRESS} | {rank: BY_KIND[kind] for kind, rank in RANKS.items()}


@dataclass(frozen=True, slots=True)
class Reach:
    """The contacts of an audience: those who would get a message, and the others by reason.

    `duplicates` counts the further appearances of contacts that are on several lists, or on a list and in a segment.
    Each of these contacts gets one message.
    """

    recipients: int
    exclusions: dict[Exclusion, int]
    duplicates: int

    @property
    def left_out(self) -> int:
        """Return the number of contacts who would get no message."""
        return sum(self.exclusions.values())

    @property
    def contacts(self) -> int:
        """Return the number of contacts, each counted once."""
        return self.recipients + self.left_out


def count_reach(campaign: Campaign) -> Reach:
    """Count the current audience of a campaign. Raises SearchTooSlow and TooManyCalls."""
    with expensive_call(campaign.account_id):
        return _count(campaign, after=0, through=HIGHEST)


def find_exclusion(campaign: Campaign, contact_id: int) -> Exclusion | None:
    """Return why a contact of the audience would be left out, or None if it would get a message.

    The caller limits the time. Raises LookupError if the contact does not belong to the audience.
    """
    reach = _count(campaign, after=contact_id - 1, through=contact_id)
    if not reach.contacts:
        raise LookupError(contact_id)
    return next(iter(reach.exclusions), None)


def bound_audience(campaign: Campaign) -> int:
    """Return the most contacts that a campaign can have, by the kept counts of its lists or of the account."""
    if campaign.is_to_all:
        return count_contacts(campaign.account)
    audience = campaign.read_audience()
    return count_contacts(campaign.account) if audience.segments else sum(audience.lists.values())


def _count(campaign: Campaign, *, after: int, through: int) -> Reach:
    """Count the contacts with ids above `after` and up to `through`."""
    chosen: Selection = select_audience(campaign, is_paged=False)
    parameters: dict[str, Any] = chosen.parameters | {
        "account": campaign.account_id,
        "group": campaign.suppression_group_id,
        "through": after,
        "last_contact": through,
    }
    with connection.cursor() as cursor:
        cursor.execute(queries.count_reach(chosen.every, RANKS), parameters)
        rows: list[tuple[int | None, int, int]] = cursor.fetchall()
    counts = {rank: contacts for rank, contacts, _ in rows}
    return Reach(
        recipients=counts.get(None, 0),
        exclusions={reason: counts[rank] for rank, reason in BY_RANK.items() if rank in counts},
        duplicates=sum(appearances - contacts for _, contacts, appearances in rows),
    )
