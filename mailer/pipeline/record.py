"""Record: commit the outcomes of a slice before the next look at the gate.

In: the outcomes of one slice. Out, in one transaction: the mask and counts on the parcels, retry parcels, suppressions,
events and their counters. Everything is guarded by the claims' fences. After a crash before the commit the slice's
bounds, which the look had written, say which messages are in doubt; recording the same slice twice does nothing the
second time.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction

from accounts.models import Account, DoubtPolicy
from batches import queries
from batches.claims import Claim, bits, to_doubtful, to_members
from batches.models import Parcel
from batches.moving import find_waiting, keep_doubt, settle_doubt, split_off, take_out
from batches.states import ParcelState
from foundation.addresses import domain_key
from foundation.clock import database_now
from foundation.prepared import fetch_prepared
from mailer.models import EventKind, Measure, SuppressionKind
from mailer.outcomes.classes import code_of, judge_reply
from mailer.outcomes.counters import lateness_of
from mailer.outcomes.providers import REST, group_of
from mailer.outcomes.reading import read_events
from mailer.outcomes.writing import Entry, NewEvent, write_events
from mailer.pipeline.cargo import Earlier, load_messages
from mailer.suppressions.lists import New, suppress
from mailer.transports.base import Dropped, InDoubt, NotSent, Outcome, Refused, Result, RetryAt, Sent

REPLY_LENGTH = 500
UNSTORABLE = {0: " ", ord("\n"): " "}
"""The characters that a stored reply cannot have: PostgreSQL has no NUL, and a line end parts packed replies."""
LONGEST_LISTED = 400
"""The most characters of an address that is put on a list: an index must have room for it."""
LONGEST_DOMAIN = 255
"""The most characters of a domain that is counted (RFC 5321 section 4.5.3.1.2). The key of a counter is in an index."""
ASSUMED_STATUS: Mapping[SuppressionKind | None, str] = {
    SuppressionKind.BOUNCE: "5.1.1",
    SuppressionKind.INVALID: "5.1.3",
}
"""The enhanced status code of a refusal without one (RFC 3463), by the list that it puts the recipient on."""
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
    """The messages that leave this parcel."""
    doubtful: int = 0
    """The finished messages that end in doubt."""
    half_doubtful: int = 0
    """The finished messages that were sent to some of their recipients and are in doubt for the others."""
    resendable: int = 0
    """The finished messages that may be sent again now to recipients in doubt, if the account wants that."""
    moves: dict[Destination, int] = field(default_factory=dict)
    """The messages that other parcels get."""
    sent: list[tuple[int, str]] = field(default_factory=list)
    """The messages that were sent to their only recipients, by id, with the replies."""
    groups: Counter[str] = field(default_factory=Counter)
    """The number of these messages by provider group."""
    events: list[NewEvent] = field(default_factory=list)
    """The events of all other messages."""
    resent: list[NewEvent] = field(default_factory=list)
    """The decisions to send messages in doubt again; they belong to no claim."""
    recipients: dict[int, Sequence[str]] = field(default_factory=dict)
    """The recipients by message id, of messages to several whose one event is about all of them."""
    listed: list[tuple[str, NewEvent]] = field(default_factory=list)
    """The recipients whom a refusal puts on a list, each with the event."""
    categories: Sequence[str] | None = None
    """The categories of the parcel's mail, if they are known."""

    def entries_at(self, now: dt.datetime) -> list[Entry]:
        """Return the events of this parcel as they are written at this time."""
        under_claim = Entry(
            self.claim,
            self.claim.fence,
            events=self.events,
            sent=sorted(self.sent),
            groups=self.groups,
            categories=self.categories,
            lateness=self._lateness_at(now),
        )
        if not self.resent:
            return [under_claim]
        return [under_claim, Entry(self.claim, 0, events=self.resent, categories=self.categories)]

    def _lateness_at(self, now: dt.datetime) -> Measure | None:
        """Return how late its messages are sent; None if they were tried before. No pause makes mail late."""
        claim = self.claim
        if claim.attempts or claim.is_replay or claim.is_remainder:
            return None
        return lateness_of(now - (claim.open_since or claim.send_at))

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
        """Let a parcel of this kind have these messages."""
        if mask:
            kind = Destination(is_remainder, is_replay, is_at_once)
            self.moves[kind] = self.moves.get(kind, 0) | mask

    def resend_doubt(self) -> None:
        """Let replay parcels have the messages that came into doubt. Twice is as good as once."""
        self.counters["moved"] += self.doubtful.bit_count()
        self.counters["in_doubt"] -= self.doubtful.bit_count()
        self.move(self.doubtful, is_remainder=self.claim.is_remainder, is_replay=True, is_at_once=False)
        self.move(self.half_doubtful, is_remainder=True, is_replay=True, is_at_once=False)
        first = self.claim.first_message_id
        self.resent += [sent_again(first + n, "the account wants it sent again") for n in bits(self.resendable)]
        self.doubtful = self.half_doubtful = self.resendable = 0


