"""The pages of messages: searchable, and read-only except for the buttons of a message that may still be sent."""

from __future__ import annotations

import datetime as dt
from typing import Any, Protocol

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from batches.admin.figures import batch_link, draw_label
from batches.models import PARCEL_SPAN, Parcel
from foundation.admin import ReadOnlyAdmin, coloured, tell_time, write_time
from foundation.clock import database_now
from mailer.admin.one_message import buttons_of, reschedule, stop
from mailer.models import Classification, Event, EventKind, Mail, Message, SuppressionKind
from mailer.outcomes.reading import read_events
from mailer.preview import preview_message, subject_of
from mailer.queries import states_of
from mailer.search import SHOWN, find_messages

STATE_COLOURS = {
    "scheduled": "",
    "due": "primary",
    "claimed": "primary",
    "retained": "warning",
    "held": "warning",
    "sent": "success",
    "refused": "danger",
    "dropped": "danger",
    "stopped": "danger",
    "discarded": "danger",
    "expired": "danger",
    "in_doubt": "warning",
}
EVENT_COLOURS = {
    EventKind.SENT: "success",
    EventKind.REFUSED: "danger",
    EventKind.DROPPED: "danger",
    EventKind.STOPPED: "danger",
    EventKind.DEFERRED: "warning",
    EventKind.IN_DOUBT: "warning",
    EventKind.DISCARDED: "danger",
    EventKind.EXPIRED: "danger",
    EventKind.RETAINED: "warning",
    EventKind.HELD: "warning",
    EventKind.UNSUBSCRIBED: "",
}
OF_RECIPIENTS = {EventKind.SENT, EventKind.REFUSED, EventKind.DROPPED, EventKind.DEFERRED, EventKind.IN_DOUBT}
"""The kinds of events that say how many recipients they are about."""
LISTS = {
    SuppressionKind.GROUP: "unsubscribes from a group",
    SuppressionKind.GLOBAL: "global unsubscribes",
    SuppressionKind.BOUNCE: "bounces",
    SuppressionKind.BLOCK: "blocks",
    SuppressionKind.INVALID: "invalid addresses",
    SuppressionKind.SPAM: "spam reports",
}
EVENTS_SHOWN = 200


class CompleteMessage(Protocol):
    """A message of a page, with what other tables say of it."""

    pk: int
    state: str
    mail: Mail | None
    send_at: dt.datetime | None
    subject: str


