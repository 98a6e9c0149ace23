"""Ask before a button does its work: show its effects in numbers, take a reason, and then show the receipt.

A GET only asks. The POST calls the function that the APIs call, and its answer is the receipt's page. If the core
refuses, the page says why, and nothing was changed. A list can show the question in a window (`#dialog`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from batches.counts import Tally
from batches.errors import MessageInFlight, PauseIsOver, UnknownBatch, UnknownMessage
from batches.models import Receipt
from foundation.clock import database_now
from foundation.errors import SluiceError

FURTHEST = dt.timedelta(days=366)
REFUSALS: dict[type[SluiceError], str] = {
    PauseIsOver: "this time has already passed",
    UnknownBatch: "the batch does not exist, or is the hidden batch of mail sent without one",
    UnknownMessage: "the message no longer exists",
    MessageInFlight: "a worker is sending the message; try again in a few seconds",
}
"""The texts for errors whose text is an identifier for programs. Apps above this one add theirs."""


class ReasonForm(forms.Form):
    """Ask for a reason, which is kept in the receipt."""

    reason = forms.CharField(
        max_length=500,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "The reason is kept in the receipt."}),
    )


class TimeInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    """Use the browser's input for a date and a time, in UTC like all times here."""

    input_type = "datetime-local"


class TimeField(forms.DateTimeField):
    """Read a time in UTC that is at most a year ahead: a later time is a typing error."""

    widget = TimeInput

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and value > database_now() + FURTHEST:
            raise forms.ValidationError("This is more than a year ahead. Enter an earlier time.")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name, drawn as a tile; with a `link` the tile leads there.

    `key` says what the number counts, such as `batch:12:sent`, so that a check of all pages can compare it.
    """

    title: str
    number: int | Tally
    note: str = ""
    link: str = ""
    key: str = ""

    @property
    def shown(self) -> str:
        return f"{self.number:,}" if isinstance(self.number, int) else str(self.number)


@dataclass(frozen=True, slots=True)
class Button:
    """A button: the action that it carries out, and its look. `icon` is a Material Symbol."""

    action: Receipt.Action
    icon: str
    variant: str = "primary"

    @property
    def title(self) -> str:
        return self.action.label.capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The question before an action: its subject, the numbers, and its effects in sentences.

    `details` is HTML that is shown below the numbers.
    """

    title: str
    text: str
    named: str = ""
    figures: Sequence[Figure] = ()
    details: SafeString | None = None
    consequences: Sequence[str] = ()
    button: str
    icon: str
    variant: str = "primary"


Carry = Callable[[str, dict[str, Any]], Receipt | HttpResponse]
"""A function that carries out an action with the actor and the form's values. It returns a receipt or a response."""


def actor_of(request: HttpRequest) -> str:
    """Return the operator as receipts and events name them."""
    return f"operator {request.user.get_username()}"


def require(request: HttpRequest, *permissions: str) -> None:
    """Accept an operator who has all of these permissions. Raises PermissionDenied."""
    if not request.user.has_perms(permissions):
        raise PermissionDenied


def refuse(request: HttpRequest, reason: str, back: str) -> HttpResponse:
    """Say why there is nothing to do, and go back."""
    messages.warning(request, reason)
    return HttpResponseRedirect(back)


def confirm(
    request: HttpRequest,
    form: forms.Form,
    question: Callable[[], Question],
    carry: Carry,
    *,
    back: str,
    model: type[Model] | None = None,
    first: Callable[[], str] = str,
) -> HttpResponse:
    """Ask, and on POST do what the button says.

    `first` returns the reason why the action would have no effect, or an empty text. The POST does not call it, since
    the core checks that again. `model` is the model of the page.
    """
    if request.method == "POST" and form.is_valid():
        try:
            outcome = carry(actor_of(request), form.cleaned_data)
            return _show(request, outcome, back) if isinstance(outcome, Receipt) else outcome
        except SluiceError as error:
            if error.field not in form.fields:
                return refuse(request, f"Nothing was changed: {tell_refusal(error)}.", back)
            form.add_error(error.field, f"Nothing was changed: {tell_refusal(error)}.")
    elif reason := first():
        return refuse(request, reason, back)
    shown_question = question()
    context = {
        **admin.site.each_context(request),
        "title": shown_question.title,
        "opts": model and model._meta,
        "question": shown_question,
        "form": form,
        "back": back,
    }
    return TemplateResponse(request, "batches/question.html", context)


def tell_refusal(error: SluiceError) -> str:
    """Return why the core has refused."""
    return REFUSALS.get(type(error), str(error))


def _show(request: HttpRequest, receipt: Receipt, back: str) -> HttpResponse:
    """Redirect to the receipt's page, or show a sentence to those who may not see receipts."""
    if request.user.has_perm("batches.view_receipt"):
        return HttpResponseRedirect(reverse("admin:batches_receipt_change", args=[receipt.pk]))
    messages.success(request, f"Done: {receipt.sent:,} messages had been sent, {receipt.in_flight:,} are in flight.")
    return HttpResponseRedirect(back)
