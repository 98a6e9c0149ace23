"""Show the state of an account on its page, with buttons to freeze, thaw and purge it.

Accounts know nothing of batches, so the effects of a stop are added to an account's page from here: this admin takes
the place of the one in `accounts/admin`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin import AccountAdmin
from accounts.models import Account
from batches.admin.asking import Button, Figure, Question, ReasonForm, confirm, require
from batches.admin.control import say_held
from batches.admin.figures import draw_bar
from batches.admin.receipts import tabulate_receipts
from batches.counts import Counts, count_account, estimate_account
from batches.models import Receipt
from batches.stop.freeze import freeze_account, is_installation_frozen, thaw_account
from batches.stop.purge import purge_account
from foundation.admin import draw_figure, mark_numbers, tell_time

MAY_CONTROL = "accounts.change_account"
SUBUSERS_SHOWN = 50
RECEIPTS_SHOWN = 10

FREEZE = Button(Receipt.Action.FREEZE, "ac_unit", "danger")
THAW = Button(Receipt.Action.THAW, "sunny")
PURGE = Button(Receipt.Action.PURGE, "delete_forever", "danger")
BUTTONS = {FREEZE: freeze_account, THAW: thaw_account, PURGE: purge_account}

admin.site.unregister(Account)


class PurgeForm(ReasonForm):
    """Ask for the reason of a purge, and for the username, since a purge cannot be undone."""

    username = forms.CharField(widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = account.username
        self.fields["username"].label = f"Type {account.username} to confirm"

    def clean_username(self) -> None:
        if self.cleaned_data["username"] != self.expected:
            raise forms.ValidationError("This is not the username of the account. Nothing was changed.")


@admin.register(Account)
class StoppableAccountAdmin(AccountAdmin):
    """Show accounts with their freezes, and with buttons to freeze, thaw and purge them."""

    change_form_template = "batches/account.html"

    def get_fields(self, request: HttpRequest, obj: Account | None = None) -> Any:
        """Return the fields without the time of a freeze, which is shown above the form."""
        return [field for field in super().get_fields(request, obj) if field != "frozen"]

    def get_urls(self) -> list[URLPattern]:
        buttons = [
            path(
                f"<int:account_id>/{button.action}/",
                self.admin_site.admin_view(partial(control_account, button=button)),
                name=f"accounts_account_{button.action}",
            )
            for button in BUTTONS
        ]
        return [*buttons, *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        account = kwargs.get("obj")
        if account is not None:
            context.update(show_account(request, account))
        return super().render_change_form(request, context, *args, **kwargs)


def buttons_of(account: Account) -> list[Button]:
    """Return the buttons that have an effect. Only a frozen account can be purged."""
    return [FREEZE] if account.frozen_at is None else [THAW, PURGE]


def show_account(request: HttpRequest, account: Any) -> dict[str, Any]:
    """Return the texts above the form of an account's page."""
    estimate = estimate_account(account.pk)
    counts, key = estimate.counts, f"account:{account.pk}"
    subusers = list(account.subusers.order_by("username")[: SUBUSERS_SHOWN + 1])
    may_control = request.user.has_perm(MAY_CONTROL)
    return {
        "account": account,
        "frozen_told": account.frozen_at and tell_time(account.frozen_at, account.read_at),
        "subusers": subusers[:SUBUSERS_SHOWN],
        "has_more_subusers": len(subusers) > SUBUSERS_SHOWN,
        "mail": {
            name: draw_figure(f"{key}:{name}", getattr(counts, name), is_exact=estimate.is_exact)
            for name in ("accepted", "waiting", "held", "in_doubt")
        },
        "bar": draw_bar(estimate, key),
        "has_mail_in_hand": counts.held or counts.in_doubt,
        "receipts": tabulate_receipts(account.receipts.filter(batch=None).order_by("-pk")[:RECEIPTS_SHOWN]),
        "buttons": [
            (button, reverse(f"admin:accounts_account_{button.action}", args=[account.pk]))
            for button in buttons_of(account)
        ]
        if may_control
        else [],
    }


