"""Ask once before several mailings are stopped, and then show their receipts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.models import Account
from batches.admin.asking import Button, Figure, Question, ReasonForm, confirm, require, tell_refusal
from batches.admin.control import CANCEL, PAUSE
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from campaigns.mailings import Choice, stop_mailings
from campaigns.several import Stop
from console.stop.mailings import MAY_SEE, actions_of, permission_for
from console.stop.receipts import MAY_SEE_RECEIPTS, link_receipts
from foundation.admin import mark_numbers, write_time
from foundation.errors import SluiceError
from monitoring.scope import EVERYTHING
from monitoring.search import SHOWN, Mailing, read_mailings

BUTTONS: dict[str, tuple[Button, BatchStatus]] = {
    "pause": (PAUSE, BatchStatus.PAUSED),
    "cancel": (CANCEL, BatchStatus.CANCELLED),
}
PARTICIPLES = {BatchStatus.PAUSED: "paused", BatchStatus.CANCELLED: "cancelled"}
CONSEQUENCES = {
    BatchStatus.PAUSED: "Mail that becomes due is retained until they are resumed, and expires after the retention.",
    BatchStatus.CANCELLED: "Waiting mail is discarded when its time comes, unless a batch is resumed before.",
}


class StopForm(ReasonForm):
    """The form of the question. The field of the reason has the focus, so that Enter answers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].widget.attrs["autofocus"] = True


def ask_stop(request: HttpRequest) -> HttpResponse:
    """Ask whether the chosen mailings are to be stopped, and on POST stop exactly these."""
    require(request, MAY_SEE)
    button, status = BUTTONS.get(request.GET.get("action", ""), BUTTONS["cancel"])
    handles = list(dict.fromkeys(request.GET.getlist("mailing")))[:SHOWN]
    mailings = read_mailings(handles, EVERYTHING)
    require(request, *{permission_for(mailing) for mailing in mailings})
    stoppable = [mailing for mailing in mailings if button.action in actions_of(mailing)]

    def carry(actor: str, fields: dict[str, Any]) -> HttpResponse:
        stops = stop_mailings(_choices(mailings), status, actor=actor, reason=fields["reason"])
        return _show(request, mailings, stops, status)

    return confirm(
        request,
        StopForm(request.POST or None),
        lambda: _question(button, status, stoppable),
        carry,
        back=_back(request),
        model=Batch,
        first=lambda: "" if stoppable else _why_pointless(button, mailings),
    )


def _back(request: HttpRequest) -> str:
    text = request.GET.get("q", "")
    return reverse("stop", query={"q": text}) if text else reverse("stop")


def _why_pointless(button: Button, mailings: Sequence[Mailing]) -> str:
    if not mailings:
        return "Nothing is selected."
    statuses = ", ".join(f"“{mailing.name}” is {mailing.status}" for mailing in mailings)
    return f"There is nothing to {button.action}: {statuses}."


def _choices(mailings: Sequence[Mailing]) -> list[Choice]:
    accounts = Account.objects.in_bulk({mailing.account_id for mailing in mailings})
    return [Choice(accounts[mailing.account_id], mailing.campaign_id, mailing.public_id or "") for mailing in mailings]


def _question(button: Button, status: BatchStatus, mailings: Sequence[Mailing]) -> Question:
    many = len(mailings) > 1
    key = f"batches:{'.'.join(str(mailing.batch_id) for mailing in mailings if mailing.batch_id)}"
    name = f"“{mailings[0].name}” of {mailings[0].account}"
    return Question(
        title=f"{button.title} {len(mailings)} mailings" if many else f"{button.title} a mailing",
        text=f"{button.title} {len(mailings)} mailings?" if many else f"{button.title} {name}?",
        figures=[
            Figure("Waiting now", sum(mailing.waiting or 0 for mailing in mailings), key=f"{key}:to_be_sent"),
            Figure("Sent already", sum(mailing.sent or 0 for mailing in mailings), key=f"{key}:sent"),
        ],
        consequences=[
            *(_describe(mailing) for mailing in mailings),
            "As soon as this is confirmed, no more mail of "
            + ("them is sent. Each gets a receipt." if many else "it is sent."),
            CONSEQUENCES[status],
        ],
        button=f"{button.title} {len(mailings)} mailings" if many else button.title,
        icon=button.icon,
        variant=button.variant,
    )


def _describe(mailing: Mailing) -> str:
    name = f"“{mailing.name}” of {mailing.account}"
    if mailing.waiting is None:
        return f"{name}: its recipients are not known before {write_time(mailing.next_at)} UTC."
    more = "" if mailing.is_exact else " or more"
    text = f"{name}: {mailing.sent or 0:,} sent, {mailing.waiting:,}{more} waiting"
    text = f"{text}, the next at {write_time(mailing.next_at)} UTC." if mailing.next_at else f"{text}."
    key = f"batch:{mailing.batch_id}"
    return text if mailing.batch_id is None else mark_numbers(text, f"{key}:sent", f"{key}:to_be_sent")


def _show(
    request: HttpRequest, mailings: Sequence[Mailing], stops: Sequence[Stop], status: BatchStatus
) -> HttpResponse:
    """Redirect to the receipts, with a message for each mailing that has none."""
    may_see = request.user.has_perm(MAY_SEE_RECEIPTS)
    for mailing, stop in zip(mailings, stops, strict=True):
        _tell(request, mailing, stop, status, may_see=may_see)
    receipts = [stop.receipt for stop in stops if stop.receipt is not None]
    return HttpResponseRedirect(link_receipts(receipts) if receipts and may_see else _back(request))


def _tell(request: HttpRequest, mailing: Mailing, stop: Stop, status: BatchStatus, *, may_see: bool) -> None:
    participle = PARTICIPLES[status]
    if stop.error is not None:
        messages.error(request, f"“{mailing.name}” was not {participle}: {_tell_error(stop.error)}.")
    elif stop.is_repeated:
        messages.info(request, f"“{mailing.name}” was already {participle}. The receipt is from the first time.")
    elif stop.receipt is None:
        messages.success(
            request, f"“{mailing.name}” is {participle}. No mail of it had been prepared, so it has no receipt."
        )
    elif not may_see:
        messages.success(request, f"“{mailing.name}” is {participle}: {_tell_counts(stop.receipt)}.")


def _tell_counts(receipt: Receipt) -> str:
    if receipt.is_settled:
        return f"{receipt.sent:,} messages had been sent"
    return f"{receipt.sent:,} messages had been sent, {receipt.in_flight:,} are in flight"


def _tell_error(error: SluiceError | OperationalError | InterfaceError) -> str:
    if isinstance(error, SluiceError):
        return re.sub(r"\.$", "", tell_refusal(error))
    return "the database did not answer in time; try again"
