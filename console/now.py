"""Show the start page: what needs a person, what is being sent, what comes next, and what was stopped lately."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from batches.admin.figures import draw_bar
from batches.admin.receipts import ACTION_COLOURS
from batches.counts import Estimate
from batches.labels import label_of
from batches.models import Receipt
from batches.verdict import GateStatus
from console.header import answer_live, recent_health
from console.live import Part, Rights, embed, is_poll
from foundation.admin import draw_figure, draw_label, tell_time, write_time
from mailer.inbox.views import may_see_inbox
from monitoring.coming import Coming, Fate
from monitoring.now import SOON, STOPPED_SHOWN, read_now
from monitoring.problems import Link, Problem, Severity
from monitoring.running import Running
from monitoring.scope import EVERYTHING

MINUTES: Final = int(SOON.total_seconds() // 60)
SHOWN: Final = 25
"""The most rows of each table."""
MAY_SEE: Final = "batches.view_batch"
MAY_STOP: Final = "batches.change_batch"
MAY_FREEZE: Final = "accounts.change_account"
MAY_CHANGE_CAMPAIGN: Final = "campaigns.change_campaign"
MAY_SEE_RECEIPT: Final = "batches.view_receipt"
PERMISSIONS: Final[Mapping[str, str]] = {
    "fleet": MAY_SEE,
    "in_hand": "mailer.view_message",
    "failures": "mailer.view_message",
    "admin:batches_batch_change": MAY_SEE,
    "admin:batches_receipt_change": MAY_SEE_RECEIPT,
    "admin:accounts_account_change": "accounts.view_account",
    "admin:campaigns_campaign_change": "campaigns.view_campaign",
    "admin:audience_job_change": "audience.view_job",
    "admin:events_endpoint_change": "events.view_endpoint",
}
"""The permission of each page that this page links to."""
FATE_COLOURS: Final[Mapping[Fate, str]] = {
    Fate.SENT: "success",
    Fate.PAUSED: "warning",
    Fate.CANCELLED: "danger",
    Fate.FROZEN: "info",
    Fate.WAITS: "",
}
GATE_COLOURS: Final[Mapping[GateStatus, str]] = {
    GateStatus.PAUSED: "warning",
    GateStatus.CANCELLED: "danger",
    GateStatus.FROZEN: "info",
}
"""The colours of batches that are not open."""


@dataclass(frozen=True, slots=True)
class Button:
    """A link to a page that asks before it acts. `id` is the same after each refresh, so that it keeps the focus."""

    id: str
    title: str
    url: str
    about: str


def build_now(rights: Rights) -> dict[str, Any]:
    """Return the context of the page's live part."""
    if MAY_SEE not in rights:
        return {"may_see": False, "is_final": True}
    view = read_now(EVERYTHING, recent_health(), limit=SHOWN)
    return {
        "may_see": True,
        "problems": [show_problem(each, rights, view.at) for each in view.problems],
        "running": [show_running(each, rights) for each in view.running],
        "has_more_running": view.has_more_running,
        "coming": [show_coming(each, rights, view.at) for each in view.coming],
        "has_more_coming": view.has_more_coming,
        "coming_title": f"Next {MINUTES} minutes",
        "minutes": MINUTES,
        "stopped": [show_receipt(each, rights, view.at) for each in view.stopped],
        "stopped_shown": STOPPED_SHOWN,
        "may_see_receipts": MAY_SEE_RECEIPT in rights,
    }


NOW = Part(
    "now",
    "console/now/part.html",
    build_now,
    tuple(sorted({*PERMISSIONS.values(), MAY_SEE, MAY_STOP, MAY_FREEZE, MAY_CHANGE_CAMPAIGN})),
)


def show_now(request: HttpRequest) -> HttpResponse:
    """Show the start page, or answer its poll."""
    if is_poll(request):
        return answer_live(request, NOW)
    context = {
        **admin.site.each_context(request),
        "title": "Now",
        "has_inbox": may_see_inbox(request),
        **embed(request, NOW),
    }
    return TemplateResponse(request, "console/now/page.html", context)


def show_problem(problem: Problem, rights: Rights, now: dt.datetime) -> dict[str, Any]:
    """Return a problem as the context of its row."""
    return {
        "text": problem.text,
        "kind": problem.kind.value,
        "severity": problem.severity.value,
        "label": draw_label(problem.severity.value, "danger" if problem.severity is Severity.CRITICAL else "warning"),
        "since": f"Since {problem.since:%H:%M:%S} UTC ({tell_time(problem.since, now)})." if problem.since else "",
        "id": f"problem-{problem.kind.value}-{'-'.join(map(str, problem.link.arguments))}",
        "title": problem.link.title,
        "url": find_url(problem.link, rights),
        "runbook": f"{reverse('run_books')}#{problem.runbook}",
        "runbook_title": problem.kind.value.replace("-", " "),
    }


def find_url(link: Link, rights: Rights) -> str:
    """Return the address of a page, or an empty text if the viewer may not see it."""
    if PERMISSIONS[link.route] not in rights:
        return ""
    try:
        return address_of(link.route, *link.arguments) + (f"?{urlencode(link.query)}" if link.query else "")
    except NoReverseMatch:
        return ""


@lru_cache(maxsize=4096)
def address_of(route: str, *arguments: int | str) -> str:
    """Return the address of a page. The same rows are drawn every 3 seconds. Raises NoReverseMatch."""
    return reverse(route, args=arguments)


