"""Show the page Overview. Its figures are read again once a minute, and shared by all who watch it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from batches.admin.asking import require
from console.live import Part, Rights, safe
from console.overview import tables
from console.overview.ahead import chart_ahead
from console.overview.lately import OUTCOMES, chart_lateness, chart_outcomes, sort_by_time
from foundation.admin import write_time
from foundation.clock import database_now
from mailer.admin.drawing import draw_quote
from mailer.models import Measure
from mailer.outcomes.counters import DAY, FIVE_MINUTES, HOUR, LATE
from mailer.outcomes.failures import Look, Scope, look_for_failures
from monitoring.forecast import read_forecast
from monitoring.rates import Request, read_several
from monitoring.scope import EVERYTHING
from monitoring.top_accounts import list_top_accounts

MAY_SEE = "batches.view_batch"
MAY_SEE_FAILURES = "mailer.view_message"
MAY_SEE_ACCOUNTS = "accounts.view_account"
FAILURES_READ = 1_000
"""The newest failures, from which the most frequent replies are taken."""
ONE_DAY = dt.timedelta(days=1)


def build_overview(rights: Rights) -> dict[str, Any]:
    """Return the context of the figures."""
    now = database_now()
    midnight = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    week_ago = midnight - (tables.WEEK + 1) * ONE_DAY
    outcomes, lateness, days = read_several(
        EVERYTHING,
        [
            Request(FIVE_MINUTES, now - ONE_DAY, now, tuple(OUTCOMES)),
            Request(HOUR, now - ONE_DAY, now, LATE),
            Request(DAY, week_ago, now, (*tables.COMPARED, Measure.BOUNCED)),
        ],
    )
    counts = sort_by_time(days)
    scope = Scope(since=now - ONE_DAY, until=now)
    look = look_for_failures(scope, limit=FAILURES_READ)
    return {
        "at": write_time(now),
        # Its viewers read it again every minute.
        "is_final": True,
        "charts": [
            chart_ahead(read_forecast(EVERYTHING, now)),
            chart_outcomes(outcomes, now),
            chart_lateness(lateness, now),
        ],
        "yesterday": tables.compare_yesterday(counts, midnight),
        "rates": tables.judge_rates(counts, midnight),
        "accounts": tables.tabulate_accounts(list_top_accounts(midnight), may_see_accounts=MAY_SEE_ACCOUNTS in rights),
        "replies": tables.tabulate_replies(look, scope, links=MAY_SEE_FAILURES in rights),
        "sample": _describe_sample(look),
    }


def _describe_sample(look: Look) -> str:
    """Return a sentence about the failures from which the replies come."""
    if look.is_complete:
        return "The replies are those of all failures of the last 24 hours."
    text = "The replies are those of the newest {} failures, since {} UTC."
    return format_html(text, draw_quote(f"{FAILURES_READ:,}"), write_time(look.oldest))


FIGURES = Part("overview", "console/overview/figures.html", build_overview, (MAY_SEE_FAILURES, MAY_SEE_ACCOUNTS))


@require_safe
def show_overview(request: HttpRequest) -> HttpResponse:
    """Show the page, or only its figures if the page asks for them."""
    require(request, MAY_SEE)
    figures = safe(FIGURES.fetch(request))
    if "figures" in request.GET:
        return HttpResponse(figures, headers={"Cache-Control": "no-store"})
    context = {**admin.site.each_context(request), "title": "Overview", "figures": figures}
    return TemplateResponse(request, "console/overview/page.html", context)
