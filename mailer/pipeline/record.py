"""Record: what became of a slice is committed before the next look at the gate.

In: the outcomes of one slice. Out, in one transaction: events by COPY, counters and the mask on the parcels, retry
parcels. Everything is guarded by the claims' fences. After a crash before the commit the slice's bounds, which the look
had written, say which messages are in doubt; recording the same slice twice does nothing the second time.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction

from accounts.models import Account, DoubtPolicy
from batches import queries
from batches.claims import Claim, to_doubtful, to_members
from batches.models import Parcel
from batches.moving import find_waiting, settle_doubt, split_off, take_out
from batches.states import ParcelState
from foundation.clock import database_now
from foundation.prepared import fetch_prepared
from mailer.copying import EVENTS, copy_rows
from mailer.models import Event, EventKind, SuppressionKind
from mailer.suppressions.bounces import Bounce, find_bounces
from mailer.suppressions.lists import New, suppress
from mailer.transports.base import Dropped, InDoubt, NotSent, Outcome, Refused, Result, RetryAt, Sent

REPLY_LENGTH = 500
LONGEST_BOUNCED = 400
"""Characters of an address that is put on the list of bounces: an index must have room for it."""
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


class Happened(NamedTuple):
    """One event to be: of a message, for one recipient or for all of them (None)."""

    message_id: int
    kind: EventKind
    recipient: str | None
    reply: str


@dataclass(slots=True)
class Outcomes:
    """What became of one parcel's share of a slice. The masks' bits are numbered as in `Claim.members`."""

    claim: Claim
    counters: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    doubtful: int = 0
    deferred: int = 0
    remainder: int = 0
    resent: int = 0
    events: list[Happened] = field(default_factory=list)
    bounces: list[Bounce] = field(default_factory=list)

    @property
    def members_left(self) -> int:
        """The mask of what the parcel still has to send afterwards."""
        return self.claim.members & ~self.finished

    @property
    def doubtful_afterwards(self) -> int:
        """The mask of what of the parcel may have left and is not known to have."""
        return (self.claim.doubtful & ~self.finished) | self.doubtful

    def resend_doubt(self) -> None:
        """Let a replay parcel have the messages that came into doubt. Twice is as good as once."""
        self.counters["moved"] += self.doubtful.bit_count()
        self.counters["in_doubt"] -= self.doubtful.bit_count()
        self.resent |= self.doubtful
        self.doubtful = 0


def add_result(outcomes: Outcomes, result: Result, recipients: Sequence[str]) -> None:
    """Sort one message's result into its parcel's outcomes.

    A message counts as sent if any recipient was; those of its recipients who got a temporary failure are tried again
    by a parcel apart. A message of which nothing left, and that was not refused, stays in the parcel.
    """
    kind = _kind_of(result.outcomes)
    if kind is None:
        return
    bit = 1 << (result.message_id - outcomes.claim.first_message_id)
    outcomes.finished |= bit
    outcomes.counters[COUNTER_OF[kind]] += 1
    outcomes.events += _events_of(result, recipients)
    if kind is EventKind.REFUSED or len(recipients) > 1:
        outcomes.bounces += find_bounces(result, recipients)
    if kind is EventKind.SENT:
        if RetryAt in map(type, result.outcomes):
            outcomes.remainder |= bit
    elif kind is EventKind.IN_DOUBT:
        outcomes.doubtful |= bit
    elif kind is EventKind.DEFERRED:
        outcomes.deferred |= bit


def _kind_of(outcomes: Sequence[Outcome]) -> EventKind | None:
    """What a message is counted as: its recipients' strongest outcome; None when it is still to be sent."""
    if len(outcomes) == 1:
        return EVENT_OF.get(type(outcomes[0]))
    kinds = {type(outcome) for outcome in outcomes}
    if Sent in kinds:
        return EventKind.SENT
    if InDoubt in kinds:
        return EventKind.IN_DOUBT
    if NotSent in kinds:
        return None
    if RetryAt in kinds:
        return EventKind.DEFERRED
    return EventKind.REFUSED if Refused in kinds else EventKind.DROPPED


def _events_of(result: Result, recipients: Sequence[str]) -> list[Happened]:
    """One event for all recipients when they fared alike, else one each."""
    first = result.outcomes[0]
    if len(set(map(type, result.outcomes))) == 1 and not (isinstance(first, Dropped) and len(set(result.outcomes)) > 1):
        return [Happened(result.message_id, EVENT_OF[type(first)], None, _reply(first))]
    return [
        Happened(result.message_id, EVENT_OF[type(outcome)], recipient, _reply(outcome))
        for recipient, outcome in zip(recipients, result.outcomes, strict=True)
        if type(outcome) in EVENT_OF
    ]


def _reply(outcome: Outcome) -> str:
    text = outcome.reason if isinstance(outcome, InDoubt | NotSent | Dropped) else outcome.reply
    return text.replace("\0", " ")[:REPLY_LENGTH]


def record_slice(slices: Sequence[Outcomes]) -> list[Claim]:
    """Commit a slice. Returns the claims that were no longer ours: what was sent of them is stored all the same."""
    with transaction.atomic():
        for item in slices:
            if item.doubtful and is_resent(item.claim):
                item.resend_doubt()
        ours, now = _update_parcels(slices)
        recorded = ours | _recorded_before([item for item in slices if item.claim.parcel_id not in ours])
        late = [item for item in slices if item.claim.parcel_id not in recorded]
        fresh = [item for item in slices if item.claim.parcel_id in ours]
        events = [(item.claim.fence, event) for item in fresh for event in item.events]
        for item in late:
            events += [(item.claim.fence, event) for event in correct_late(item)]
        copy_events(events, now)
        suppress(bounce for item in slices for bounce in _suppressions(item))
        for item in fresh:
            _insert_retries(item, now)
    for item in slices:
        item.claim.members = item.members_left
    return [item.claim for item in late]