def sent_again(message_id: int, why: str) -> NewEvent:
    """Return the event that lets a message be sent again to the recipients for whom it is in doubt.

    It is stored with fence 0, for it happens under no claim, and it counts for no recipient.
    """
    return NewEvent(message_id, EventKind.DEFERRED, reply=f"in doubt; {why}", recipients=0)


def add_result(outcomes: Outcomes, result: Result, recipients: Sequence[str], earlier: Earlier | None = None) -> None:
    """Sort one message's result into its parcel's outcomes; `earlier` has the outcomes of earlier tries.

    A message counts as sent if any recipient was. Another parcel sends it to recipients who got a temporary failure,
    and to recipients without a reply while others had an outcome. A message that was sent to nobody, and that was not
    refused, stays in the parcel.
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
    _dispose(outcomes, bit, kinds, kind, is_doubted=InDoubt in kinds or _has(earlier, EventKind.IN_DOUBT))


def _count(outcomes: Outcomes, kinds: set[type[Outcome]], earlier: Earlier | None) -> EventKind:
    """Count a message as its recipients' strongest outcome, and return that: deferred while somebody is left.

    A remainder counts for nothing, so that its own doubt is what matters there.
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


def _dispose(outcomes: Outcomes, bit: int, kinds: set[type[Outcome]], kind: EventKind, *, is_doubted: bool) -> None:
    """Decide where the message goes, so that it is never in two places.

    It goes to another parcel while it is still to be sent to some recipients, else to a person if it is in doubt for
    somebody.
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
    """Add one event for all recipients of the message when they fared alike, else one each."""
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
    event = NewEvent(message_id, kind, reply=_reply(outcome), group=group)
    if isinstance(outcome, Dropped):
        return event._replace(suppression=None if outcome.suppression is None else SuppressionKind(outcome.suppression))
    if isinstance(outcome, Refused | RetryAt):
        is_of_recipient = isinstance(outcome, Refused) and outcome.is_of_recipient
        judgement = judge_reply(event.reply, is_of_recipient=is_of_recipient, recipient=recipient)
        return event._replace(
            classification=judgement.classification,
            suppression=judgement.suppression if kind is EventKind.REFUSED else None,
            status=judgement.status or code_of(event.reply),
            domains=_domains_of(kind, recipient),
        )
    return event


def _domains_of(kind: EventKind, recipient: str) -> tuple[str, ...]:
    """Return the domain of a recipient in its canonical form, if the recipient was refused."""
    _, _, domain = recipient.rpartition("@")
    return (domain_key(domain)[:LONGEST_DOMAIN],) if domain and kind is EventKind.REFUSED else ()


def _are_alike(events: Sequence[NewEvent | None]) -> bool:
    """Return whether one event can stand for those of all recipients. The words of the first peer do for all."""
    return len({event and (event.kind, event.classification, _why_dropped(event)) for event in events}) == 1


def _why_dropped(event: NewEvent) -> tuple[SuppressionKind | None, str]:
    return event.suppression, event.reply if event.kind is EventKind.DROPPED else ""


def _reply(outcome: Outcome) -> str:
    text = outcome.reason if isinstance(outcome, InDoubt | NotSent | Dropped) else outcome.reply
    # Looked for first: to translate a reply takes ten times as long, and nearly none has such a character.
    if "\n" in text or "\0" in text:
        text = text.translate(UNSTORABLE)
    return text[:REPLY_LENGTH]


def record_slice(slices: Sequence[Outcomes]) -> list[Claim]:
    """Commit a slice. Return the claims that were no longer ours. Their sent messages are stored all the same."""
    with transaction.atomic():
        for item in slices:
            if item.resendable and is_resent(item.claim):
                item.resend_doubt()
        ours, now = _update_parcels(slices)
        recorded = ours | _recorded_before([item for item in slices if item.claim.parcel_id not in ours])
        late = [item for item in slices if item.claim.parcel_id not in recorded]
        fresh = [item for item in slices if item.claim.parcel_id in ours]
        entries = [entry for item in fresh for entry in item.entries_at(now)]
        entries += [Entry(item.claim, item.claim.fence, events=correct_late(item)) for item in late]
        if any(item.listed for item in slices):
            suppress(new for item in slices for new in _suppressions(item))
        for item in fresh:
            insert_moves(item, now, pause=backoff(item.claim.attempts))
        write_events(entries, now)
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
    """Return the names of the slices: each one's parcel, the claim's fence, its number."""
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


def _suppressions(item: Outcomes) -> Iterator[New]:
    """Return the suppressions of recipients whom a refusal puts on a list."""
    claim = item.claim
    for recipient, event in item.listed:
        if len(recipient) <= LONGEST_LISTED and event.suppression is not None:
            yield New(
                account_id=claim.account_id,
                email=recipient,
                kind=event.suppression,
                reason=event.reply,
                status=_status_of(event),
                batch_id=claim.batch_id,
                message_id=event.message_id,
            )


def _status_of(event: NewEvent) -> str:
    """Return the enhanced status code that a list shows, even if the peer gave only the code of a reply."""
    if "." in event.status:
        return event.status
    return ASSUMED_STATUS.get(event.suppression, f"{event.status[:1] or 5}.0.0")


def insert_moves(item: Outcomes, now: dt.datetime, *, pause: dt.timedelta) -> None:
    """Insert the parcels for messages that are still to be sent, at once or after a pause.

    So are those for what is in doubt for some recipients only: the parcel that counts the message as sent cannot hold
    that.
    """
    claim = item.claim
    for move, mask in item.moves.items():
        wait = dt.timedelta() if move.is_at_once else pause
        split_off(
            claim,
            mask,
            state=ParcelState.SCHEDULED if wait else ParcelState.DUE,
            due_at=now + wait,
            attempts=claim.attempts + (not move.is_at_once),
            is_remainder=move.is_remainder,
            is_replay=move.is_replay,
        )
    if item.half_doubtful:
        keep_doubt(claim, item.half_doubtful, now)


def is_resent(holder: Claim | Parcel) -> bool:
    """Return whether the account wants its mail in doubt sent again, and there is still time for it."""
    policy = Account.objects.values_list("doubt_policy", flat=True).get(pk=holder.account_id)
    limit = dt.timedelta(seconds=settings.RETRY_LIMIT_SECONDS)
    return policy == DoubtPolicy.RESEND and database_now() < holder.send_at + limit


def backoff(attempts: int) -> dt.timedelta:
    """Return the pause after failed tries: it doubles with each try, up to a limit (RFC 5321 section 4.5.4.1)."""
    seconds = settings.RETRY_FIRST_SECONDS * 2 ** min(attempts, 20)
    return dt.timedelta(seconds=min(seconds, settings.RETRY_LONGEST_SECONDS))


def correct_late(item: Outcomes) -> list[NewEvent]:
    """Correct the record of a slice that the rescuer has put in doubt: this worker, though late, knows better.

    Move what it knows from doubt to sent, refused or dropped; return the events that are not stored yet. The outcomes
    that the rescuer had from the hand-over note stand under the same fence: it is the same hand-over, not a double.
    Mail that waits to be sent again, and no worker has claimed yet, is not sent again.
    """
    known = _final_events(item)
    stored = {
        (event.message_id, event.recipient)
        for events in read_events({event.message_id for event in known}, kinds=FINALS).values()
        for event in events
        if event.fence == item.claim.fence
    }
    news = [
        event
        for event in known
        if not stored.intersection({(event.message_id, event.recipient), (event.message_id, None)})
    ]
    if stored:
        news = [each for event in news for each in _apart(event, item, stored)]
    # The strongest last, so that it stands.
    kinds = {event.message_id: event.kind for event in sorted(news, key=lambda event: -event.kind)}
    for message_id, kind in sorted(kinds.items()):
        _correct_one(item, 1 << (message_id - item.claim.first_message_id), kind)
    return news


def _final_events(item: Outcomes) -> list[NewEvent]:
    loads = load_messages([message_id for message_id, _ in item.sent]) if item.sent else {}
    groups = {message_id: group_of(load.recipient) for message_id, load in loads.items()}
    sent = [
        NewEvent(message_id, EventKind.SENT, reply=reply, group=groups.get(message_id, REST))
        for message_id, reply in item.sent
    ]
    return sent + [event for event in item.events if event.kind in FINALS]


def _apart(event: NewEvent, item: Outcomes, stored: set[tuple[int, str | None]]) -> list[NewEvent]:
    """Return the event for each recipient who has none, if others of the message have one."""
    recipients = item.recipients.get(event.message_id, ())
    if event.recipient is not None or not any((event.message_id, each) in stored for each in recipients):
        return [event]
    return [
        event._replace(recipient=each, recipients=1, domains=_domains_of(event.kind, each))
        for each in recipients
        if (event.message_id, each) not in stored
    ]


def _correct_one(item: Outcomes, bit: int, kind: EventKind) -> None:
    """Count a message by its outcome, in the parcel that holds it.

    Recipients who are still open go on as a remainder; nobody is sent the message twice, because the events say who had
    it.
    """
    is_over = not bit & (item.moved | item.resendable)
    if kind is not EventKind.SENT and not is_over:
        return
    counter = COUNTER_OF[kind]
    parcel = Parcel.objects.select_for_update().get(pk=item.claim.parcel_id)
    if settle_doubt(parcel, bit, counter):
        if not is_over:
            keep_doubt(item.claim, bit, database_now())
        return
    waiting = find_waiting(item.claim.base, bit)
    if waiting is None or (waiting.is_remainder and not is_over):
        return
    state = ParcelState(waiting.state)
    take_out(waiting, bit, counter)
    if not is_over:
        split_off(
            waiting,
            bit,
            state=state,
            due_at=waiting.due_at,
            attempts=waiting.attempts,
            is_remainder=True,
            is_replay=waiting.is_replay,
        )
