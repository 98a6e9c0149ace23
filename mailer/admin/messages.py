"""Show a message: read-only, except for the buttons of a message that may still be sent."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from foundation.admin import ReadOnlyAdmin, draw_label, tell_time, write_time
from foundation.clock import Now
from mailer.admin.bulk import BUTTONS, ask, ask_for_end
from mailer.admin.drawing import EVENT_COLOURS, STATE_COLOURS, draw_text
from mailer.admin.late_events import tabulate_late_events
from mailer.admin.message_list import show_list
from mailer.admin.one_message import buttons_of, reschedule, stop
from mailer.listing.standings import read_standings
from mailer.models import Classification, Event, EventKind, Mail, Message, SuppressionKind
from mailer.outcomes.reading import read_events
from mailer.preview import preview_message

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


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin[Message]):
    """Show the list of messages with its filters, and the page of one message."""

    change_form_template = "mailer/message.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return show_list(request)

    def get_urls(self) -> list[URLPattern]:
        buttons = [
            path(f"<int:message_id>/{name}/", self.admin_site.admin_view(view), name=f"mailer_message_{name}")
            for name, view in (("stop", stop), ("reschedule", reschedule))
        ]
        of_many = [
            path(f"all/{name}/", self.admin_site.admin_view(partial(ask, button)), name=f"mailer_messages_{name}")
            for name, button in BUTTONS.items()
        ]
        end = path("actions/<int:bulk_id>/end/", self.admin_site.admin_view(ask_for_end), name="mailer_bulk_action_end")
        return [*buttons, *of_many, end, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).annotate(read_at=Now())

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        context.update(show_message(request, kwargs["obj"]))
        return super().render_change_form(request, context, *args, **kwargs)


def show_message(request: HttpRequest, message: Any) -> dict[str, Any]:
    """Return the texts of a message's page. Its mail may be missing while its history is being pruned."""
    state, send_at = read_standings([message.pk])[message.pk]
    mail = Mail.objects.select_related("batch", "account").filter(pk=message.mail_id).first()
    personal = message.personal or {}
    return {
        "message": message,
        "mail": mail,
        "state": state,
        "send_at": send_at,
        "buttons": buttons_of(request, message, state, mail.account_id if mail else None),
        "state_colour": STATE_COLOURS.get(state),
        "send_at_told": tell_time(send_at, message.read_at) if send_at else "",
        "preview": mail and preview_message(message, mail),
        "substitutions": personal.get("substitutions") or {},
        "custom_args": {**(mail.custom_args if mail else {}), **(personal.get("custom_args") or {})},
        "events": tabulate_events(message),
        "late_events": tabulate_late_events(message, mail),
    }


def tabulate_events(message: Message) -> dict[str, Any]:
    """Return a message's history for unfold's table."""
    events = read_events([message.pk], limit=EVENTS_SHOWN).get(message.pk, [])
    return {
        "headers": ["When (UTC)", "Event", "Recipient", "Class", "List", "Encrypted", "Reply of the peer, or reason"],
        "rows": [
            [
                write_time(event.at),
                draw_label(EventKind(event.kind).label, EVENT_COLOURS[EventKind(event.kind)]),
                draw_text(_name_recipients(event, message)),
                _name_class(event),
                _name_list(event),
                "" if event.is_encrypted is None else "yes" if event.is_encrypted else "no",
                draw_text(event.reply or ""),
            ]
            for event in events
        ],
    }


def _name_recipients(event: Event, message: Message) -> str:
    """Return the recipients of an event. A decision to send a message again counts for no recipient."""
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
    """Return the list on which an event put a recipient, or because of which the message was not sent."""
    if event.suppression is None:
        return ""
    name = LISTS[SuppressionKind(event.suppression)]
    return f"put on the list of {name}" if event.kind == EventKind.REFUSED else f"on the list of {name}"
