"""The cargo: the messages of some claims that are to be delivered, without the recipients who get nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection

from batches.claims import Claim, bits
from batches.models import PARCEL_SPAN
from foundation.addresses import address_key
from mailer import queries
from mailer.compose.mime import recipients_of
from mailer.models import EventKind
from mailer.queries import FINAL_KINDS
from mailer.suppressions.check import Found, find_suppressions


class Load(NamedTuple):
    """A message as it is stored: its mail, its first recipient, its personal part."""

    mail_id: int
    recipient: str
    personal: dict[str, Any] | None

    @property
    def everyone(self) -> tuple[str, ...]:
        """Return all recipients, as they are written on the wire."""
        return recipients_of(self.personal or {}, self.recipient)


class Earlier(NamedTuple):
    """The state of a message after earlier hand-overs."""

    finished: frozenset[str]
    """The recipients who are handed nothing more: they were sent it, refused it or were dropped, or are in doubt."""
    kinds: frozenset[EventKind]
    """The kinds of events that ended their way."""
    doubtful: frozenset[str]
    """The finished recipients whose outcome is in doubt."""


@dataclass(frozen=True, slots=True)
class Cargo:
    """The messages of the claims, by id.

    Beside them are what became of some of their recipients earlier, and the suppressions of those who have any.
    Recipients are as they are written on the wire.
    """

    messages: dict[int, Load]
    earlier: dict[int, Earlier]
    suppressed: dict[int, dict[str, list[Found]]]


def load_cargo(claims: Sequence[Claim]) -> Cargo:
    """Read the messages of claims; of those that may have been handed over before also who had an outcome then."""
    accounts = sorted({claim.account_id for claim in claims})
    with connection.cursor() as cursor:
        if len(claims) == 1:
            first = claims[0].first_message_id
            cursor.execute(queries.READ_PARCEL, [accounts, first, first + PARCEL_SPAN])
        else:
            cursor.execute(queries.READ_MESSAGES, [accounts, ids_of(claims)])
        rows = cursor.fetchall()
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
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_MESSAGES, [[], list(message_ids)])
        return _loads_from(cursor.fetchall())


def _loads_from(rows: Sequence[Sequence[Any]]) -> dict[int, Load]:
    # All at once: to parse them one by one takes twice as long.
    personal = json.loads(f"[{','.join([row[3] or 'null' for row in rows])}]")
    return {row[0]: Load(row[1], row[2], fields) for row, fields in zip(rows, personal, strict=True)}


def ids_of(claims: Sequence[Claim]) -> list[int]:
    """Return the ids of the messages that are still to be handed over."""
    return [claim.first_message_id + n for claim in claims for n in bits(claim.members)]


def is_first(claim: Claim) -> bool:
    """Return whether no message of this claim can have been handed over before.

    The number of attempts does not say so: a parcel that was split off at the cost of no attempt may have messages that
    were sent to some of their recipients.
    """
    return claim.parcel_id == claim.base and not (claim.attempts or claim.is_replay or claim.is_remainder)


def find_earlier(message_ids: Collection[int], messages: Mapping[int, Load]) -> dict[int, Earlier]:
    """Return what became of recipients of these messages at earlier hand-overs, by message id."""
    events: dict[int, list[tuple[int, str | None]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_EARLIER, [list(message_ids)])
        for message_id, kind, recipient in cursor.fetchall():
            events.setdefault(message_id, []).append((kind, recipient))
    return {
        message_id: earlier
        for message_id, happened in events.items()
        if message_id in messages and (earlier := _earlier_of(happened, messages[message_id])).finished
    }


def _earlier_of(events: Sequence[tuple[int, str | None]], load: Load) -> Earlier:
    """Return what these events say, oldest first; one without a recipient is about all of them.

    A final outcome stays; doubt stays until it is decided to send the message again.
    """
    latest: dict[str, EventKind] = {}
    for kind, recipient in events:
        for each in load.everyone if recipient is None else (recipient,):
            if latest.get(each) not in FINAL_KINDS:
                latest[each] = EventKind(kind)
    finished = {each: kind for each, kind in latest.items() if kind is not EventKind.DEFERRED}
    doubtful = frozenset(each for each, kind in finished.items() if kind is EventKind.IN_DOUBT)
    return Earlier(frozenset(finished), frozenset(finished.values()), doubtful)


def find_open(message_ids: Collection[int]) -> dict[int, Sequence[str | None]]:
    """Return the recipients of messages who have no final outcome, in doubt or not, as events name them.

    None means all recipients of the message.
    """
    loads = load_messages(message_ids)
    earlier = find_earlier(message_ids, loads)
    names: dict[int, Sequence[str | None]] = {}
    for message_id in message_ids:
        before = earlier.get(message_id)
        ended = before.finished - before.doubtful if before else frozenset()
        names[message_id] = [each for each in loads[message_id].everyone if each not in ended] if ended else (None,)
    return names


def suppressed_recipients(claims: Sequence[Claim], messages: dict[int, Load]) -> dict[int, dict[str, list[Found]]]:
    """Return the recipients of these messages who have suppressions, with these, in one statement."""
    accounts = {claim.base: claim.account_id for claim in claims}
    asked = [
        (message_id, recipient, (accounts[message_id // PARCEL_SPAN], address_key(recipient)))
        for message_id, (_, first, personal) in messages.items()
        for recipient in recipients_of(personal or {}, first)
    ]
    found = find_suppressions({pair for _, _, pair in asked})
    suppressed: dict[int, dict[str, list[Found]]] = {}
    for message_id, recipient, pair in asked if found else ():
        if pair in found:
            suppressed.setdefault(message_id, {})[recipient] = found[pair]
    return suppressed
