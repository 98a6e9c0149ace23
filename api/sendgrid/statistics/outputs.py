"""Write the statistics of Single Sends."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from api.campaign_words import Dialect, word_for
from campaigns.models import Campaign
from campaigns.statistics import Day, Statistics

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


def counters(counted: Statistics) -> dict[str, int]:
    """Return SendGrid's twelve counters.

    Opens and clicks are counted once for each person, so all are unique. Suppressed recipients never become requests,
    so none are dropped.
    """
    return {
        "bounce_drops": 0,
        "bounces": counted.refused,
        "clicks": counted.clicked,
        "delivered": counted.sent,
        "invalid_emails": counted.invalid,
        "opens": counted.opened,
        "requests": counted.recipients,
        "spam_report_drops": 0,
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
        )
    )


def statistics_csv(counted: Iterable[tuple[Campaign, Statistics]], zone: ZoneInfo) -> str:
    """Return a line of CSV for each Single Send. Times are in the given time zone."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["id", "name", "status", "send_at", *counters(Statistics())])
    for campaign, statistics in counted:
        at = campaign.send_at.astimezone(zone).isoformat(timespec="seconds") if campaign.send_at else ""
        status = word_for(campaign.status, Dialect.SINGLE_SENDS)
        writer.writerow([campaign.uuid, as_text(campaign.title), status, at, *counters(statistics).values()])
    return text.getvalue()


def as_text(value: str) -> str:
    """Spreadsheets would take these for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
