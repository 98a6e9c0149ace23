"""Ask before everything that matches is stopped, rescheduled, replayed or dropped, and begin it on POST.

The question counts the messages first: exactly up to a limit, and otherwise with "or more". A person has to type a
large number. The first steps are done before the response, so an action on a small selection has ended by then. The
page of the action (`console/bulk.py`) shows the progress of a large one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from batches.admin.asking import Figure, Question, ReasonForm, TimeField, actor_of, confirm, refuse, require
from batches.admin.control import MAY_CONTROL
from batches.counts import Tally
from batches.models import Receipt
from foundation.admin import mark_numbers, write_time
from foundation.clock import database_now
from mailer.admin.filtering import ListForm
from mailer.bulk.actions import STATES, count_selected, end_early, open_action
from mailer.bulk.running import run_action
from mailer.listing.filters import Filters
from mailer.models import BulkAction, Message

Action = Receipt.Action
MAY_SEE: Final = "mailer.view_message"
LIST: Final = "admin:mailer_message_changelist"
LARGE: Final = 1_000
"""From this number of messages on, a person has to type the number."""
DEVIATION: Final = 0.1
"""The typed number may differ by this share from the count on the POST, since mail is being sent meanwhile."""
AT_ONCE_SECONDS: Final = 2.0
"""The steps of an action that are done before the response take about this time at most."""


@dataclass(frozen=True, slots=True)
class BulkButton:
    """A button for everything that matches: its action, its title and its look."""

    name: str
    action: Action
    title: str
    icon: str
    variant: str = "primary"

    def link(self, filters: Filters) -> str:
        """Return the address of the question."""
        return reverse(f"admin:mailer_messages_{self.name}", query=filters.as_query())


BUTTONS: Final = {
    button.name: button
    for button in (
        BulkButton("stop", Action.CANCEL, "Stop", "cancel", "danger"),
        BulkButton("reschedule", Action.RESCHEDULE, "Reschedule", "schedule_send"),
        BulkButton("replay", Action.REPLAY, "Replay", "replay"),
        BulkButton("drop", Action.DROP, "Drop", "delete", "danger"),
    )
}
CONSEQUENCES: Final = {
    Action.CANCEL: [
        "Messages that still wait are not sent. This cannot be undone.",
        "Messages are stopped one parcel after the other, and others are sent meanwhile. To stop a batch or an account "
        "at once, pause or freeze it first.",
    ],
    Action.RESCHEDULE: [
        "Messages that still wait get the new time, even if they were held or due. Cancelled messages do not.",
    ],
    Action.REPLAY: [
        "Held messages are due now. Messages in doubt are sent again with the same Message-ID: those that were sent "
        "before arrive twice.",
        "Paused and frozen messages wait for the resume or the thaw. Cancelled and purged messages do not change.",
    ],
    Action.DROP: [
        "Held messages are not sent, and messages in doubt are not sent again. This cannot be undone.",
    ],
}


class SelectionForm(ReasonForm):
    """Ask for a reason, and for the number of messages if it is large."""

    typed = forms.CharField(
        required=False,
        max_length=20,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    field_order = ("send_at", "reason", "typed")

    def __init__(self, data: Any, *, tally: Tally, key: str) -> None:
        super().__init__(data)
        self.tally = tally
        if tally.is_exact and tally.messages < LARGE:
            del self.fields["typed"]
        else:
            self.fields["typed"].label = mark_numbers(f"Type {tally.messages} to confirm", key)

    def clean_typed(self) -> str:
        digits = "".join(character for character in self.cleaned_data["typed"] if character not in ", .'")
        number = self.tally.messages
        if not (digits.isascii() and digits.isdecimal()) or abs(int(digits) - number) > DEVIATION * number:
            raise forms.ValidationError(f"Nothing was changed: type the number of messages, {number}.")
        return digits


class SelectionTimeForm(SelectionForm):
    """Ask for the new time of a reschedule, too."""

    send_at = TimeField(label="New send_at (UTC)", help_text="A time that has passed means now.")


def buttons_of(request: HttpRequest, filters: Filters) -> list[tuple[BulkButton, str]]:
    """Return the buttons that can apply to the filtered messages, with their addresses; none without filters."""
    if filters.is_empty or not request.user.has_perm(MAY_CONTROL):
        return []
    states = filters.states
    return [
        (button, button.link(filters))
        for button in BUTTONS.values()
        if states is None or states & STATES[button.action]
    ]


def ask(button: BulkButton, request: HttpRequest) -> HttpResponse:
    """Ask for confirmation, and on POST begin the action on everything that matches the address."""
    require(request, MAY_SEE, MAY_CONTROL)
    query = ListForm(request.GET)
    if not query.is_valid() or query.filters.is_empty:
        return refuse(request, "Nothing was changed: choose valid filters first.", reverse(LIST))
    filters = query.filters
    tally = count_selected(button.action, filters)
    kind = SelectionTimeForm if button.action == Action.RESCHEDULE else SelectionForm
    return confirm(
        request,
        kind(request.POST or None, tally=tally, key=key_of(button.action, filters)),
        lambda: _question(button, filters, tally),
        lambda actor, answers: _begin(button, filters, tally, actor, answers),
        back=reverse(LIST, query=filters.as_query()),
        model=Message,
        first=lambda: f"There is nothing to {button.name} among the {filters.describe()}." if tally == NOTHING else "",
    )


def key_of(action: Action, filters: Filters) -> str:
    """Return the key of the messages that an action on everything that matches is about."""
    return f"match:{action.value}:{urlencode(filters.as_query())}"


NOTHING: Final = Tally(0, is_exact=True)


def _begin(button: BulkButton, filters: Filters, tally: Tally, actor: str, answers: dict[str, Any]) -> HttpResponse:
    bulk = open_action(
        button.action, filters, tally, actor=actor, reason=answers["reason"], send_at=answers.get("send_at")
    )
    run_action(bulk.pk, seconds=AT_ONCE_SECONDS)
    return HttpResponseRedirect(reverse("bulk_action", args=[bulk.pk]))


def _question(button: BulkButton, filters: Filters, tally: Tally) -> Question:
    consequences = [*CONSEQUENCES[button.action], "Mail that is accepted after the confirmation is not changed."]
    if button.action == Action.RESCHEDULE:
        consequences.append(f"The clock of the database, which decides, shows {write_time(database_now())} UTC.")
    if not tally.is_exact:
        consequences.append("There may be more messages than were counted. The action finds all of them.")
    return Question(
        title=f"{button.title} everything that matches",
        text=mark_numbers(f"{button.title} {tally} messages?", key_of(button.action, filters)),
        named=filters.describe(),
        figures=[Figure("Messages that match", tally, key=key_of(button.action, filters))],
        consequences=consequences,
        button=button.title,
        icon=button.icon,
        variant=button.variant,
    )


def ask_for_end(request: HttpRequest, bulk_id: int) -> HttpResponse:
    """Ask for confirmation, and on POST end an action early."""
    require(request, MAY_SEE, MAY_CONTROL)
    bulk = get_object_or_404(BulkAction, pk=bulk_id)
    back = reverse("bulk_action", args=[bulk.pk])
    if request.method == "POST":
        end_early(bulk.pk, actor=actor_of(request))
        return HttpResponseRedirect(back)
    return confirm(
        request,
        forms.Form(),
        lambda: Question(
            title="End this action",
            text=f"End the {bulk.action} of many messages now?",
            consequences=["Its changes so far stay. The other messages are not changed."],
            button="End it",
            icon="stop_circle",
            variant="danger",
        ),
        lambda actor, answers: HttpResponseRedirect(back),
        back=back,
        model=Message,
        first=lambda: "The action has ended." if bulk.finished_at else "",
    )
