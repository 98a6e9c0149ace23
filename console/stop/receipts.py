"""Show several receipts on one page, which refreshes itself until all of them are settled."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from batches.admin.asking import require
from batches.admin.receipts import ACTION_COLOURS, name_subject
from batches.models import Receipt
from console.header import answer_live
from console.live import Part, Rights, embed, is_poll

MAY_SEE_RECEIPTS = "batches.view_receipt"
NUMBERS = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18}){0,99}")


def link_receipts(receipts: Sequence[Receipt]) -> str:
    """Return the address of the page of a receipt, or of one for several."""
    if len(receipts) == 1:
        return reverse("admin:batches_receipt_change", args=[receipts[0].pk])
    return reverse("stop_receipts", query={"receipts": ".".join(str(receipt.pk) for receipt in receipts)})


def build_receipts(rights: Rights, numbers: str) -> dict[str, Any]:
    """Return the context of the table of these receipts."""
    chosen = Receipt.objects.filter(pk__in=[int(number) for number in numbers.split(".")])
    receipts = list(chosen.select_related("account", "batch").defer("claims", "doubtful_messages").order_by("pk"))
    rows = [
        {
            "receipt": receipt,
            "name": name_subject(receipt),
            "link": reverse("admin:batches_receipt_change", args=[receipt.pk]),
            "colour": ACTION_COLOURS[receipt.action],
            "stopped": receipt.newly_stopped,
        }
        for receipt in receipts
    ]
    return {
        "rows": rows,
        "is_final": all(receipt.is_settled for receipt in receipts),
        "key": f"receipts:{numbers}",
        "sent": sum(receipt.sent for receipt in receipts),
        "stopped": sum(receipt.newly_stopped for receipt in receipts),
    }


RECEIPTS = Part("receipts", "console/stop/receipts_live.html", build_receipts)


def show_receipts(request: HttpRequest) -> HttpResponse:
    """Show the receipts that the address names."""
    require(request, MAY_SEE_RECEIPTS)
    numbers = request.GET.get("receipts", "")
    if not NUMBERS.fullmatch(numbers):
        raise Http404
    if is_poll(request):
        return answer_live(request, RECEIPTS, numbers)
    context = {
        **admin.site.each_context(request),
        "title": "Receipts",
        **embed(request, RECEIPTS, numbers),
    }
    return TemplateResponse(request, "console/stop/receipts.html", context)
