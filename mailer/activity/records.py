"""Read what happened to messages: one activity for each recipient.

The recipients of a message can have different outcomes, so each of them has a separate status, events and a `msg_id`.
The `msg_id` of the first recipient is the local part of the default Message-ID. Those of the others end in a number.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.db.models import F

from accounts.models import Account
from batches.models import PARCEL_SPAN, Parcel
from batches.states import ParcelState
from foundation.addresses import to_ascii
from mailer.activity.conditions import MSG_ID, UNREAD, Field
from mailer.compose.mime import recipients_of
from mailer.models import Event, EventKind, LateKind, Mail, Message, SuppressionKind
from mailer.outcomes.reading import read_events
from mailer.preview import subject_of
from mailer.queries import find_holders
from mailer.tracking.reading import Late, read_late_events

RECIPIENTS_AT_ONCE: Final = 500
"""The recipients whose events are read at a time, unless one message has more."""
SUBJECTS_AT_ONCE: Final = 50
"""The messages whose values are read at a time to make their subjects. One can have some MiB of them."""
PERSONAL: Final = ("to", "cc", "bcc", "from", "subject", "custom_args")
"""The personal fields of a message that are read. The values for its texts can be large."""
TRACKING: Final = {
    f"{column}_{name}": F(f"{column}__{name}") for column in ("rendering", "defaults") for name in ("opens", "clicks")
}
"""The parts of a mail that say whether it is tracked."""
UNREAD_COLUMNS: Final = (
    *("content", "attachments", "headers", "reply_to", "rendering", "defaults"),
    *("template__html", "template__plain"),
)
"""The columns of a mail that are not read, since they can be large."""


class Status(enum.StrEnum):
    """The status of a message for one recipient."""

    PROCESSED = "processed"
    """The message was accepted, and no other status applies. It may wait, be deferred, held or in doubt."""
    DELIVERED = "delivered"
    """The recipient's server, or the next one, has accepted it."""
    NOT_DELIVERED = "not_delivered"
    """The message was refused, dropped, stopped, discarded or expired."""


class Name(enum.StrEnum):
    """The name of an event."""

    PROCESSED = "processed"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    DROPPED = "dropped"
    UNSUBSCRIBE = "unsubscribe"
    GROUP_UNSUBSCRIBE = "group_unsubscribe"
    GROUP_RESUBSCRIBE = "group_resubscribe"
    OPENED = "opened"
    CLICKED = "clicked"


NAMES: Final = {
    EventKind.SENT: Name.DELIVERED,
    EventKind.REFUSED: Name.BOUNCED,
    EventKind.DROPPED: Name.DROPPED,
    EventKind.STOPPED: Name.DROPPED,
    EventKind.DISCARDED: Name.DROPPED,
    EventKind.EXPIRED: Name.DROPPED,
    EventKind.DEFERRED: Name.DEFERRED,
    EventKind.UNSUBSCRIBED: Name.UNSUBSCRIBE,
}
"""The names of the kinds of events.

The events of a message that is retained, held or in doubt have no name, and neither has that of a recipient who
subscribes to all mail again.
"""
GROUP_NAMES: Final = {
    EventKind.UNSUBSCRIBED: Name.GROUP_UNSUBSCRIBE,
    EventKind.RESUBSCRIBED: Name.GROUP_RESUBSCRIBE,
}
"""The names of the kinds of events that are about a group."""
LATE_NAMES: Final = {LateKind.OPENED: Name.OPENED, LateKind.CLICKED: Name.CLICKED}
FINAL: Final = frozenset({Name.DELIVERED, Name.BOUNCED, Name.DROPPED})
HARD: Final = frozenset({SuppressionKind.BOUNCE, SuppressionKind.INVALID})
"""The lists of recipients who cannot be reached."""


class Happening(NamedTuple):
    """An event for one recipient.

    `attempt` numbers its deferrals from 1; `is_hard` is about a bounce, `user_agent` about an open or a click.
    """

    name: Name
    at: dt.datetime
    reason: str = ""
    attempt: int | None = None
    is_hard: bool = False
    user_agent: str = ""


