"""Show an action on many messages while it runs: its progress, its counts and its receipts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts.models import Account
from batches.admin.asking import Figure, require
from batches.admin.control import MAY_CONTROL
from batches.counts import Tally
from batches.models import Receipt
from console.header import answer_live
from console.live import Part, Rights, embed, is_poll
from foundation.admin import draw_link, write_time
from mailer.admin.message_list import MAY_SEE, link_messages
from mailer.bulk.actions import filters_of
from mailer.models import BulkAction

Action = Receipt.Action
DONE = {Action.CANCEL: "Stopped", Action.RESCHEDULE: "Rescheduled", Action.REPLAY: "Replayed", Action.DROP: "Dropped"}
MAY_SEE_RECEIPTS = "batches.view_receipt"
RECEIPTS_SHOWN = 50


def build_bulk_action(rights: Rights, bulk_id: int) -> dict[str, Any]:
    """Return the context of the live part."""
    bulk = BulkAction.objects.select_related("account", "batch").get(pk=bulk_id)
    filters = filters_of(bulk)
    is_final = bulk.finished_at is not None
    processed = bulk.affected + bulk.in_doubt
    in_doubt = Figure("In doubt", bulk.in_doubt, key=f"bulk:{bulk.pk}:in_doubt")
    return {
        "bulk": bulk,
        "is_final": is_final,
        "selection": filters.describe(),
        "link": link_messages(filters),
        "status": _tell_status(bulk),
        "percent": min(100, 100 * processed // bulk.expected)
        if bulk.is_exact and bulk.expected and not is_final
        else None,
        "figures": [
            Figure("Matched when it began", Tally(bulk.expected, bulk.is_exact), key=f"bulk:{bulk.pk}:expected"),
            Figure(DONE[Action(bulk.action)], bulk.affected, key=f"bulk:{bulk.pk}:affected"),
            *([in_doubt] if bulk.action == Action.CANCEL else []),
            Figure("Not changed", bulk.not_changed, key=f"bulk:{bulk.pk}:not_changed"),
        ],
        "receipts": _tabulate_receipts(bulk) if MAY_SEE_RECEIPTS in rights else None,
        "end": reverse("admin:mailer_bulk_action_end", args=[bulk.pk]) if MAY_CONTROL in rights else "",
    }


BULK_ACTION = Part("bulk_action", "console/bulk_part.html", build_bulk_action, (MAY_CONTROL, MAY_SEE_RECEIPTS))


def show_bulk_action(request: HttpRequest, bulk_id: int) -> HttpResponse:
    """Show an action on many messages."""
    require(request, MAY_SEE)
    get_object_or_404(BulkAction.objects.only("pk"), pk=bulk_id)
    if is_poll(request):
        return answer_live(request, BULK_ACTION, bulk_id)
    context = {
        **admin.site.each_context(request),
        "title": "Action on many messages",
        **embed(request, BULK_ACTION, bulk_id),
    }
    return TemplateResponse(request, "console/bulk.html", context)


def _tell_status(bulk: BulkAction) -> str:
    if bulk.finished_at is None:
        return "It is running, and continues if a process dies. You may close this page."
    if bulk.ended_by:
        return f"{bulk.ended_by} ended it at {write_time(bulk.finished_at)} UTC. The other messages are unchanged."
    return f"It ended at {write_time(bulk.finished_at)} UTC: it looked at everything that matched."


def _tabulate_receipts(bulk: BulkAction) -> dict[str, Any]:
    """Return the receipts of the action for unfold's table, one for each account."""
    receipts = dict(list(bulk.receipts.items())[:RECEIPTS_SHOWN])
    names = dict(Account.objects.filter(pk__in=receipts).values_list("pk", "username"))
    return {
        "headers": ["Account", "Receipt"],
        "rows": [
            [names.get(int(account_id), ""), draw_link(_receipt_url(receipt_id), f"receipt {receipt_id}")]
            for account_id, receipt_id in receipts.items()
        ],
    }


def _receipt_url(receipt_id: int) -> str:
    return reverse("admin:batches_receipt_change", args=[receipt_id])
