"""Store messages of two accounts with outcomes of every kind, and provide the same facts as plain values."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Account
from batches.models import PARCEL_SPAN, Parcel
from foundation.clock import database_now
from mailer.draft import Address, ContentPart, MailDraft, Personalization
from mailer.models import EventKind, Mail, SuppressionKind, UnsubscribeGroup
from mailer.outcomes.writing import Entry, NewEvent, write_events
from mailer.pipeline.accept import accept_mail
from mailer.suppressions.groups import create_group

FENCE = 7
SUBJECTS = ("Hello", "50% off_today", "Your order -n-", "")
SENDERS = ("shop@example.com", "news@example.com")


@dataclass
class Fact:
    """The values that a query sees of a message for one recipient."""

    msg_id: str
    from_email: str
    to_email: str
    first_recipient: str
    subject: str
    status: str
    events: set[str]
    last_event_time: dt.datetime
    categories: list[str]
    unique_args: dict[str, str]
    asm_group_id: int | None
    template_id: str | None = None
    clicks: int = 0


@dataclass
class Store:
    """The messages that were stored for an account, the newest one first."""

    account: Account
    facts: list[Fact] = field(default_factory=list)


def store_messages(account: Account, *, mails: int = 4) -> Store:
    """Store several mails with outcomes, some of which are packed."""
    group = create_group(account, name=f"Group {UnsubscribeGroup.objects.count()}", description="x")
    store = Store(account)
    for number in range(mails):
        _store_mail(store, number, group.pk if number % 2 else None)
    store.facts.reverse()
    return store


def _store_mail(store: Store, number: int, group_id: int | None) -> None:
    """Store a mail of twelve messages; the last one has a Cc, and its recipients fared differently."""
    personalizations = [
        Personalization(
            to=(Address(f"to{n % 5}@example.com"),),
            cc=(Address("copy@example.com"),) if n == 11 else (),
            sender=Address("other@example.com") if n == 3 else None,
            subject="An own subject" if n == 4 else None,
            substitutions={"-n-": str(n)},
            custom_args={"n": str(n)} if n < 6 else {},
        )
        for n in range(12)
    ]
    draft = MailDraft(
        sender=Address(SENDERS[number % 2]),
        subject=SUBJECTS[number % 4],
        content=(ContentPart("text/plain", "Hello"),),
        personalizations=tuple(personalizations),
        categories=("red", "blue")[: number % 3],
        custom_args={"mail": f"m{number}"},
        unsubscribe_group=group_id,
    )
    accepted = accept_mail(store.account, draft)
    mail, first = Mail.objects.get(public_id=accepted.public_id), accepted.first_message
    events, sent = _outcomes(first)
    parcel = Parcel.objects.get(pk=first // PARCEL_SPAN)
    at = database_now() + dt.timedelta(minutes=number)
    write_events([Entry(parcel, FENCE, events=events, sent=sent)], at)
    by_recipient = [*events, *(NewEvent(message_id, EventKind.SENT) for message_id, _ in sent)]
    for n, personalization in enumerate(personalizations):
        for place, address in enumerate((*personalization.to, *personalization.cc)):
            own = [each for each in by_recipient if each.message_id == first + n]
            kinds = {each.kind for each in own if each.recipient in (None, address.email)} - {EventKind.EXPIRED}
            store.facts.append(
                Fact(
                    msg_id=f"{mail.public_id}.{first + n}" + (f".{place}" if place else ""),
                    from_email=personalization.sender.email if personalization.sender else draft.sender.email,
                    to_email=address.email,
                    first_recipient=personalization.to[0].email,
                    subject=(personalization.subject or draft.subject).replace("-n-", str(n)),
                    status=STATUS.get(next(iter(kinds & STATUS.keys()), EventKind.HELD), "processed"),
                    events={"processed", *(NAMES[kind] for kind in kinds & NAMES.keys())},
                    last_event_time=(at if kinds & NAMES.keys() else mail.created_at).replace(microsecond=0),
                    categories=list(draft.categories),
                    unique_args={"mail": f"m{number}", **personalization.custom_args},
                    asm_group_id=group_id,
                )
            )


NAMES: dict[Any, str] = {
    EventKind.SENT: "delivered",
    EventKind.REFUSED: "bounced",
    EventKind.DROPPED: "dropped",
    EventKind.STOPPED: "dropped",
    EventKind.DEFERRED: "deferred",
    EventKind.UNSUBSCRIBED: "unsubscribe",
}
STATUS: dict[Any, str] = {
    EventKind.SENT: "delivered",
    **dict.fromkeys((EventKind.REFUSED, EventKind.DROPPED, EventKind.STOPPED), "not_delivered"),
}


def _outcomes(first: int) -> tuple[list[NewEvent], list[tuple[int, str]]]:
    """Return events of single messages, and eight messages that were sent, which are packed."""
    events = [
        NewEvent(first, EventKind.REFUSED, reply="550 5.1.1 unknown", suppression=SuppressionKind.BOUNCE),
        NewEvent(first + 1, EventKind.DEFERRED, reply="451 later"),
        NewEvent(first + 2, EventKind.IN_DOUBT, reply="no answer"),
        NewEvent(first + 11, EventKind.SENT, recipient="to1@example.com", reply="250 ok"),
        NewEvent(first + 11, EventKind.REFUSED, recipient="copy@example.com", reply="550 5.7.1 no"),
        NewEvent(first + 11, EventKind.UNSUBSCRIBED, recipient="to1@example.com", suppression=SuppressionKind.GLOBAL),
        # It is about those who are not finished, and all are.
        NewEvent(first + 11, EventKind.EXPIRED, reply="too late"),
        NewEvent(first + 2, EventKind.HELD, reply="in doubt"),
    ]
    return events, [(first + n, f"250 ok {n}") for n in range(3, 11)]
