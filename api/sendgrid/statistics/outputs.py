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
"""What the wire has for the variation and the phase of a send that is no test of several."""


def statistics_line(found: Campaign, counters: Mapping[str, int], *, aggregation: str = "total") -> dict[str, Any]:
    return {
        "id": str(found.uuid),
        "ab_variation": EVERYTHING,
        "ab_phase": EVERYTHING,
        "aggregation": aggregation,
        "stats": counters,
    }


def counters(counted: Statistics) -> dict[str, int]:
    """The wire's twelve. Opens and clicks are of people, each once, so all are unique; suppressed recipients are never
    made into requests, so none are dropped."""
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
    """The same of one day or of several."""
    found = list(days)
    return counters(
        Statistics(
            recipients=sum(day.recipients for day in found),
            sent=sum(day.sent for day in found),
            refused=sum(day.refused for day in found),
            opened=sum(day.opened for day in found),
            clicked=sum(day.clicked for day in found),
            unsubscribed=sum(day.unsubscribed for day in found),
            reported_spam=sum(day.reported_spam for day in found),
        )
    )


def statistics_csv(counted: Iterable[tuple[Campaign, Statistics]], zone: ZoneInfo) -> str:
    """A line for each Single Send, with its time as the clocks of that zone show it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["id", "name", "status", "send_at", *counters(Statistics())])
    for found, statistics in counted:
        at = found.send_at.astimezone(zone).isoformat(timespec="seconds") if found.send_at else ""
        status = word_for(found.status, Dialect.SINGLE_SENDS)
        writer.writerow([found.uuid, as_text(found.title), status, at, *counters(statistics).values()])
    return text.getvalue()


def as_text(value: str) -> str:
    """Spreadsheets would take these for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