class FoundMessages(ChangeList):
    """The messages that a search finds, or the newest: one page, whose rows cost four statements together."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Message]:
        return Message.objects.filter(pk__in=find_messages(self.query)).order_by("-pk")

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = complete(list(self.result_list))


def complete(messages: list[Any]) -> list[Any]:
    """Return the messages with their states, mails (without content; None when pruned), times and subjects."""
    states = states_of([message.pk for message in messages])
    heavy = ("content", "attachments", "template__html", "template__plain")
    light = Mail.objects.select_related("batch", "account", "template").defer(*heavy)
    mails = light.in_bulk({message.mail_id for message in messages})
    parcels = Parcel.objects.filter(pk__in={message.pk // PARCEL_SPAN for message in messages})
    send_ats = dict(parcels.values_list("pk", "send_at"))
    for message in messages:
        message.state = states[message.pk]
        message.mail = mails.get(message.mail_id)
        message.send_at = send_ats.get(message.pk // PARCEL_SPAN)
        message.subject = subject_of(message, message.mail) if message.mail else ""
    return messages


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin[Message]):
    """The page of messages, which are searched by exact terms and never listed as a whole."""

    list_display = ("recipient", "shown_state", "account", "batch", "send_at", "subject", "message_id")
    list_per_page = SHOWN
    # There is one page, and it is short.
    paginator = Paginator
    search_fields = ("recipient",)
    search_help_text = "Address, X-Message-Id, batch id or message id"
    change_form_template = "mailer/message.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FoundMessages

    def get_urls(self) -> list[URLPattern]:
        buttons = [
            path(f"<int:message_id>/{name}/", self.admin_site.admin_view(view), name=f"mailer_message_{name}")
            for name, view in (("stop", stop), ("reschedule", reschedule))
        ]
        return [*buttons, *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        context.update(show_message(request, kwargs["obj"]))
        return super().render_change_form(request, context, *args, **kwargs)

    @coloured(STATE_COLOURS)
    @admin.display(description="state")
    def shown_state(self, message: CompleteMessage) -> str:
        return message.state

    @admin.display(description="account")
    def account(self, message: CompleteMessage) -> str | None:
        return message.mail.account.username if message.mail else None

    @admin.display(description="batch")
    def batch(self, message: CompleteMessage) -> SafeString | None:
        return batch_link(message.mail.batch_id, message.mail.batch.public_id) if message.mail else None

    @admin.display(description="send_at (UTC)")
    def send_at(self, message: CompleteMessage) -> str:
        return write_time(message.send_at)

    @admin.display(description="subject")
    def subject(self, message: CompleteMessage) -> str:
        return message.subject[:100]

    @admin.display(description="id")
    def message_id(self, message: CompleteMessage) -> str:
        return str(message.pk)


def show_message(request: HttpRequest, message: Message) -> dict[str, Any]:
    """Return the texts of a message's page. Its mail may be gone, when its history is being pruned."""
    (shown,) = complete([message])
    mail: Mail | None = shown.mail
    now = database_now()
    personal = message.personal or {}
    return {
        "message": message,
        "mail": mail,
        "buttons": buttons_of(request, message, shown.state, mail.account_id if mail else None),
        "state_colour": STATE_COLOURS.get(shown.state),
        "send_at_told": tell_time(shown.send_at, now) if shown.send_at else "",
        "preview": mail and preview_message(message, mail),
        "substitutions": personal.get("substitutions") or {},
        "custom_args": {**(mail.custom_args if mail else {}), **(personal.get("custom_args") or {})},
        "events": tabulate_events(message),
    }


def tabulate_events(message: Message) -> dict[str, Any]:
    """Return a message's history for unfold's table."""
    events = read_events([message.pk], limit=EVENTS_SHOWN).get(message.pk, [])
    return {
        "headers": ["When (UTC)", "Event", "Recipient", "Class", "List", "Reply of the peer, or reason"],
        "rows": [
            [
                write_time(event.at),
                draw_label(EventKind(event.kind).label, EVENT_COLOURS[EventKind(event.kind)]),
                draw_text(_name_recipients(event, message)),
                _name_class(event),
                _name_list(event),
                draw_text(event.reply or ""),
            ]
            for event in events
        ],
    }


def _name_recipients(event: Event, message: Message) -> str:
    """Return whom an event is about. A decision to send again counts for nobody."""
    number = 1 if event.recipients is None else event.recipients
    if event.recipient is not None:
        return event.recipient
    if event.kind not in OF_RECIPIENTS or not number:
        return "all recipients"
    return message.recipient if number == 1 else f"all {number:,} recipients"


def _name_class(event: Event) -> str:
    """Return why a peer refused or deferred, as the reply class and the classification in it."""
    if event.classification is None:
        return ""
    classification = Classification(event.classification)
    return f"{classification.reply_class.label}: {classification.label}"


def _name_list(event: Event) -> str:
    """Return the list that a recipient was put on, or was not sent the message because of."""
    if event.suppression is None:
        return ""
    name = LISTS[SuppressionKind(event.suppression)]
    return f"put on the list of {name}" if event.kind == EventKind.REFUSED else f"on the list of {name}"


def draw_text(text: str, link: str = "") -> SafeString:
    """Return a long text for a cell of a table, perhaps as a link."""
    return render_to_string("mailer/long_text.html", {"text": text, "link": link})