def show_running(running: Running, rights: Rights) -> dict[str, Any]:
    """Return a batch that is being sent as the context of its row."""
    counts, key = running.counts, f"batch:{running.batch_id}"
    is_done = running.is_exact and not running.is_expanding and not counts.waiting
    return {
        "mailing": draw_mailing(running, rights, f"mailing-{running.public_id}"),
        "id": running.public_id,
        "key": key,
        "account": running.account,
        "account_url": find_url(Link("", "admin:accounts_account_change", (running.account_id,)), rights),
        "ended": draw_figure(f"{key}:ended", counts.accepted - counts.waiting, is_exact=running.is_exact),
        "accepted": draw_figure(f"{key}:accepted", counts.accepted, is_exact=running.is_exact),
        "bar": draw_bar(Estimate(counts, running.is_exact), key),
        "rate": running.rate,
        "remaining": "none" if is_done else tell_remaining(running.remaining),
        "why": running.why,
        "status": draw_label(running.status.value, GATE_COLOURS[running.status], size="md")
        if running.status in GATE_COLOURS
        else "",
        "is_expanding": running.is_expanding,
        "buttons": [] if is_done else list(buttons_of(running, rights)),
    }


def name_of(mailing: Running | Coming) -> str:
    """Return the name by which people recognize a mailing."""
    return "mail without a batch" if mailing.is_default else mailing.label or mailing.public_id or "campaign"


def draw_mailing(mailing: Running | Coming, rights: Rights, element_id: str) -> SafeString:
    """Return the name of a mailing, as a link if the viewer may see its page."""
    name, url = name_of(mailing), link_mailing(mailing, rights)
    if not url:
        return format_html('<span class="font-semibold">{}</span>', name)
    return format_html(
        '<a id="{}" class="font-semibold text-primary-600 dark:text-primary-500" title="{}" href="{}">{}</a>',
        element_id,
        mailing.public_id or name,
        url,
        name,
    )


def link_mailing(mailing: Running | Coming, rights: Rights) -> str:
    """Return the address of the page of a mailing: that of its campaign or of its batch."""
    if mailing.campaign_id is not None:
        return find_url(Link("", "admin:campaigns_campaign_change", (mailing.campaign_id,)), rights)
    return find_url(Link("", "admin:batches_batch_change", (mailing.batch_id or 0,)), rights)


def buttons_of(running: Running, rights: Rights) -> Iterator[Button]:
    """Yield the stops of a mailing. Mail without a batch is stopped with its account."""
    if running.is_default:
        if MAY_FREEZE in rights and running.status is not GateStatus.FROZEN:
            yield _button("Freeze account", "admin:accounts_account_freeze", running.account_id, running)
        return
    if running.campaign_id is not None:
        permission, routes, pk = MAY_CHANGE_CAMPAIGN, "admin:campaigns_campaign", running.campaign_id
    else:
        permission, routes, pk = MAY_STOP, "admin:batches_batch", running.batch_id
    if permission not in rights or running.status is GateStatus.CANCELLED:
        return
    if running.status is GateStatus.PAUSED:
        yield _button("Resume", f"{routes}_resume", pk, running)
    else:
        yield _button("Pause", f"{routes}_pause", pk, running)
    yield _button("Cancel", f"{routes}_cancel", pk, running)


def _button(title: str, route: str, pk: int, running: Running) -> Button:
    name = title.partition(" ")[0].lower()
    about = running.account if running.is_default else name_of(running)
    return Button(f"{name}-{running.batch_id}", title, address_of(route, pk), about)


def tell_remaining(remaining: dt.timedelta | None) -> str:
    """Return a time in words, such as `about 3 min`; empty if it is not known."""
    if remaining is None:
        return ""
    seconds = remaining.total_seconds()
    if seconds < 60:
        return f"about {max(1, round(seconds))} s" if seconds else "done"
    if seconds < 7200:
        return f"about {round(seconds / 60)} min"
    return f"about {round(seconds / 3600)} h" if seconds < 172_800 else f"about {round(seconds / 86_400)} d"


def show_coming(coming: Coming, rights: Rights, now: dt.datetime) -> dict[str, Any]:
    """Return coming mail as the context of its row."""
    minute = int(coming.at.timestamp()) // 60
    subject = f"batch-{coming.batch_id}" if coming.batch_id else f"campaign-{coming.campaign_id}"
    return {
        "time": f"{coming.at:%H:%M:%S}",
        "relative": tell_time(coming.at, now),
        "mailing": draw_mailing(coming, rights, f"coming-{subject}-{minute}"),
        "account": coming.account,
        "messages": (
            "" if coming.messages is None else draw_figure(f"coming:{coming.batch_id}:{minute}", coming.messages)
        ),
        "is_complete": coming.is_complete,
        "fate": draw_label(coming.fate.value, FATE_COLOURS[coming.fate], size="md"),
    }


def show_receipt(receipt: Receipt, rights: Rights, now: dt.datetime) -> dict[str, Any]:
    """Return a receipt as the context of its row."""
    key = f"receipt:{receipt.pk}"
    return {
        "id": key.replace(":", "-"),
        "time": write_time(receipt.created_at),
        "relative": tell_time(receipt.created_at, now),
        "url": find_url(Link("", "admin:batches_receipt_change", (receipt.pk,)), rights),
        "action": draw_label(receipt.action, ACTION_COLOURS[receipt.action], size="md"),
        "name": label_of(receipt.batch) if receipt.batch else "all mail",
        "account": receipt.account.username if receipt.account else "all accounts",
        "actor": receipt.actor,
        "reason": receipt.reason,
        "sent": draw_figure(f"{key}:sent", receipt.sent),
        "in_doubt": draw_figure(f"{key}:in_doubt", receipt.in_doubt),
        "in_flight": "" if receipt.is_settled else draw_figure(f"{key}:in_flight", receipt.in_flight),
    }
