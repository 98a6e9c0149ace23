"""Sort the results of a slice into the outcomes of its parcels, and make their events.

Nothing is read or written here: `record.py` commits the outcomes.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import NamedTuple

from batches.claims import Claim, bits
from foundation.addresses import domain_key
from mailer.models import EventKind, SuppressionKind
from mailer.outcomes.classes import code_of, judge_reply
from mailer.outcomes.providers import REST, group_of
from mailer.outcomes.writing import Entry, NewEvent
from mailer.pipeline.cargo import Earlier
from mailer.transports.base import Dropped, InDoubt, NotSent, Outcome, Refused, Result, RetryAt, Sent

REPLY_LENGTH = 500
UNSTORABLE = {0: " ", ord("\n"): " "}
"""The characters that a stored reply cannot have: PostgreSQL has no NUL, and a line end separates packed replies."""
LONGEST_DOMAIN = 255
"""The most characters of a domain that is counted (RFC 5321 section 4.5.3.1.2). The key of a counter is in an index."""
FINALS = (EventKind.SENT, EventKind.REFUSED, EventKind.DROPPED)
COUNTER_OF = {
    EventKind.SENT: "sent",
    EventKind.REFUSED: "refused",
    EventKind.DROPPED: "dropped",
    EventKind.IN_DOUBT: "in_doubt",
    EventKind.DEFERRED: "moved",
}
EVENT_OF: dict[type[Outcome], EventKind] = {
    Sent: EventKind.SENT,
    Refused: EventKind.REFUSED,
    Dropped: EventKind.DROPPED,
    RetryAt: EventKind.DEFERRED,
    InDoubt: EventKind.IN_DOUBT,
}


class Destination(NamedTuple):
    """The kind of parcel that gets messages which are still to be sent, at least to some of their recipients."""

    is_remainder: bool
    is_replay: bool
    is_at_once: bool
    """True: due now, and no attempt is used up, since the peer gave no reply for them. False: due after a backoff."""


@dataclass(slots=True)
class Outcomes:
    """The outcomes of one parcel's share of a slice. The masks' bits are numbered as in `Claim.members`."""

    claim: Claim
    counters: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    """The messages that this parcel no longer has to send."""
    doubtful: int = 0
    """The finished messages that end in doubt."""
    half_doubtful: int = 0
    """The finished messages that were sent to some of their recipients and are in doubt for the others."""
    resendable: int = 0
    """The finished messages that may be sent again now to recipients in doubt, if the account wants that."""
    moves: dict[Destination, int] = field(default_factory=dict)
    """The messages that other parcels take over."""
    sent: list[tuple[int, str]] = field(default_factory=list)
    """The messages that were sent to their only recipients, by id, with the replies."""
    groups: Counter[str] = field(default_factory=Counter)
    """The number of these messages by provider group."""
    events: list[NewEvent] = field(default_factory=list)
    """The events of all other messages."""
    resent: list[NewEvent] = field(default_factory=list)
    """The decisions to send messages in doubt again; they belong to no claim."""
    recipients: dict[int, Sequence[str]] = field(default_factory=dict)
    """The recipients, by message id, of messages to several recipients that have one event for all of them."""
    listed: list[tuple[str, NewEvent]] = field(default_factory=list)
    """The recipients whom a refusal puts on a list, each with the event."""
    categories: Sequence[str] | None = None
    """The categories of the parcel's mail, if they are known."""
    is_encrypted: bool | None = None
    """Whether the connections that the slice used were encrypted (`Transport.is_encrypted`)."""

    def entries_at(self, now: dt.datetime) -> list[Entry]:
        """Return the events of this parcel as they are written at this time."""
        under_claim = Entry(
            self.claim,
            self.claim.fence,
            events=self.events,
            sent=sorted(self.sent),
            groups=self.groups,
            categories=self.categories,
            late=self._late_at(now),
            is_encrypted=self.is_encrypted,
        )
        if not self.resent:
            return [under_claim]
        return [under_claim, Entry(self.claim, 0, events=self.resent, categories=self.categories)]

    def _late_at(self, now: dt.datetime) -> dt.timedelta | None:
        """Return how late the messages are sent; None if they were tried before. No pause makes mail late."""
        claim = self.claim
        if claim.attempts or claim.is_replay or claim.is_remainder:
            return None
        return now - (claim.open_since or claim.send_at)

    @property
    def members_left(self) -> int:
        """Return the mask of the messages that the parcel still has to send afterwards."""
        return self.claim.members & ~self.finished

    @property
    def doubtful_afterwards(self) -> int:
        """Return the mask of messages of the parcel that may have been sent and are not known to have been."""
        return (self.claim.doubtful & ~self.finished) | self.doubtful

    @property
    def moved(self) -> int:
        """Return the mask of messages that another parcel still has to send to some recipients."""
        return reduce(or_, self.moves.values(), 0)

    def move(self, mask: int, *, is_remainder: bool, is_replay: bool, is_at_once: bool) -> None:
        """Move these messages to a parcel of this kind."""
        if mask:
            kind = Destination(is_remainder, is_replay, is_at_once)
            self.moves[kind] = self.moves.get(kind, 0) | mask

    def resend_doubt(self) -> None:
        """Move the messages that came into doubt to replay parcels. Doing this twice changes nothing."""
        self.counters["moved"] += self.doubtful.bit_count()
        self.counters["in_doubt"] -= self.doubtful.bit_count()
        self.move(self.doubtful, is_remainder=self.claim.is_remainder, is_replay=True, is_at_once=False)
        self.move(self.half_doubtful, is_remainder=True, is_replay=True, is_at_once=False)
        first_id = self.claim.first_message_id
        self.resent += [sent_again(first_id + n, "the account wants it sent again") for n in bits(self.resendable)]
        self.doubtful = self.half_doubtful = self.resendable = 0


