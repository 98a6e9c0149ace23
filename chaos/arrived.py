"""Compare the events that arrived at the receivers with those that are stored.

The events that have to arrive are read from the stored events by plain SQL, and signatures are verified as a receiver
does it. No code of the product is used here, so that an error in either of the two is found.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

import psycopg
from sendgrid.helpers.eventwebhook import EventWebhook

from chaos.receiver import NATIVE, SENDGRID, STORED, STORED_OF_SENDGRID, Body, Keys, Receiver
from stack.stored_numbers import PARCEL_SPAN, EventKind, listed

NAMES = {
    EventKind.SENT: ("sent", "delivered"),
    EventKind.REFUSED: ("refused", "bounce"),
    EventKind.DROPPED: ("dropped", "dropped"),
    EventKind.STOPPED: ("stopped", "stopped"),
    EventKind.DEFERRED: ("deferred", "deferred"),
    EventKind.IN_DOUBT: ("in_doubt", "in_doubt"),
    EventKind.DISCARDED: ("discarded", "dropped"),
    EventKind.EXPIRED: ("expired", "dropped"),
    EventKind.RETAINED: ("retained", "retained"),
    EventKind.HELD: ("held", "held"),
}
"""The kinds of events, each with its native name and that of SendGrid or ours in its dialect."""
ATTEMPTS = (EventKind.SENT, EventKind.REFUSED, EventKind.DEFERRED)
"""The kinds that say how an attempt to deliver ended."""
ENDS = (
    *(EventKind.SENT, EventKind.REFUSED, EventKind.DROPPED),
    *(EventKind.STOPPED, EventKind.DISCARDED, EventKind.EXPIRED),
)
"""The kinds after which a message has ended for a recipient."""

# The events that endpoints get, in their order for each message. Every message of the run has one recipient. An event
# of a whole message is not about a recipient whose mail has ended before.
READ_STORED = f"""
with each as (
    select id, message_id as message, kind, fence, recipient from mailer_event where members is null
    union all
    select e.id, e.message_id + member.n, e.kind, e.fence, null
    from mailer_event e cross join lateral sluice_unpack(e.members, null) member where e.members is not null
), ordered as (
    select *, count(*) filter (where kind in {listed(*ENDS)}) over (
        partition by message order by id rows between unbounded preceding and 1 preceding) as ends
    from each
)
select o.id || '-' || o.message % {PARCEL_SPAN}, o.message, o.kind, o.kind = {EventKind.DEFERRED} and o.fence = 0,
    m.recipient, mail.public_id
from ordered o join mailer_message m on m.id = o.message join mailer_mail mail on mail.id = m.mail_id
join batches_batch b on b.id = mail.batch_id
where b.account_id in (select account_id from events_endpoint) and (o.recipient is not null or o.ends = 0)
order by o.message, o.id
"""


class HookEvent(NamedTuple):
    """An event as a receiver knows it."""

    id: str
    name: str
    recipient: str
    mail: str
    """The X-Message-Id of the answer to the request."""


EventsByMessage = dict[tuple[str, str], list[HookEvent]]
"""The events of each message in their order, by its mail and its recipient."""


@dataclass
class ComparedEvents:
    """The number of events that were compared, of repeats among them, and a sentence for each lost or wrong one."""

    compared: int = 0
    repeated: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    """The events that arrived at the native endpoint by kind, without repeats."""

    def compare(self, endpoint: str, stored: EventsByMessage, arrived: EventsByMessage) -> None:
        """Compare the events of all messages: the stored ones must have arrived once, in order and unchanged."""
        for message in {**stored, **arrived}:
            expected, events = stored.get(message, []), arrived.get(message, [])
            self.compared += len(expected)
            if events == expected:
                continue
            missing, unknown = {*expected} - {*events}, {*events} - {*expected}
            ids = {event.id for event in events}
            self.lost += [f"{endpoint} {event}" for event in expected if event.id not in ids]
            self.wrong += [f"{endpoint} {event} is not stored" for event in events if event in unknown]
            if not missing and not unknown:
                self.wrong.append(f"{endpoint} {[event.id for event in events]} of {message} are in the wrong order")


def compare_events(database_url: str, receiver: Receiver, keys: Keys) -> ComparedEvents:
    """Compare all events, when every lane has delivered the whole log."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(READ_STORED).fetchall()
    bodies = defaultdict(list)
    for body in list(receiver.bodies):
        bodies[body.endpoint].append(body)
    return compare_bodies(rows, bodies, keys, receiver.strays)


