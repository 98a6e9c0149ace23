"""Read and compose the cargo of a trip: the messages of its claims, without the recipients who do not get them.

In: claims. Out: the messages of the claims, then the envelopes of each slice of them, and the results of messages that
are not sent.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from batches.claims import Claim, bits
from batches.models import PARCEL_SPAN
from foundation.addresses import address_key
from foundation.clock import boottime
from foundation.statements import Rows, fetch_prepared
from foundation.traces import trace_of
from mailer import queries
from mailer.compose.mime import Composer, recipients_of
from mailer.compose.source import Unrenderable
from mailer.compose.template import TextTooLong
from mailer.models import Event, EventKind, Mail
from mailer.outcomes.providers import group_of
from mailer.outcomes.reading import read_events
from mailer.outcomes.writing import NewEvent
from mailer.queries import FINAL_KINDS
from mailer.suppressions.check import REASONS, Found, find_suppressions, reason_to_drop
from mailer.transports.base import Dropped, Envelope, Refused, Result

AT_RISK = (EventKind.SENT, EventKind.REFUSED, EventKind.DROPPED, EventKind.IN_DOUBT)
"""The outcomes after which the message is not sent to the recipient again."""


class Load(NamedTuple):
    """A stored message: its mail, its first recipient, its personal part."""

    mail_id: int
    recipient: str
    personal: dict[str, Any] | None

    @property
    def everyone(self) -> tuple[str, ...]:
        """Return all recipients, with their domains as A-labels."""
        return recipients_of(self.personal or {}, self.recipient)


class Earlier(NamedTuple):
    """The state of a message after earlier tries."""

    finished: frozenset[str]
    """The recipients to whom nothing more is sent: their outcome is sent, refused, dropped or in doubt."""
    kinds: frozenset[EventKind]
    """The kinds of the events that are final for them."""
    doubtful: frozenset[str]
    """The finished recipients whose outcome is in doubt."""


@dataclass(frozen=True, slots=True)
class Cargo:
    """The messages of the claims, by id.

    It also has the earlier outcomes of some of their recipients, and the suppressions of recipients who have any.
    Recipients are in the form that SMTP needs.
    """

    messages: dict[int, Load]
    earlier: dict[int, Earlier]
    suppressed: dict[int, dict[str, list[Found]]]


def load_cargo(claims: Sequence[Claim]) -> Cargo:
    """Read the messages of claims, and the earlier outcomes of messages that may have been sent before."""
    accounts = sorted({claim.account_id for claim in claims})
    if len(claims) == 1:
        first = claims[0].first_message_id
        values = {"accounts": accounts, "first": first, "last": first + PARCEL_SPAN - 1}
        rows = fetch_prepared(queries.READ_PARCEL, values)
    else:
        rows = _read_messages(ids_of(claims), accounts)
    messages = _loads_from(rows)
    repeated = [claim for claim in claims if not is_first(claim)]
    has_suppressions = bool(rows) and rows[0][4]
    return Cargo(
        messages=messages,
        earlier=find_earlier(ids_of(repeated), messages) if repeated else {},
        suppressed=suppressed_recipients(claims, messages) if has_suppressions else {},
    )


def load_messages(message_ids: Collection[int]) -> dict[int, Load]:
    """Read messages by id; those whose history is over are missing."""
    return _loads_from(_read_messages(message_ids, accounts=[]))


def _read_messages(message_ids: Collection[int], accounts: Sequence[int]) -> Rows:
    """Return the rows of messages, each with whether one of the accounts has any suppression."""
    if not message_ids:
        return []
    bounds = {"first": min(message_ids), "last": max(message_ids)}
    return fetch_prepared(queries.READ_MESSAGES, {"accounts": accounts, "ids": list(message_ids), **bounds})


def _loads_from(rows: Sequence[Sequence[Any]]) -> dict[int, Load]:
    # All at once: to parse them one by one takes twice as long.
    personal = json.loads(f"[{','.join([row[3] or 'null' for row in rows])}]")
    return {row[0]: Load(row[1], row[2], fields) for row, fields in zip(rows, personal, strict=True)}


def ids_of(claims: Sequence[Claim]) -> list[int]:
    """Return the ids of the messages that are still to be sent."""
    return [claim.first_message_id + n for claim in claims for n in bits(claim.members)]


def is_first(claim: Claim) -> bool:
    """Return whether no message of this claim can have been sent before.

    The number of attempts does not tell: a parcel that was split off without using up an attempt may have messages that
    were sent to some of their recipients.
    """
    return claim.parcel_id == claim.base and not (claim.attempts or claim.is_replay or claim.is_remainder)


def find_earlier(message_ids: Collection[int], messages: Mapping[int, Load]) -> dict[int, Earlier]:
    """Return the outcomes of these messages' recipients at earlier tries, by message id."""
    events_by_id = read_events([n for n in message_ids if n in messages], kinds=(*AT_RISK, EventKind.DEFERRED))
    return {
        message_id: earlier
        for message_id, events in events_by_id.items()
        if (earlier := _earlier_of(events, messages[message_id])).finished
    }


