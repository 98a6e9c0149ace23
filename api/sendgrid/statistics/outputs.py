"""Write the statistics of Single Sends."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from api.campaign_words import Dialect, word_for
from campaigns.link_clicks import LinkClicks
from campaigns.models import Campaign
from campaigns.statistics import NO_DROPS, NO_REPEATS, Day, Drops, Repeats, Statistics

EVERYTHING = "all"
"""SendGrid's variation and phase of a send that does not test several variations."""


def statistics_line(campaign: Campaign, counters: Mapping[str, int], *, aggregation: str = "total") -> dict[str, Any]:
    return {
        "id": str(campaign.uuid),
        "ab_variation": EVERYTHING,
        "ab_phase": EVERYTHING,
        "aggregation": aggregation,
        "stats": counters,
    }


def link_line(link: LinkClicks) -> dict[str, Any]:
    """Return the clicks on a link at one of its places."""
    return {
        "url": link.url,
        "url_location": link.place,
        "ab_variation": EVERYTHING,
        "ab_phase": EVERYTHING,
        "clicks": link.clicks,
    }


def counters(counted: Statistics, drops: Drops = NO_DROPS, repeats: Repeats = NO_REPEATS) -> dict[str, int]:
    """Return SendGrid's twelve counters.

    Opens and clicks are counted once for each person if their counters are not kept any more. Recipients who are
    suppressed when a Single Send begins never become requests, so only those are dropped who are suppressed after that.
    Every refusal is a bounce, since blocks have no counter.
    """
    return {
        "bounce_drops": drops.bounces,
        "bounces": counted.refused,
        "clicks": max(repeats.clicks, counted.clicked),
        "delivered": counted.sent,
        "invalid_emails": counted.invalid + drops.invalid,
        "opens": max(repeats.opens, counted.opened),
        "requests": counted.recipients,
        "spam_report_drops": drops.spam_reports,
        "spam_reports": counted.reported_spam,
        "unique_clicks": counted.clicked,
        "unique_opens": counted.opened,
        "unsubscribes": counted.unsubscribed,
    }


def counters_of_days(days: Iterable[Day]) -> dict[str, int]:
    """Return SendGrid's counters for one day or for several."""
    rows = list(days)
    return counters(
        Statistics(
            recipients=sum(day.recipients for day in rows),
            sent=sum(day.sent for day in rows),
            refused=sum(day.refused for day in rows),
            opened=sum(day.opened for day in rows),
            clicked=sum(day.clicked for day in rows),
            unsubscribed=sum(day.unsubscribed for day in rows),
            reported_spam=sum(day.reported_spam for day in rows),
        ),
        Drops(*map(sum, zip(*(day.drops for day in rows), strict=True))),
        Repeats(*map(sum, zip(*(day.repeats for day in rows), strict=True))),
    )


def statistics_csv(counted: Iterable[tuple[Campaign, Mapping[str, int]]], zone: ZoneInfo) -> str:
    """Return a line of CSV for each Single Send. Times are in the given time zone."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["id", "name", "status", "send_at", *counters(Statistics())])
    for campaign, numbers in counted:
        at = campaign.send_at.astimezone(zone).isoformat(timespec="seconds") if campaign.send_at else ""
        status = word_for(campaign.status, Dialect.SINGLE_SENDS)
        writer.writerow([campaign.uuid, as_text(campaign.title), status, at, *numbers.values()])
    return text.getvalue()


def as_text(value: str) -> str:
    """Return a value that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
