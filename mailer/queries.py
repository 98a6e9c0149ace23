"""Read messages: their states and histories.

The state of a message is never stored with it. It follows from the parcel that holds the message, and from its events.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import F, Q, QuerySet

from accounts.models import Account
from batches.claims import bits, to_mask
from batches.models import PARCEL_SPAN, Parcel
from batches.states import ParcelState
from mailer.compose.caller_headers import find_message_id, message_id_of
from mailer.models import Event, EventKind, Mail, Message
from mailer.outcomes.reading import read_events, read_kinds

FINAL_KINDS = (EventKind.SENT, EventKind.REFUSED, EventKind.DROPPED, EventKind.STOPPED)
ENDED_BY_VERDICT = (EventKind.DISCARDED, EventKind.EXPIRED)
"""The kinds that end a message without an outcome. They tell its state only if its parcel was deleted."""
EVENTS_TOLD = 100
"""The most events of a message in a trace, the newest first: a retry to many recipients can have thousands."""
PARCELS_LOOKED_AT = 2000
MESSAGES_LOOKED_AT = 5000
"""The most messages that one page of a batch's messages in a certain state looks at."""
LOOK = 500

# Messages, and whether any of these accounts has suppressions: only then are suppressions looked up.
READ = """select id, mail_id, recipient, personal::text,
    exists (select from mailer_suppression where account_id = any(%(accounts)s::bigint[])) as has_suppressions
from mailer_message"""
READ_PARCEL = f"{READ} where id between %(first)s and %(last)s"
# The bounds name the partitions. A plan that is made before the ids are known would search them all otherwise.
READ_MESSAGES = f"{READ_PARCEL} and id = any(%(ids)s::bigint[])"

MAY_HOLD: dict[str | None, str] = {
    None: "true",
    **{state.label: f"moved > 0 or state = {int(state)}" for state in ParcelState if state is not ParcelState.DONE},
    **{kind: f"moved > 0 or {kind} > 0" for kind in ("sent", "stopped", "in_doubt")},
    # One recipient refused or dropped and one in doubt: counted as in doubt, reported by the event that is certain.
    **{kind: f"moved > 0 or {kind} > 0 or in_doubt > 0" for kind in ("refused", "dropped")},
}
"""The condition that a parcel's row allows a message of it to be in a state. Messages that moved may be in any."""

# The conditions are on pairs, so that only the index of these pairs can be used: for a batch that owns much of the
# table, the planner would otherwise walk the primary key, through the parcels of other batches. A retry's base is below
# its id. If the condition were that both are equal, the planner would estimate that most parcels are retries, and sort
# the table.
PARCELS_OF_BATCH = """
select id, size, {may_hold} from batches_parcel
where (batch_id, id) >= (%(batch)s, %(first)s) and (batch_id, id) < (%(batch)s + 1, 0) and base >= id
order by batch_id, id limit %(limit)s
"""


class Range(NamedTuple):
    """A parcel as the owner of a range of message ids."""

    parcel_id: int
    size: int
    may_hold: bool

    @property
    def first_id(self) -> int:
        return self.parcel_id * PARCEL_SPAN

    @property
    def last_id(self) -> int:
        """Return the last id that a message of it could have."""
        return self.first_id + PARCEL_SPAN - 1


class Holder(NamedTuple):
    """The newest parcel that still has to send a message, or that was discarded or expired with it."""

    state: ParcelState
    send_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Trace:
    """A message with everything that other tables know about it.

    `header` is its Message-ID, and `batch_id` the public id of its batch, None for mail sent without one. `send_at` is
    that of the parcel which holds the message; when it was sent or has ended, that of its first parcel. `events` are
    its newest, at most `EVENTS_TOLD`.
    """

    message_id: int
    header: str
    recipient: str
    batch_id: str | None
    state: str
    send_at: dt.datetime
    events: list[Event]


@dataclass(frozen=True, slots=True)
class TracePage:
    """Some messages of a batch. `next_after` is the `after` of the next page, or None on the last page."""

    traces: list[Trace]
    next_after: int | None


def states_of(message_ids: Collection[int]) -> dict[int, str]:
    """Return the state of each message by id, in the words of `Counts`.

    A message is sent, if any recipient was sent it. Otherwise it has the state of the newest parcel that still holds
    it, or held it when it was discarded or expired; else that of its final event; else it is in doubt. A refusal of one
    recipient does not end a message that is still tried for another.
    """
    # Parcels first: a message that leaves its parcel between the two reads has its event in the second.
    return states_held(message_ids, find_holders(message_ids))


def states_held(message_ids: Collection[int], holders: Mapping[int, Holder]) -> dict[int, str]:
    """Return the state of each message by id, for a caller who has read the parcels that hold them before."""
    kinds = read_kinds(message_ids)
    return {message_id: _state(kinds.get(message_id, set()), holders.get(message_id)) for message_id in message_ids}


def find_holders(message_ids: Iterable[int]) -> dict[int, Holder]:
    """Return the newest parcel that still has to send each message, by message id."""
    masks: dict[int, int] = {}
    for message_id in message_ids:
        base, n = divmod(message_id, PARCEL_SPAN)
        masks[base] = masks.get(base, 0) | 1 << n
    parcels = parcels_that_hold(masks).values_list("base", "members", "size", "state", "send_at")
    holders: dict[int, Holder] = {}
    for base, members, size, state, send_at in parcels:
        for n in bits(to_mask(members, size) & masks.get(base, 0)):
            holders[base * PARCEL_SPAN + n] = Holder(ParcelState(state), send_at)
    return holders