def sent_again(message_id: int, why: str) -> NewEvent:
    """Return the event that lets a message be sent again to the recipients for whom it is in doubt.

    It is stored with fence 0, since it happens under no claim, and it counts for no recipient.
    """
    return NewEvent(message_id, EventKind.DEFERRED, reply=f"in doubt; {why}", recipients=0)


def add_result(outcomes: Outcomes, result: Result, recipients: Sequence[str], earlier: Earlier | None = None) -> None:
    """Sort one message's result into its parcel's outcomes; `earlier` has the outcomes of earlier tries.

    A message counts as sent if it was sent to any recipient. Another parcel sends it to recipients with a temporary
    failure, and to recipients without a reply while others had an outcome. A message that was neither sent nor refused
    stays in the parcel.
    """
    first = result.outcomes[0] if result.outcomes else None
    if earlier is None and type(first) is Sent and len(result.outcomes) == 1:  # nearly always
        outcomes.finished |= 1 << (result.message_id - outcomes.claim.first_message_id)
        outcomes.counters["sent"] += 1
        outcomes.sent.append((result.message_id, _reply(first)))
        outcomes.groups[group_of(recipients[0]) if recipients else REST] += 1
        return
    kinds = set(map(type, result.outcomes))
    if NotSent in kinds and kinds <= {NotSent, RetryAt}:
        return
    bit = 1 << (result.message_id - outcomes.claim.first_message_id)
    outcomes.finished |= bit
    _add_events(outcomes, result, recipients, is_part=earlier is not None)
    kind = _count(outcomes, kinds, earlier)
    _assign(outcomes, bit, kinds, kind, is_doubted=InDoubt in kinds or _has(earlier, EventKind.IN_DOUBT))


def _count(outcomes: Outcomes, kinds: set[type[Outcome]], earlier: Earlier | None) -> EventKind:
    """Count a message as the strongest outcome of its recipients, and return it: deferred while a recipient is left.

    The messages of a remainder are counted in another parcel, so only their doubt matters.
    """
    if Sent in kinds or (_has(earlier, EventKind.SENT) and not outcomes.claim.is_remainder):
        kind = EventKind.SENT
    elif NotSent in kinds or RetryAt in kinds:
        kind = EventKind.DEFERRED
    elif InDoubt in kinds or _has(earlier, EventKind.IN_DOUBT):
        kind = EventKind.IN_DOUBT
    elif Refused in kinds or _has(earlier, EventKind.REFUSED):
        kind = EventKind.REFUSED
    else:
        kind = EventKind.DROPPED
    outcomes.counters[COUNTER_OF[kind]] += 1
    return kind


def _has(earlier: Earlier | None, kind: EventKind) -> bool:
    return earlier is not None and kind in earlier.kinds