@dataclass(slots=True)
class Activity:
    """A message for one of its recipients, and what happened to it, the oldest event first."""

    mail: Mail
    message: Message
    number: int
    """The number of the recipient among those of the message, from 0."""
    to_email: str
    status: Status
    events: list[Happening]
    opens: int = 0
    clicks: int = 0
    """How often it was opened and clicked. `events` has only the newest opens and clicks."""
    subject: str | None = None
    """The subject as it is sent; None until `read_subjects` has made it."""

    @property
    def msg_id(self) -> str:
        """Return the id by which `find_activity` finds it."""
        suffix = f".{self.number}" if self.number else ""
        return f"{self.mail.public_id}.{self.message.pk}{suffix}"

    @property
    def from_email(self) -> str:
        """Return the sender's address."""
        senders: Sequence[str] = self.own("from") or (self.mail.sender,)
        return to_ascii(senders[0])

    @property
    def last_event_time(self) -> dt.datetime:
        """Return the time of the last event, to the second, as it is shown."""
        return max(event.at for event in self.events).replace(microsecond=0)

    @property
    def template_id(self) -> str | None:
        """Return the id of the template that it was made with."""
        return None if self.mail.template is None else self.mail.template.template_id_shown

    @property
    def asm_group_id(self) -> int | None:
        """Return the id of its unsubscribe group."""
        return self.mail.unsubscribe_group_id

    @property
    def custom_args(self) -> dict[str, str]:
        """Return the custom arguments of the mail and of the message."""
        return {**self.mail.custom_args, **(self.own("custom_args") or {})}

    def own(self, name: str) -> Any:
        """Return a personal field of the message, or None."""
        return getattr(self.message, f"own_{name}")

    def value_of(self, field: Field) -> Any:
        """Return the value of a field of a query: None if it is missing, UNREAD if it is an unread subject."""
        match field.name:
            case "subject":
                return UNREAD if self.subject is None else self.subject
            case "unique_args":
                return self.custom_args if field.key is None else self.custom_args.get(field.key)
            case "categories":
                return self.mail.categories
            case "events":
                return {event.name.value for event in self.events}
            case "clicks":
                return Decimal(self.clicks)
            case name:
                return getattr(self, name)


