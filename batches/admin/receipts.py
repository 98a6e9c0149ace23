"""Receipts: the audit of every stop and resume, and the page that an operator's own stop ends on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from batches.admin.figures import batch_link, draw_label
from batches.models import Receipt
from foundation.admin import ReadOnlyAdmin, coloured, write_time

ACTION_COLOURS = {"pause": "warning", "cancel": "danger", "resume": "success", "freeze": "danger", "thaw": "success"}
SETTLED_COLOURS = {"settled": "success", "not yet": "warning"}
DOUBTS_SHOWN = 200
REFRESH_SECONDS = 2


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin[Receipt]):
    """Receipts are written by a stop and never again."""

    list_display = (
        "shown_time",
        "shown_action",
        "shown_batch",
        "account",
        "actor",
        "reason",
        "sent",
        "stopped",
        "in_doubt",
        "settled",
    )
    list_select_related = ("account", "batch")
    list_filter = ("action",)
    search_fields = ("batch__public_id__exact",)
    search_help_text = "Search by the public id of a batch"
    ordering = ("-pk",)
    change_form_template = "batches/receipt.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Receipt]:
        """Without the lists of claims and doubts, which may be long."""
        return super().get_queryset(request).defer("claims", "doubtful_messages")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        context.update(show_receipt(kwargs["obj"]))
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="when (UTC)")
    def shown_time(self, receipt: Receipt) -> str:
        return write_time(receipt.created_at)

    @coloured(ACTION_COLOURS)
    @admin.display(description="action")
    def shown_action(self, receipt: Receipt) -> str:
        return receipt.action

    @admin.display(description="batch")
    def shown_batch(self, receipt: Receipt) -> SafeString:
        return (
            batch_link(receipt.batch_id, receipt.batch.public_id)
            if receipt.batch_id and receipt.batch
            else SafeString("everything")
        )

    @coloured(SETTLED_COLOURS)
    @admin.display(description="settled")
    def settled(self, receipt: Receipt) -> str:
        return "settled" if receipt.is_settled else "not yet"


def show_receipt(receipt: Receipt) -> dict[str, Any]:
    """What a receipt's page says; until it is settled the page loads itself again."""
    doubts = receipt.doubtful_messages
    return {
        "receipt": receipt,
        "action_colour": ACTION_COLOURS[receipt.action],
        "doubts": doubts[:DOUBTS_SHOWN],
        "more_doubts": max(receipt.in_doubt - DOUBTS_SHOWN, 0) if doubts else 0,
        "refresh_seconds": None if receipt.is_settled else REFRESH_SECONDS,
    }


def tabulate_receipts(receipts: Iterable[Receipt]) -> dict[str, Any]:
    """Receipts of one batch for unfold's table."""
    return {
        "headers": ["When", "Action", "By", "Reason", "Sent", "Stopped", "In doubt", ""],
        "rows": [
            [
                _receipt_link(receipt),
                draw_label(receipt.action, ACTION_COLOURS[receipt.action]),
                receipt.actor,
                receipt.reason,
                f"{receipt.sent:,}",
                f"{receipt.stopped:,}",
                f"{receipt.in_doubt:,}",
                "" if receipt.is_settled else draw_label("not settled", "warning"),
            ]
            for receipt in receipts
        ],
    }


def _receipt_link(receipt: Receipt) -> SafeString:
    url = reverse("admin:batches_receipt_change", args=[receipt.pk])
    return format_html(
        '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, write_time(receipt.created_at)
    )