def control_account(request: HttpRequest, account_id: int, button: Button) -> HttpResponse:
    """Ask for confirmation, and on POST do what the button says."""
    require(request, MAY_CONTROL)
    account = get_object_or_404(Account.objects.select_related("parent"), pk=account_id)
    data = request.POST or None
    state = "already frozen" if account.frozen_at else "not frozen"
    return confirm(
        request,
        PurgeForm(data, account=account) if button is PURGE else ReasonForm(data),
        lambda: _question(button, account),
        lambda actor, answers: BUTTONS[button](account, actor=actor, reason=answers["reason"]),
        back=reverse("admin:accounts_account_change", args=[account.pk]),
        model=Account,
        first=lambda: (
            "" if button in buttons_of(account) else f"There is nothing to {button.action}: the account is {state}."
        ),
    )


def _question(button: Button, account: Account) -> Question:
    counts = count_account(account.pk)
    subusers = account.subusers.count()
    below = f" and its {subusers:,} subuser{'' if subusers == 1 else 's'}" if subusers else ""
    return Question(
        title=f"{button.title} an account",
        text=mark_numbers(
            f"{button.title} {account}{below}?", *([f"account:{account.pk}:subusers"] if subusers else [])
        ),
        figures=[
            Figure("Waiting now", counts.waiting, key=f"account:{account.pk}:waiting"),
            Figure("Claimed by workers", counts.claimed, key=f"account:{account.pk}:claimed"),
            Figure("Sent already", counts.sent, key=f"account:{account.pk}:sent"),
            Figure("In doubt", counts.in_doubt, key=f"account:{account.pk}:in_doubt"),
        ],
        consequences=say_consequences(button, account, counts),
        button=button.title,
        icon=button.icon,
        variant=button.variant,
    )


def say_consequences(button: Button, account: Account, counts: Counts) -> list[str]:
    """Return the effects of the action, in sentences with numbers."""
    about = f"account:{account.pk}"
    if button is FREEZE:
        return [
            "As soon as this is confirmed, no more mail from this account or its subusers is sent, in any batch.",
            "Mail is still accepted. Mail that becomes due is retained, and does not expire during the freeze.",
            "Thaw continues the delivery. Nothing is lost or sent twice.",
        ]
    if button is PURGE:
        return [
            mark_numbers(
                f"{counts.waiting:,} messages are discarded permanently: {counts.scheduled:,} scheduled, "
                f"{counts.due:,} due, {counts.claimed:,} claimed by workers, {counts.retained:,} retained, "
                f"{counts.held:,} held.",
                *(f"{about}:{name}" for name in ("waiting", "scheduled", "due", "claimed", "retained", "held")),
            ),
            "Neither a thaw nor a resume can undo this.",
            mark_numbers(
                "The account stays frozen. Mail that is accepted later is not affected, nor are the "
                f"{counts.in_doubt:,} messages in doubt.",
                f"{about}:in_doubt",
            ),
        ]
    parent = account.parent
    return [
        mark_numbers(
            f"{counts.due + counts.retained:,} messages whose time has come are sent immediately, as fast as the "
            "workers can, unless their batch is paused or cancelled.",
            f"{about}:due_or_retained",
        ),
        mark_numbers(
            f"{counts.scheduled:,} messages are sent at their send_at, as scheduled, unless their batch is paused or "
            "cancelled.",
            f"{about}:scheduled",
        ),
        *say_held(counts, about),
        *([f"Its parent {parent} is frozen, too: no mail is sent until it is thawed."] if is_frozen(parent) else []),
        *(["Everything is frozen, too: no mail is sent until that is thawed."] if is_installation_frozen() else []),
    ]


def is_frozen(account: Account | None) -> bool:
    return account is not None and account.frozen_at is not None