def _earlier_of(events: Sequence[Event], load: Load) -> Earlier:
    """Return the state after these events, oldest first. An event without a recipient is about all recipients.

    A final outcome stays; doubt stays until it is decided to send the message again. A deferral by the peer changes
    nothing.
    """
    latest: dict[str, EventKind] = {}
    for event in events:
        if event.kind == EventKind.DEFERRED and not event.is_decision:
            continue
        for recipient in load.everyone if event.recipient is None else (event.recipient,):
            if latest.get(recipient) not in FINAL_KINDS:
                latest[recipient] = EventKind(event.kind)
    finished = {recipient: kind for recipient, kind in latest.items() if kind is not EventKind.DEFERRED}
    doubtful = frozenset(recipient for recipient, kind in finished.items() if kind is EventKind.IN_DOUBT)
    return Earlier(frozenset(finished), frozenset(finished.values()), doubtful)


def ending_events(message_ids: Collection[int], kind: EventKind, why: str) -> list[NewEvent]:
    """Return the events that end messages for all recipients without a final outcome, in doubt or not.

    There is one event for all recipients of a message if none of them has a final outcome, else one for each.
    """
    loads = load_messages(message_ids)
    earlier = find_earlier(message_ids, loads)
    events: list[NewEvent] = []
    for message_id in message_ids:
        everyone, previous = loads[message_id].everyone, earlier.get(message_id)
        ended = previous.finished - previous.doubtful if previous else frozenset()
        event = NewEvent(message_id, kind, reply=why, recipients=len(everyone), group=group_of(everyone[0]))
        remaining = [recipient for recipient in everyone if recipient not in ended]
        events += [event._replace(recipient=recipient, recipients=1) for recipient in remaining] if ended else [event]
    return events