def compare_bodies(
    rows: list[Any], bodies: Mapping[str, list[Body]], keys: Keys, strays: Iterable[str]
) -> ComparedEvents:
    """Compare stored events, as rows of `READ_STORED`, with the bodies of each endpoint."""
    compared = ComparedEvents(wrong=[f"{stray} was requested, which no endpoint does" for stray in strays])
    native = read_bodies(NATIVE, bodies.get(NATIVE, []), keys, compared)
    compared.kinds = Counter(event.name for events in native.values() for event in events)
    compared.compare(NATIVE, expect_native(rows), native)
    sendgrid = read_bodies(SENDGRID, bodies.get(SENDGRID, []), keys, compared)
    compared.compare(SENDGRID, expect_sendgrid(rows), sendgrid)
    return compared


def expect_native(rows: list[Any]) -> EventsByMessage:
    """Return the events that the native endpoint has to get."""
    by_message: EventsByMessage = defaultdict(list)
    for id, _, kind, _, recipient, mail in rows:
        by_message[mail, recipient].append(HookEvent(id, NAMES[kind][0], recipient, mail))
    return by_message


def expect_sendgrid(rows: list[Any]) -> EventsByMessage:
    """Return the events that the endpoint in SendGrid's dialect has to get: `processed` precedes the first attempt.

    It gets no event about a decision to send a message again.
    """
    by_message: EventsByMessage = defaultdict(list)
    processed = set()
    for id, message, kind, is_decision, recipient, mail in rows:
        if is_decision:
            continue
        if kind in ATTEMPTS and message not in processed:
            processed.add(message)
            by_message[mail, recipient].append(HookEvent(f"{message}-0-processed", "processed", recipient, mail))
        by_message[mail, recipient].append(HookEvent(id, NAMES[kind][1], recipient, mail))
    return by_message


def read_bodies(endpoint: str, bodies: list[Body], keys: Keys, compared: ComparedEvents) -> EventsByMessage:
    """Return the events in the accepted bodies of an endpoint, each at its first arrival, and count repeats.

    A body is named by its id; in SendGrid's dialect, which has none, by its first event. Whenever it comes it has the
    same bytes. No event is in two bodies, or twice in one.
    """
    by_message: EventsByMessage = defaultdict(list)
    digests: dict[str, bytes] = {}
    homes: dict[str, str] = {}
    for body in bodies:
        data = body.data
        if not is_signed(endpoint, body, data, keys):
            compared.wrong.append(f"{endpoint}: the signature of {data[:200]!r} is not valid")
        events = read_events(endpoint, data)
        name = body.headers.get("webhook-id", "") if endpoint == NATIVE else events[0].id
        digest = sha256(data).digest()
        if digests.setdefault(name, digest) != digest:
            compared.wrong.append(f"{endpoint}: a repeat of the body {name} has other bytes")
        if len({event.id for event in events}) != len(events):
            compared.wrong.append(f"{endpoint}: the body {name} has an event twice")
        if not body.is_accepted:
            continue
        for event in events:
            home = homes.get(event.id)
            if home is None:
                homes[event.id] = name
                by_message[event.mail, event.recipient].append(event)
                continue
            compared.repeated += 1
            if home != name:
                compared.wrong.append(f"{endpoint} {event} is in the bodies {home} and {name}")
    return by_message


def read_events(endpoint: str, data: bytes) -> list[HookEvent]:
    """Return the events in a body, as the dialect of its endpoint has them."""
    content = json.loads(data)
    if endpoint == NATIVE:
        return [
            HookEvent(event["id"], event["kind"], event["recipient"], event["x_message_id"])
            for event in content["data"]
        ]
    return [
        HookEvent(event["sg_event_id"], event["event"], event["email"], event["sg_message_id"].partition(".")[0])
        for event in content
    ]


def is_signed(endpoint: str, body: Body, data: bytes, keys: Keys) -> bool:
    """Return whether a body has a valid signature, as a receiver of the dialect verifies it."""
    try:
        if endpoint == NATIVE:
            return is_signed_with_secret(keys.secret, *(body.headers[name] for name in STORED), data=data)
        signature, timestamp = (body.headers[name] for name in STORED_OF_SENDGRID)
    except KeyError:
        return False
    return bool(EventWebhook(keys.public_key).verify_signature(data.decode(), signature, timestamp))


def is_signed_with_secret(secret: str, webhook_id: str, timestamp: str, signatures: str, *, data: bytes) -> bool:
    """Return whether one of the signatures fits (Standard Webhooks, section "Signature scheme")."""
    key = b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{webhook_id}.{timestamp}.".encode() + data, "sha256")
    return f"v1,{b64encode(digest).decode()}" in signatures.split(" ")