def _update_parcels(slices: Sequence[Outcomes]) -> tuple[set[int], dt.datetime]:
    rows = fetch_prepared(
        queries.RECORD,
        {
            **_names_of(slices),
            "members": [to_members(item.members_left) for item in slices],
            "doubtful": [to_doubtful(item.doubtful_afterwards) for item in slices],
            "is_last": [not item.members_left for item in slices],
            **{name: [item.counters[name] for item in slices] for name in queries.COUNTERS},
        },
    )
    for item in slices:
        item.claim.doubtful = item.doubtful_afterwards
    return {row[0] for row in rows}, rows[0][1] if rows else database_now()


def _names_of(slices: Sequence[Outcomes]) -> dict[str, list[int]]:
    """What a slice is known by: its parcel, the claim's fence, its number."""
    return {
        "parcels": [item.claim.parcel_id for item in slices],
        "fences": [item.claim.fence for item in slices],
        "numbers": [item.claim.slice_no for item in slices],
    }


def _recorded_before(slices: Sequence[Outcomes]) -> set[int]:
    if not slices:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(queries.WAS_RECORDED, _names_of(slices))
        return {row[0] for row in cursor.fetchall()}


def copy_events(events: Iterable[tuple[int, Happened]], at: dt.datetime) -> None:
    """Write events, each with the fence under which it happened, in the order of their messages."""
    ordered = sorted(events, key=lambda item: item[1].message_id)
    moment = at.isoformat()  # once, and not for each row
    if ordered:
        copy_rows(
            EVENTS,
            (
                (event.message_id, int(event.kind), moment, fence, event.recipient, event.reply or None)
                for fence, event in ordered
            ),
        )


def _suppressions(item: Outcomes) -> Iterator[New]:
    """Of those whose servers say that they do not exist."""
    claim = item.claim
    for message_id, recipient, status, reply in item.bounces:
        if len(recipient) <= LONGEST_BOUNCED:
            yield New(
                account_id=claim.account_id,
                email=recipient,
                kind=SuppressionKind.BOUNCE,
                reason=reply.replace("\0", " ")[:REPLY_LENGTH],
                status=status,
                batch_id=claim.batch_id,
                message_id=message_id,
            )


def _insert_retries(item: Outcomes, now: dt.datetime) -> None:
    """Retry parcels: one for messages that wholly wait for another try, one for the rest of half-sent ones, one for
    those in doubt that are to be sent again."""
    claim, due_at = item.claim, now + backoff(item.claim.attempts)
    for mask, is_remainder, is_replay in (
        (item.deferred, claim.is_remainder, claim.is_replay),
        (item.remainder, True, claim.is_replay),
        (item.resent, claim.is_remainder, True),
    ):
        if mask:
            split_off(
                claim,
                mask,
                state=ParcelState.SCHEDULED,
                due_at=due_at,
                attempts=claim.attempts + 1,
                is_remainder=is_remainder,
                is_replay=is_replay,
            )


def is_resent(holder: Claim | Parcel) -> bool:
    """Whether the account wants its mail in doubt sent again, and there is still time for it."""
    policy = Account.objects.values_list("doubt_policy", flat=True).get(pk=holder.account_id)
    limit = dt.timedelta(seconds=settings.RETRY_LIMIT_SECONDS)
    return policy == DoubtPolicy.RESEND and database_now() < holder.send_at + limit


def backoff(attempts: int) -> dt.timedelta:
    """How long to wait after so many failed tries: doubled each time, to a limit (RFC 5321 section 4.5.4.1)."""
    seconds = settings.RETRY_FIRST_SECONDS * 2 ** min(attempts, 20)
    return dt.timedelta(seconds=min(seconds, settings.RETRY_LONGEST_SECONDS))


def correct_late(item: Outcomes) -> list[Happened]:
    """A record that came after its claim had been broken: the rescuer has put the slice in doubt, this worker knows
    better. Moves what it knows from doubt to sent, refused or dropped; returns the events that are not stored yet.

    What the rescuer had from the hand-over note stands under the same fence: it is the same hand-over, not a double.
    What waits to be sent again, and no worker has claimed yet, is not sent again.
    """
    finals = (EventKind.SENT, EventKind.REFUSED, EventKind.DROPPED)
    told = set(
        Event.objects.filter(
            message_id__in={event.message_id for event in item.events}, fence=item.claim.fence, kind__in=finals
        ).values_list("message_id", flat=True)
    )
    known = [event for event in item.events if event.kind in finals and event.message_id not in told]
    # The strongest last, so that it stands.
    kinds = {event.message_id: event.kind for event in sorted(known, key=lambda event: -event.kind)}
    for message_id, kind in sorted(kinds.items()):
        counter = COUNTER_OF[kind]
        bit = 1 << (message_id - item.claim.first_message_id)
        parcel = Parcel.objects.select_for_update().get(pk=item.claim.parcel_id)
        if not settle_doubt(parcel, bit, counter):
            waiting = find_waiting(item.claim.base, bit)
            if waiting is not None:
                take_out(waiting, bit, counter)
    return known
