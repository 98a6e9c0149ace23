"""Edit senders. They are verified by a link that is mailed to them, or by an operator with the permission."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from batches.admin.asking import Question, confirm, require
from batches.admin.batches import AccountFilter
from batches.admin.refusing import RefusableAdmin, RefusableForm
from campaigns.errors import InvalidSender, SenderProblem
from campaigns.models import Sender
from campaigns.senders import (
    REQUIRED,
    create_sender,
    delete_sender,
    is_locked,
    resend_verification,
    update_sender,
    vouch_for_sender,
)
from foundation.admin import ChoosingForm, ReadOnlyAdmin, coloured, write_time

PARTS = (
    "nickname",
    "from_name",
    "from_email",
    "reply_to",
    "reply_to_name",
    "address",
    "address_2",
    "city",
    "state",
    "zip",
    "country",
)
LINES = frozenset({"from_name", "reply_to_name", "address", "address_2", "city", "state", "zip", "country"})
"""Texts of one line."""
PROBLEMS = {
    SenderProblem.MISSING: "This field is required.",
    SenderProblem.INVALID: "This value is not valid.",
    SenderProblem.TAKEN: "Another sender of the account has this nickname.",
}
VERIFIED_COLOURS = {"verified": "success", "not verified": "warning"}


@dataclass(frozen=True, slots=True)
class SenderMove:
    """A button for a sender that is not verified."""

    name: str
    title: str
    icon: str
    permission: str
    carry: Callable[[Any, int], object]
    consequence: str
    outcome: str


MOVES = (
    SenderMove(
        "resend",
        "Mail the link again",
        "forward_to_inbox",
        "campaigns.change_sender",
        resend_verification,
        "Another mail with a link is sent to the address. Its reader can confirm the sender.",
        "The link was mailed.",
    ),
    SenderMove(
        "verify",
        "Verify by hand",
        "verified",
        "campaigns.verify_sender",
        vouch_for_sender,
        "You confirm that this account may send from this address. Campaigns can use it at once.",
        "The sender is verified.",
    ),
)


class SenderForm(RefusableForm, ChoosingForm[Sender]):
    """Edit the fields that every mail of a sender shows."""

    class Meta:
        model = Sender
        fields = ("account", *PARTS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in LINES & self.fields.keys():
            self.fields[name].widget = UnfoldAdminTextInputWidget()
        for name in self.fields.keys() - {"account", *REQUIRED}:
            self.fields[name].required = False

    def clean(self) -> Any:
        fields = super().clean()
        if isinstance(self.refusal, InvalidSender):
            for wrong in self.refusal.wrong:
                self.add_error(wrong.part, PROBLEMS[wrong.problem])
        return fields


@admin.register(Sender)
class SenderAdmin(RefusableAdmin[Sender]):
    """Show and edit senders. A sender that a campaign uses cannot be changed."""

    list_display = ("nickname", "from_email", "from_name", "shown_account", "is_verified", "verified")
    list_select_related = ("account",)
    list_filter = (AccountFilter,)
    search_fields = ("nickname", "from_email")
    ordering = ("-pk",)
    form = SenderForm
    actions = None
    paginator, show_facets, sortable_by = ReadOnlyAdmin.paginator, ReadOnlyAdmin.show_facets, ()
    show_full_result_count = False
    change_form_template = "campaigns/sender.html"

    def get_urls(self) -> list[URLPattern]:
        moves = [
            path(
                f"<int:sender_id>/{move.name}/",
                self.admin_site.admin_view(partial(control_sender, move=move)),
                name=f"campaigns_sender_{move.name}",
            )
            for move in MOVES
        ]
        return [*moves, *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Sender | None = None) -> Any:
        return ("account",) if obj else ()

    def get_fields(self, request: HttpRequest, obj: Sender | None = None) -> Any:
        return ("account", *PARTS)

    def has_delete_permission(self, request: HttpRequest, obj: Sender | None = None) -> bool:
        """Return whether the sender can be deleted, which requires that no campaign uses it."""
        return super().has_delete_permission(request, obj) and (obj is None or not is_locked(obj))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if sender := kwargs.get("obj"):
            context["sender"] = sender
            context["is_locked"] = is_locked(sender)
            context["moves"] = [
                (move, reverse(f"admin:campaigns_sender_{move.name}", args=[sender.pk]))
                for move in MOVES
                if sender.verified_at is None and request.user.has_perm(move.permission)
            ]
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Sender, form: Any, change: bool) -> None:
        fields = form.cleaned_data
        if change:
            update_sender(obj.account, obj.pk, **{part: fields[part] for part in PARTS if part in form.changed_data})
        else:
            obj.pk = create_sender(obj.account, **{part: fields[part] for part in PARTS}).pk

    def delete_model(self, request: HttpRequest, obj: Sender) -> None:
        delete_sender(obj.account, obj.pk)

    @admin.display(description="account")
    def shown_account(self, obj: Sender) -> str:
        return obj.account.username

    @coloured(VERIFIED_COLOURS)
    @admin.display(description="verified")
    def is_verified(self, obj: Sender) -> str:
        return "verified" if obj.verified_at else "not verified"

    @admin.display(description="since (UTC)")
    def verified(self, obj: Sender) -> str:
        return write_time(obj.verified_at)


def control_sender(request: HttpRequest, sender_id: int, move: SenderMove) -> HttpResponse:
    """Ask for confirmation, and on POST make the move."""
    require(request, "campaigns.view_sender", move.permission)
    sender = get_object_or_404(Sender.objects.select_related("account"), pk=sender_id)
    back = reverse("admin:campaigns_sender_change", args=[sender.pk])

    def carry(actor: str, fields: dict[str, Any]) -> HttpResponse:
        move.carry(sender.account, sender.pk)
        messages.success(request, move.outcome)
        return HttpResponseRedirect(back)

    return confirm(
        request,
        forms.Form(request.POST if request.method == "POST" else None),
        lambda: Question(
            title=move.title,
            text=f"{move.title}: {sender.from_email} of {sender.account}?",
            consequences=[move.consequence],
            button=move.title,
            icon=move.icon,
        ),
        carry,
        back=back,
        model=Sender,
        first=lambda: "The sender is verified already." if sender.verified_at else "",
    )