def parcels_that_hold(bases: Collection[int]) -> QuerySet[Parcel]:
    """Return the parcels whose messages are numbered from these bases, the newest last.

    These are the parcels themselves, and their retries.
    """
    is_retry = Q(base__in=bases) & ~Q(base=F("pk"))
    return Parcel.objects.filter(Q(pk__in=bases) | is_retry).order_by("pk")


def _state(kinds: set[EventKind], holder: Holder | None) -> str:
    if EventKind.SENT in kinds:
        return "sent"
    if holder is not None:
        return holder.state.label
    final = next((kind for kind in (*ENDED_BY_VERDICT, *FINAL_KINDS) if kind in kinds), EventKind.IN_DOUBT)
    return final.name.lower()


def find_trace(account: Account, message_id: int) -> Trace | None:
    """Return one message of the account; None if it has none with that id, or its history is over."""
    if not Parcel.objects.filter(pk=message_id // PARCEL_SPAN, account=account).exists():
        return None
    return next(iter(trace([message_id])), None)


def list_messages(batch_id: int, *, state: str | None = None, after: int = 0, limit: int) -> TracePage:
    """Return the messages of a batch with ids above `after`, by id; with `state`, those that are in it now.

    A page with a `state` looks at `PARCELS_LOOKED_AT` parcels and `MESSAGES_LOOKED_AT` messages at most, so it may be
    short or empty without being the last.
    """
    if state is None:
        ids, next_after = _ids_after(batch_id, after, limit)
        return TracePage(trace(ids), next_after)
    ids, next_after = _ids_in_state(batch_id, state, after=after, limit=limit)
    return TracePage(trace(ids), next_after)


def _ids_after(batch_id: int, after: int, limit: int) -> tuple[list[int], int | None]:
    # The first parcel may have nothing left above `after`; every other one has a message.
    parcels = _parcels_of(batch_id, after, limit=limit + 2)
    ids = list(islice(_members(parcels, after), limit + 1))
    return ids[:limit], ids[limit - 1] if len(ids) > limit else None


def _ids_in_state(batch_id: int, state: str, *, after: int, limit: int) -> tuple[list[int], int | None]:
    window = _parcels_of(batch_id, after, limit=PARCELS_LOOKED_AT, state=state)
    members = _members((parcel for parcel in window if parcel.may_hold), after)
    ids: list[int] = []
    for _ in range(MESSAGES_LOOKED_AT // LOOK):
        looked_at = list(islice(members, LOOK))
        states = states_of(looked_at)
        ids += [message_id for message_id in looked_at if states[message_id] == state]
        if len(ids) > limit:
            return ids[:limit], ids[limit - 1]
        if len(looked_at) < LOOK:
            return ids, window[-1].last_id if len(window) == PARCELS_LOOKED_AT else None
    return ids, looked_at[-1]


def _parcels_of(batch_id: int, after: int, *, limit: int, state: str | None = None) -> list[Range]:
    """Return the batch's parcels that messages above `after` are numbered from. Retries hold messages of these."""
    with connection.cursor() as cursor:
        cursor.execute(
            PARCELS_OF_BATCH.format(may_hold=MAY_HOLD[state]),
            {"batch": batch_id, "first": (after + 1) // PARCEL_SPAN, "limit": limit},
        )
        return [Range(*row) for row in cursor.fetchall()]


def _members(parcels: Iterable[Range], after: int) -> Iterator[int]:
    """Yield the ids above `after` of the messages of these parcels."""
    for parcel in parcels:
        yield from range(max(parcel.first_id, after + 1), parcel.first_id + parcel.size)


def trace(message_ids: Sequence[int]) -> list[Trace]:
    """Return these messages in this order, without those whose history is over, in a handful of statements."""
    parcels = Parcel.objects.select_related("batch").in_bulk({each // PARCEL_SPAN for each in message_ids})
    messages = Message.objects.defer("personal").annotate(own_headers=F("personal__headers")).in_bulk(message_ids)
    mails = Mail.objects.only("public_id", "headers").in_bulk({message.mail_id for message in messages.values()})
    headers = _message_ids(messages, mails)
    holders = find_holders(message_ids)
    states, events = states_held(message_ids, holders), read_events(message_ids, limit=EVENTS_TOLD)
    return [
        Trace(
            message_id=message_id,
            header=headers[message_id],
            recipient=message.recipient,
            batch_id=None if parcel.batch.is_default else parcel.batch.public_id,
            state=states[message_id],
            send_at=holders[message_id].send_at if message_id in holders else parcel.send_at,
            events=events.get(message_id, []),
        )
        for message_id in message_ids
        if (parcel := parcels.get(message_id // PARCEL_SPAN))
        and (message := messages.get(message_id))
        and message.mail_id in mails
    ]


def _message_ids(messages: Mapping[int, Message], mails: Mapping[int, Mail]) -> dict[int, str]:
    """Return the Message-ID of each message that has its mail, by id.

    The other personal fields are read only where the caller has given a Message-ID, which may have keys of
    substitutions.
    """
    mail_of = {number: mails[message.mail_id] for number, message in messages.items() if message.mail_id in mails}
    ids = [
        number
        for number, mail in mail_of.items()
        if find_message_id({**mail.headers, **(getattr(messages[number], "own_headers", None) or {})}) is not None
    ]
    personal = dict(Message.objects.filter(pk__in=ids).values_list("pk", "personal")) if ids else {}
    return {
        number: message_id_of(mail, number, personal.get(number), domain=settings.MESSAGE_ID_DOMAIN)
        for number, mail in mail_of.items()
    }
