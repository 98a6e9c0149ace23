"""Show the page Stop: a field that finds mailings, and the actions that are possible for each of them.

The figures of the hits refresh themselves. The list of hits does not change, so that no row moves while somebody points
at it.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from batches.admin.asking import require
from batches.admin.control import MAY_CONTROL
from batches.models import Receipt
from campaigns.admin.moves import MAY_CHANGE as MAY_CHANGE_CAMPAIGN
from console.header import answer_live
from console.live import Part, Rights, embed, has_right, is_poll
from foundation.admin import draw_figure, draw_label, tell_time
from foundation.clock import database_now
from monitoring.scope import EVERYTHING
from monitoring.search import SHOWN, Mailing, Owner, find_handles, find_owners, read_mailings

MAY_SEE = "batches.view_batch"
COLOURS = {
    "open": "success",
    "scheduled": "info",
    "paused": "warning",
    "frozen": "warning",
    "cancelled": "danger",
    "failed": "danger",
}
ACTIONS = {
    Receipt.Action.PAUSE: frozenset({"open", "frozen"}),
    Receipt.Action.CANCEL: frozenset({"open", "frozen", "paused", "scheduled"}),
}
"""The actions of a row, and the statuses in which each is offered."""


def actions_of(mailing: Mailing) -> list[Receipt.Action]:
    """Return the actions that are possible. Mail without a batch cannot be stopped as a whole."""
    if mailing.is_default:
        return []
    return [action for action, statuses in ACTIONS.items() if mailing.status in statuses]


def permission_for(mailing: Mailing) -> str:
    """Return the permission that stopping a mailing needs."""
    return MAY_CONTROL if mailing.campaign_id is None else MAY_CHANGE_CAMPAIGN


def link_mailing(mailing: Mailing) -> str:
    """Return the address of the page of a mailing."""
    if mailing.batch_id is None:
        return reverse("admin:campaigns_campaign_change", args=[mailing.campaign_id])
    return reverse("admin:batches_batch_change", args=[mailing.batch_id])


def build_mailings(rights: Rights, handles: str) -> dict[str, Any]:
    """Return the context of the table of mailings with these handles, joined by dots."""
    now = database_now()
    mailings = read_mailings(handles.split("."), EVERYTHING)
    rows: list[dict[str, Any]] = [
        {
            "mailing": mailing,
            "link": link_mailing(mailing),
            "status": draw_label(mailing.status, COLOURS.get(mailing.status, "")),
            "sent": _draw_count(mailing, "sent", mailing.sent),
            "waiting": _draw_count(mailing, "to_be_sent", mailing.waiting),
            "next": f"{mailing.next_at:%Y-%m-%d %H:%M} ({tell_time(mailing.next_at, now)})" if mailing.next_at else "",
            "actions": actions_of(mailing) if permission_for(mailing) in rights else [],
        }
        for mailing in mailings
    ]
    first = next((row for row in rows if row["actions"]), None)
    if first is not None:
        # It gets the focus when the page is opened, so that Enter asks whether to cancel the first hit.
        first["is_first"] = True
    return {"rows": rows, "can_stop": first is not None, "question": reverse("stop_question")}


def _draw_count(mailing: Mailing, name: str, messages: int | None) -> SafeString:
    """Return a count of a batch's messages; empty while there is no batch."""
    if messages is None:
        return SafeString()
    return draw_figure(f"batch:{mailing.batch_id}:{name}", messages, is_exact=mailing.is_exact)


MAILINGS = Part(
    "mailings",
    "console/stop/mailings.html",
    build_mailings,
    (MAY_CONTROL, MAY_CHANGE_CAMPAIGN),
)


def show_stop(request: HttpRequest) -> HttpResponse:
    """Show the field, and the mailings that it has found."""
    require(request, MAY_SEE)
    if is_poll(request):
        return answer_live(request, MAILINGS, request.GET.get("rows", ""))
    text = request.GET.get("q", "").strip()
    handles = find_handles(text, EVERYTHING)
    context = {
        **admin.site.each_context(request),
        "title": "Stop",
        "text": text,
        "hits": len(handles),
        "is_cut": len(handles) == SHOWN,
        "owners": [owner for owner in find_owners(text) if _may_see(request, owner)],
    }
    if handles:
        rows = ".".join(handles)
        context |= embed(request, MAILINGS, rows)
        context["live_url"] = reverse("stop", query={"rows": rows, "live": 1})
    return TemplateResponse(request, "console/stop/stop.html", context)


def _may_see(request: HttpRequest, owner: Owner) -> bool:
    return has_right(request, "accounts.view_apikey" if owner.is_key else "accounts.view_account")
