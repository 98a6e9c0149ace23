"""Build the tables of the page: yesterday and the week before, the rates that providers judge, accounts and replies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.overview.lately import Counts
from foundation.admin import draw_figure, draw_link
from mailer.admin.drawing import draw_quote
from mailer.admin.failures import draw_reason
from mailer.models import Measure
from mailer.outcomes.failures import Look, Scope, group_by_reason
from monitoring.top_accounts import TopAccount

DAY = dt.timedelta(days=1)
WEEK: Final = 7
COMPARED: Final = {
    Measure.ACCEPTED: "Accepted",
    Measure.SENT: "Sent",
    Measure.REFUSED: "Refused",
    Measure.DEFERRED: "Deferred",
    Measure.DROPPED: "Dropped",
    Measure.UNSUBSCRIBED: "Unsubscribed",
}
BOUNCES_WATCH, BOUNCES_STOP = 0.02, 0.05
SPAM_WATCH, SPAM_STOP = 0.001, 0.003
FEWEST: Final = 100
"""A rate of fewer recipients than this is not judged."""
REPLIES_SHOWN: Final = 8
REPLY_LENGTH: Final = 120

Cell = str | SafeString


@dataclass(frozen=True, slots=True)
class Rate:
    """A part of the recipients, with its judgement in words and in unfold's variant of a label."""

    name: str
    shown: str | SafeString
    note: str
    verdict: str
    variant: str


def compare_yesterday(counts: Counts, midnight: dt.datetime) -> dict[str, Any]:
    """Return the recipients of yesterday beside the average of the seven days before, as a table."""
    week = [midnight - DAY * number for number in range(2, 2 + WEEK)]
    rows = []
    for measure, name in COMPARED.items():
        yesterday = counts[midnight - DAY][measure]
        average = sum(counts[day][measure] for day in week) / WEEK
        key = f"day:{measure.name.lower()}"
        shown = draw_figure(f"{key}:yesterday", yesterday), draw_figure(f"{key}:average", round(average))
        rows.append([name, *shown, draw_figure(f"{key}:change", _describe_change(yesterday, average))])
    return {"headers": ["Recipients", "Yesterday", "Average of the week before", "Change"], "rows": rows}


def _describe_change(number: int, average: float) -> str:
    if not average:
        return "none before" if number else "none"
    return f"{(number - average) / average:+,.0%}"


def judge_rates(counts: Counts, midnight: dt.datetime) -> list[Rate]:
    """Return the bounce rates of today and of the last seven days, and that spam reports are not known."""
    days = sorted(counts)
    rates = [
        _judge_bounces("Bounces today", "today", counts, [midnight]),
        _judge_bounces("Bounces in 7 days", "week", counts, [day for day in days if day > midnight - WEEK * DAY]),
    ]
    note = f"Providers warn from {SPAM_WATCH:.1%} and block from {SPAM_STOP:.1%}"
    return [*rates, Rate("Spam reports", "not known", note, "spam reports do not reach Sluice", "")]


def _judge_bounces(name: str, span: str, counts: Counts, days: Sequence[dt.datetime]) -> Rate:
    bounced = sum(counts[day][Measure.BOUNCED] for day in days)
    tried = sum(counts[day][Measure.SENT] + counts[day][Measure.REFUSED] for day in days)
    shown = (draw_figure(f"bounces:{span}:{word}", number) for word, number in (("bounced", bounced), ("tried", tried)))
    note = format_html("{} of {} recipients", *shown)
    if not tried:
        return Rate(name, "no mail", note, "", "")
    shown_rate = draw_figure(f"bounces:{span}:rate", f"{bounced / tried:.2%}")
    return Rate(name, shown_rate, note, *judge_bounces(bounced, tried))


def judge_bounces(bounced: int, tried: int) -> tuple[str, str]:
    """Return what a bounce rate means, and the variant of a label for it."""
    if tried < FEWEST:
        return f"fewer than {FEWEST} recipients", ""
    if bounced / tried >= BOUNCES_STOP:
        return f"{BOUNCES_STOP:.0%} or more: clean the lists", "danger"
    if bounced / tried >= BOUNCES_WATCH:
        return f"{BOUNCES_WATCH:.0%} or more: watch it", "warning"
    return f"below {BOUNCES_WATCH:.0%}", "success"


def tabulate_accounts(accounts: Iterable[TopAccount], *, may_see_accounts: bool) -> dict[str, Any]:
    """Return the table of the accounts that sent the most."""
    rows = []
    for account in accounts:
        name: Cell = account.username
        if may_see_accounts:
            name = draw_link(reverse("admin:accounts_account_change", args=[account.account_id]), account.username)
        tried = account.sent + account.refused
        key = f"account:{account.account_id}:sent"
        days = draw_figure(f"{key}:today", account.sent_today), draw_figure(f"{key}:yesterday", account.sent_yesterday)
        rows.append([name, *days, *(_draw_rates(account, tried, key) if tried else ["no mail", "no mail"])])
    return {"headers": ["Account", "Sent today", "Sent yesterday", "Refused", "Bounces"], "rows": rows}


def _draw_rates(account: TopAccount, tried: int, key: str) -> list[Cell]:
    """Return the share of an account's recipients who were refused, and of those who bounced, which is judged."""
    refused, bounced = (f"{number / tried:.2%}" for number in (account.refused, account.bounced))
    verdict, _ = judge_bounces(account.bounced, tried)
    return [
        draw_figure(f"{key}:refused_rate", refused),
        format_html("{}, {}", draw_figure(f"{key}:bounced_rate", bounced), verdict),
    ]


def tabulate_replies(look: Look, scope: Scope, *, links: bool) -> dict[str, Any]:
    """Return the table of the most frequent reasons for which peers refused and deferred mail."""
    rows = []
    for reason in group_by_reason(look.failures)[:REPLIES_SHOWN]:
        text: Cell = draw_quote(reason.reason[:REPLY_LENGTH] or "no reply")
        if links:
            text = draw_link(reverse("failures", query={"reason": reason.name}), text)
        rows.append([text, reason.classification.label, *draw_reason(reason, scope)])
    return {"headers": ["Reply", "Class", "Refused", "Deferred"], "rows": rows}
