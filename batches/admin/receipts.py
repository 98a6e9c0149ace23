"""Show receipts: the audit of every stop and resume, and the page to which an operator's stop leads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from batches.admin.receipt_texts import DONE_TO, describe_receipt, figures_of
from batches.labels import label_of
from batches.models import Receipt
from foundation.admin import ReadOnlyAdmin, coloured, draw_figure, draw_label, draw_link, write_time

ACTION_COLOURS: dict[str, str] = {
    Receipt.Action.PAUSE: "warning",
    Receipt.Action.CANCEL: "danger",
    Receipt.Action.RESUME: "success",
    Receipt.Action.FREEZE: "danger",
    Receipt.Action.THAW: "success",
    Receipt.Action.PURGE: "danger",
    Receipt.Action.RESCHEDULE: "info",
    Receipt.Action.REPLAY: "success",
    Receipt.Action.DROP: "danger",
}
SETTLED_COLOURS = {"settled": "success", "not yet": "warning"}
DOUBTS_SHOWN = 200


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin[Receipt]):
    """Show receipts. A receipt is written once, by its action, and cannot be changed."""

    list_display = (
        "shown_time",
        "shown_action",
        "about",
        "shown_account",
        "who_and_why",
        "shown_sent",
        "shown_stopped",
        "shown_in_doubt",
        "shown_affected",
        "settled",
    )
    list_select_related = ("account", "batch")
    list_filter = ("action",)
    search_fields = ("public_id__exact", "batch__public_id__exact", "account__username__exact")
    search_help_text = "Search by the id of a receipt or of a batch, or by an account"
    ordering = ("-pk",)
    change_form_template = "batches/receipt.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Receipt]:
        """Return the receipts without their lists of claims and doubts, which may be long."""
        return super().get_queryset(request).defer("claims", "doubtful_messages")

    @admin.display(description="when (UTC)")
    def shown_time(self, receipt: Receipt) -> str:
        return write_time(receipt.created_at)

    @coloured(ACTION_COLOURS)
    @admin.display(description="action")
    def shown_action(self, receipt: Receipt) -> str:
        return receipt.action

    @admin.display(description="about")
    def about(self, receipt: Receipt) -> SafeString:
        return link_subject(receipt)

    @admin.display(description="account")
    def shown_account(self, receipt: Receipt) -> str:
        return receipt.account.username if receipt.account else "everybody"

    @admin.display(description="by, and why")
    def who_and_why(self, receipt: Receipt) -> str:
        return f"{receipt.actor}: {receipt.reason}" if receipt.reason else receipt.actor

    @admin.display(description="sent")
    def shown_sent(self, receipt: Receipt) -> SafeString:
        return draw_figure(f"receipt:{receipt.pk}:sent", receipt.sent)

    @admin.display(description="stopped")
    def shown_stopped(self, receipt: Receipt) -> SafeString:
        return draw_figure(f"receipt:{receipt.pk}:stopped", receipt.newly_stopped)

    @admin.display(description="in doubt")
    def shown_in_doubt(self, receipt: Receipt) -> SafeString:
        return draw_figure(f"receipt:{receipt.pk}:in_doubt", receipt.in_doubt)

    @admin.display(description="affected")
    def shown_affected(self, receipt: Receipt) -> str:
        return draw_affected(receipt)

    @coloured(SETTLED_COLOURS)
    @admin.display(description="settled")
    def settled(self, receipt: Receipt) -> str:
        return "settled" if receipt.is_settled else "not yet"


def show_receipt(receipt: Receipt) -> dict[str, Any]:
    """Return the texts of a receipt's page, without those of its campaign."""
    doubts = receipt.doubtful_messages
    return {
        "receipt": receipt,
        "action_colour": ACTION_COLOURS[receipt.action],
        "outcome": describe_receipt(receipt),
        "figures": figures_of(receipt),
        "subject": link_subject(receipt),
        "doubts": doubts[:DOUBTS_SHOWN],
        "more_doubts": max(receipt.in_doubt - DOUBTS_SHOWN, 0) if doubts else 0,
    }


def link_subject(receipt: Receipt) -> SafeString:
    """Return the subject: a message, a selection, a batch, or everything of an account or of the installation."""
    if receipt.message_id is not None:
        url = reverse("admin:mailer_message_change", args=[receipt.message_id])
        return draw_link(url, f"message {receipt.message_id}")
    if receipt.selection:
        return conditional_escape(receipt.selection)
    if receipt.batch is not None:
        return draw_link(reverse("admin:batches_batch_change", args=[receipt.batch_id]), label_of(receipt.batch))
    if receipt.account is not None:
        return draw_link(reverse("admin:accounts_account_change", args=[receipt.account_id]), name_subject(receipt))
    return SafeString(name_subject(receipt))


def name_subject(receipt: Receipt) -> str:
    """Return the name of the subject: a message, a batch, an account or the installation."""
    if receipt.message_id is not None:
        return f"message {receipt.message_id}"
    if receipt.selection:
        return receipt.selection
    if receipt.batch is not None:
        return label_of(receipt.batch)
    return f"all mail of {receipt.account}" if receipt.account is not None else "the whole installation"


def tabulate_receipts(receipts: Iterable[Receipt]) -> dict[str, Any]:
    """Return receipts of one batch or account for unfold's table."""
    return {
        "headers": ["When", "Action", "By", "Reason", "Sent", "Stopped", "In doubt", "Affected", ""],
        "rows": [
            [
                _receipt_link(receipt),
                draw_label(receipt.action, ACTION_COLOURS[receipt.action]),
                receipt.actor,
                receipt.reason,
                draw_figure(f"receipt:{receipt.pk}:sent", receipt.sent),
                draw_figure(f"receipt:{receipt.pk}:stopped", receipt.newly_stopped),
                draw_figure(f"receipt:{receipt.pk}:in_doubt", receipt.in_doubt),
                draw_affected(receipt),
                "" if receipt.is_settled else draw_label("not settled", "warning"),
            ]
            for receipt in receipts
        ],
    }


def draw_affected(receipt: Receipt) -> str:
    """Return how many messages an action has changed; empty for an action that does not count them."""
    return draw_figure(f"receipt:{receipt.pk}:affected", receipt.affected) if receipt.action in DONE_TO else ""


def _receipt_link(receipt: Receipt) -> SafeString:
    url = reverse("admin:batches_receipt_change", args=[receipt.pk])
    return draw_link(url, write_time(receipt.created_at))