def find_activity(account: Account, msg_id: str) -> Activity | None:
    """Return the account's activity with this id, or None if it has none, or its history is over."""
    match = MSG_ID.fullmatch(msg_id)
    if match is None:
        return None
    message_id = int(match["message"])
    if not Parcel.objects.filter(pk=message_id // PARCEL_SPAN, account=account).exists():
        return None
    for activities in read_activities([message_id]):
        for activity in activities:
            if activity.msg_id == msg_id:
                read_subjects([activity])
                return activity
    return None


def read_activities(message_ids: Sequence[int]) -> Iterator[list[Activity]]:
    """Yield the activities of messages, in this order and by recipient, in lists that are not long.

    Messages whose history is over are left out.
    """
    messages = _read_messages(message_ids)
    mails = _read_mails({message.mail_id for message in messages.values()})
    waiting: list[Message] = []
    recipients = 0
    for message_id in message_ids:
        message = messages.get(message_id)
        if message is None or message.mail_id not in mails:
            continue
        number = len(_recipients_of(message))
        if waiting and recipients + number > RECIPIENTS_AT_ONCE:
            yield _make_activities(waiting, mails)
            waiting, recipients = [], 0
        waiting.append(message)
        recipients += number
    if waiting:
        yield _make_activities(waiting, mails)


def _read_messages(message_ids: Collection[int]) -> dict[int, Message]:
    annotations = {f"own_{name}": F(f"personal__{name}") for name in PERSONAL}
    return Message.objects.defer("personal").annotate(**annotations).in_bulk(list(message_ids))


def _read_mails(mail_ids: Collection[int]) -> dict[int, Mail]:
    """Return mails by id, without their content."""
    light = Mail.objects.select_related("template").defer(*UNREAD_COLUMNS)
    annotated = light.annotate(is_handlebars=F("rendering__handlebars"), **TRACKING)
    mails: dict[int, Mail] = {**annotated.in_bulk(list(mail_ids))}
    for mail in mails.values():
        # A subject needs no other part of it.
        mail.rendering = {"handlebars": getattr(mail, "is_handlebars", None)}
    return mails


def _is_tracked(mail: Mail) -> bool:
    """Return whether opens or clicks of a mail may be tracked."""
    return any(getattr(mail, name) for name in TRACKING)


def _recipients_of(message: Message) -> tuple[str, ...]:
    fields = {name: getattr(message, f"own_{name}") for name in ("to", "cc", "bcc")}
    return recipients_of({name: value for name, value in fields.items() if value}, message.recipient)


def _make_activities(messages: Sequence[Message], mails: Mapping[int, Mail]) -> list[Activity]:
    ids = [message.pk for message in messages]
    # Parcels first: a message that leaves its parcel between the two reads has its event in the second.
    holders, events = find_holders(ids), read_events(ids)
    late = read_late_events([message.pk for message in messages if _is_tracked(mails[message.mail_id])])
    activities = []
    for message in messages:
        mail, holder = mails[message.mail_id], holders.get(message.pk)
        shared, events_of = _by_recipient(events.get(message.pk, ()))
        for number, recipient in enumerate(_recipients_of(message)):
            of_recipient = sorted([*shared, *events_of.get(recipient, ())], key=lambda event: event.id)
            happened = _happenings(mail, of_recipient)
            status = _status_of(happened, None if holder is None else holder.state)
            of_reader = [each for each in late.get(message.pk, ()) if each.recipient == number]
            happened += [Happening(LATE_NAMES[each.kind], each.at, user_agent=each.user_agent) for each in of_reader]
            opens, clicks = (_count(of_reader, kind) for kind in (LateKind.OPENED, LateKind.CLICKED))
            activities.append(Activity(mail, message, number, recipient, status, happened, opens, clicks))
    return activities


def _count(late: Sequence[Late], kind: LateKind) -> int:
    return next((event.number for event in late if event.kind == kind), 0)


def _by_recipient(events: Sequence[Event]) -> tuple[list[Event], dict[str, list[Event]]]:
    """Return the events that are about all recipients of a message, and those about one, by recipient."""
    shared: list[Event] = []
    by_recipient: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        (shared if event.recipient is None else by_recipient[to_ascii(event.recipient)]).append(event)
    return shared, by_recipient


def _happenings(mail: Mail, events: Sequence[Event]) -> list[Happening]:
    """Return the events for one recipient. After the recipient's end, events about all recipients are left out."""
    happened = [Happening(Name.PROCESSED, mail.created_at)]
    is_finished, deferrals = False, 0
    for event in events:
        name = _name_of(event)
        if name is None or (is_finished and name in FINAL and event.recipient is None):
            continue
        if name is Name.DEFERRED:
            if is_finished or event.is_decision:
                continue
            deferrals += 1
        happened.append(_happening(name, event, deferrals))
        is_finished = is_finished or name in FINAL
    return happened


def _name_of(event: Event) -> Name | None:
    """Return the name of an event, or None if it has none."""
    if event.suppression == SuppressionKind.GROUP and event.kind in GROUP_NAMES:
        return GROUP_NAMES[EventKind(event.kind)]
    return NAMES.get(EventKind(event.kind))


def _happening(name: Name, event: Event, deferrals: int) -> Happening:
    return Happening(
        name,
        event.at,
        event.reply or "",
        attempt=deferrals if name is Name.DEFERRED else None,
        is_hard=name is Name.BOUNCED and event.suppression in HARD,
    )


def _status_of(happened: Sequence[Happening], holder: ParcelState | None) -> Status:
    """Return the status for one recipient, from its events and the state of the parcel that holds the message."""
    names = {event.name for event in happened}
    if Name.DELIVERED in names:
        return Status.DELIVERED
    if names & FINAL or holder in (ParcelState.DISCARDED, ParcelState.EXPIRED):
        return Status.NOT_DELIVERED
    return Status.PROCESSED


def read_subjects(activities: Sequence[Activity]) -> None:
    """Make the subjects of activities, in place."""
    unread: dict[int, list[Activity]] = {}
    for activity in activities:
        if activity.subject is None:
            unread.setdefault(activity.message.pk, []).append(activity)
    unread_ids = list(unread)
    for start in range(0, len(unread_ids), SUBJECTS_AT_ONCE):
        ids = unread_ids[start : start + SUBJECTS_AT_ONCE]
        messages = Message.objects.in_bulk(ids)
        for message_id in ids:
            # A partition that was dropped meanwhile has taken the values with it.
            message = messages.get(message_id) or Message(pk=message_id, personal={})
            for activity in unread[message_id]:
                activity.subject = subject_of(message, activity.mail)