def _assign(outcomes: Outcomes, bit: int, kinds: set[type[Outcome]], kind: EventKind, *, is_doubted: bool) -> None:
    """Decide which parcel has the message next, so that it is never in two of them.

    Another parcel gets it while it is still to be sent to some recipients. Otherwise, if it is in doubt for a
    recipient, a person decides.
    """
    claim = outcomes.claim
    is_at_once = NotSent in kinds
    if is_at_once or RetryAt in kinds:
        outcomes.move(
            bit,
            is_remainder=claim.is_remainder or kind is EventKind.SENT,
            is_replay=claim.is_replay or is_doubted,
            is_at_once=is_at_once,
        )
    elif is_doubted and kind is EventKind.SENT:
        outcomes.half_doubtful |= bit
    elif is_doubted:
        outcomes.doubtful |= bit
    if is_doubted and not is_at_once:
        outcomes.resendable |= bit


def _add_events(outcomes: Outcomes, result: Result, recipients: Sequence[str], *, is_part: bool) -> None:
    """Add one event for all recipients of the message if their outcomes are alike, else one event for each."""
    group = group_of(recipients[0]) if recipients else REST
    # A message that could not be composed has one outcome, however many recipients it has.
    addresses = [*recipients, *("" for _ in result.outcomes)]
    events = [
        _event_of(result.message_id, outcome, address, group)
        for outcome, address in zip(result.outcomes, addresses, strict=False)
    ]
    outcomes.listed += [
        (recipient, event)
        for recipient, event in zip(recipients, events, strict=False)
        if event is not None and event.kind is EventKind.REFUSED and event.suppression is not None
    ]
    first = events[0] if events else None
    if first is not None and _are_alike(events) and not (is_part and recipients):
        domains = tuple(domain for event in events if event for domain in event.domains)
        outcomes.events.append(first._replace(recipients=len(events), domains=domains))
        if len(recipients) > 1:
            outcomes.recipients[result.message_id] = recipients
        return
    outcomes.events += [
        event._replace(recipient=recipient)
        for recipient, event in zip(recipients, events, strict=True)
        if event is not None
    ]


def _event_of(message_id: int, outcome: Outcome, recipient: str, group: str) -> NewEvent | None:
    """Return the event of an outcome of one recipient; None if nothing has happened."""
    kind = EVENT_OF.get(type(outcome))
    if kind is None:
        return None
    is_attempt = isinstance(outcome, Sent | RetryAt) or (isinstance(outcome, Refused) and not outcome.is_ours)
    event = NewEvent(message_id, kind, reply=_reply(outcome), group=group, is_attempt=is_attempt)
    if isinstance(outcome, Dropped):
        return event._replace(suppression=None if outcome.suppression is None else SuppressionKind(outcome.suppression))
    if isinstance(outcome, Refused | RetryAt):
        is_of_recipient = isinstance(outcome, Refused) and outcome.is_of_recipient
        judgement = judge_reply(event.reply, is_of_recipient=is_of_recipient, recipient=recipient)
        return event._replace(
            classification=judgement.classification,
            suppression=judgement.suppression if kind is EventKind.REFUSED else None,
            status=judgement.status or code_of(event.reply),
            domains=domains_of(kind, recipient),
        )
    return event


def domains_of(kind: EventKind, recipient: str) -> tuple[str, ...]:
    """Return the domain of a recipient in its canonical form, if the recipient was refused."""
    _, _, domain = recipient.rpartition("@")
    return (domain_key(domain)[:LONGEST_DOMAIN],) if domain and kind is EventKind.REFUSED else ()


def _are_alike(events: Sequence[NewEvent | None]) -> bool:
    """Return whether one event can describe all recipients. It has the reply for the first of them."""
    kinds = {event and (event.kind, event.classification, event.is_attempt, _why_dropped(event)) for event in events}
    return len(kinds) == 1


def _why_dropped(event: NewEvent) -> tuple[SuppressionKind | None, str]:
    return event.suppression, event.reply if event.kind is EventKind.DROPPED else ""


def _reply(outcome: Outcome) -> str:
    text = outcome.reason if isinstance(outcome, InDoubt | NotSent | Dropped) else outcome.reply
    # The characters are searched for first: translating a reply takes ten times as long, and few replies have them.
    if "\n" in text or "\0" in text:
        text = text.translate(UNSTORABLE)
    return text[:REPLY_LENGTH]