def suppressed_recipients(claims: Sequence[Claim], messages: dict[int, Load]) -> dict[int, dict[str, list[Found]]]:
    """Return the recipients of these messages who have suppressions, with these, in one statement."""
    accounts = {claim.base: claim.account_id for claim in claims}
    recipients = [
        (message_id, recipient, (accounts[message_id // PARCEL_SPAN], address_key(recipient)))
        for message_id, (_, first, personal) in messages.items()
        for recipient in recipients_of(personal or {}, first)
    ]
    suppressions = find_suppressions({pair for _, _, pair in recipients})
    suppressed: dict[int, dict[str, list[Found]]] = {}
    for message_id, recipient, pair in recipients if suppressions else ():
        if pair in suppressions:
            suppressed.setdefault(message_id, {})[recipient] = suppressions[pair]
    return suppressed


log = structlog.get_logger(__name__)

COMPOSER_CACHE_BYTES = 64 * 1024 * 1024
SLICE_BYTES = 16 * 1024 * 1024
TIMED_MESSAGES = 8
"""The number of messages between two readings of the clock while composing. The clock is also read after each of the
first messages, and after each message that is rendered as a whole."""


class ComposerCache:
    """The composers of the mails that are being sent, at most `COMPOSER_CACHE_BYTES` of them.

    The composer that was not used for the longest time is removed first.
    """

    def __init__(self) -> None:
        self._composers: OrderedDict[int, tuple[Composer, int]] = OrderedDict()
        self._bytes = 0

    def find(self, mail_id: int) -> Composer | None:
        """Return the composer of a mail if there is one."""
        composer, _ = self._composers.get(mail_id, (None, 0))
        return composer

    def get(self, mail_id: int) -> Composer:
        """Return the composer of a mail, by id."""
        if mail_id in self._composers:
            self._composers.move_to_end(mail_id)
            return self._composers[mail_id][0]
        composer = Composer(
            Mail.objects.get(pk=mail_id),
            message_id_domain=settings.MESSAGE_ID_DOMAIN,
            public_url=settings.PUBLIC_URL,
            tracking_url=settings.TRACKING_URL,
        )
        self._composers[mail_id] = (composer, composer.size)
        self._bytes += composer.size
        while self._bytes > COMPOSER_CACHE_BYTES and len(self._composers) > 1:
            self._bytes -= self._composers.popitem(last=False)[1][1]
        return composer


class CargoComposer:
    """Compose the messages of a trip, slice by slice."""

    def __init__(self, cargo: Cargo, composers: ComposerCache) -> None:
        self._cargo = cargo
        self._composers = composers
        self.dropped: dict[int, dict[str, Dropped]] = {}
        """The recipients who do not get a message because of a suppression, by message id."""
        self._is_whole = False
        """Whether the last message was of a kind that may take long."""

    def compose(
        self, message_ids: Iterable[int], date: bytes, *, until: float
    ) -> tuple[dict[int, Envelope], list[Result]]:
        """Return the envelopes to send, by message id, and the results of messages that have none.

        A slice is composed before it is sent. Messages beyond `SLICE_BYTES`, or that are not composed before `until`,
        are left for the next slice.
        """
        envelopes: dict[int, Envelope] = {}
        results: list[Result] = []
        room = SLICE_BYTES
        for number, message_id in enumerate(message_ids):
            is_timed = number and (number < TIMED_MESSAGES or number % TIMED_MESSAGES == 0 or self._is_whole)
            if room <= 0 or (is_timed and boottime() >= until):
                break
            try:
                envelope = self._compose_one(message_id, date)
            except (DatabaseError, InterfaceError):
                # No message caused this, and none is begun: the slice ends empty, and all of it is still to be sent.
                log.warning("slice not composed: database unavailable")
                connection.close()
                return {}, []
            except (SoftTimeLimitExceeded, MemoryError):
                raise
            except (Unrenderable, TextTooLong) as error:
                self.dropped.pop(message_id, None)
                results.append(Result(message_id, (Refused(str(error), is_ours=True),)))
                continue
            except Exception as error:
                log.error("message cannot be composed", message=message_id, error=trace_of(error))
                self.dropped.pop(message_id, None)
                refusal = Refused(f"cannot be composed: {type(error).__name__}", is_ours=True)
                results.append(Result(message_id, (refusal,)))
                continue
            room -= len(envelope.data)
            if envelope.recipients:
                envelopes[message_id] = envelope
            elif message_id in self.dropped or message_id in self._cargo.earlier:
                results.append(Result(message_id, ()))
            else:
                results.append(Result(message_id, (Refused("no recipient is left", is_ours=True),)))
        return envelopes, results

    def categories_of(self, message_id: int) -> Sequence[str] | None:
        """Return the categories of a message's mail; None if it was not composed."""
        load = self._cargo.messages.get(message_id)
        composer = self._composers.find(load.mail_id) if load else None
        return None if composer is None else composer.mail.categories

    def _compose_one(self, message_id: int, date: bytes) -> Envelope:
        mail_id, recipient, personal = self._cargo.messages[message_id]
        self._is_whole = True
        composer = self._composers.get(mail_id)
        self._is_whole = composer.is_whole
        earlier = self._cargo.earlier.get(message_id)
        skip = earlier.finished if earlier else frozenset()
        if message_id in self._cargo.suppressed:
            skip |= self._drop(message_id, composer.mail, skip)
        envelope = composer.compose(message_id, recipient, personal, date=date, skip=skip)
        return envelope._replace(is_part=True) if skip else envelope

    def _drop(self, message_id: int, mail: Mail, finished: frozenset[str]) -> frozenset[str]:
        """Return the recipients of a message who do not get it because of a suppression."""
        dropped = {
            recipient: Dropped(REASONS[reason], reason)
            for recipient, suppressions in self._cargo.suppressed[message_id].items()
            if recipient not in finished and (reason := reason_to_drop(suppressions, mail))
        }
        if dropped:
            self.dropped[message_id] = dropped
        return frozenset(dropped)


def with_dropped(
    result: Result, recipients: tuple[str, ...], dropped: dict[str, Dropped]
) -> tuple[Result, tuple[str, ...]]:
    """Return the result of a message and its recipients, completed by those who were dropped."""
    return Result(result.message_id, (*result.outcomes, *dropped.values())), (*recipients, *dropped)
