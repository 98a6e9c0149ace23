"""Single Sends and their statistics, as the wire has them."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from api.campaign_words import Dialect, word_for
from api.sendgrid.outputs.marketing import moment
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from campaigns.statistics import Day, Statistics
from mailer.compose.plain_text import plain_text_of

EVERYTHING = "all"
"""What the wire has for the variation and the phase of a send that is no test of several."""


def single_send(found: Campaign) -> dict[str, Any]:
    """The whole Single Send."""
    return {
        "id": str(found.uuid),
        "name": found.title,
        "status": word_for(found.status, Dialect.SINGLE_SENDS),
        "categories": found.categories,
        "send_at": moment(found.send_at),
        "send_to": {
            "list_ids": [str(each.uuid) for each in found.lists.all() if each.deleted_at is None],
            "segment_ids": [str(each.uuid) for each in found.segments.all()],
            "all": found.is_to_all,
        },
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at),
        "email_config": {
            "subject": found.subject,
            "html_content": found.html_content,
            "plain_content": plain_content(found),
            "generate_plain_content": found.generates_plain,
            "design_id": None,
            "editor": found.editor,
            "suppression_group_id": found.suppression_group_id,
            "custom_unsubscribe_url": found.custom_unsubscribe_url or None,
            "sender_id": found.sender_id,
            "ip_pool": found.ip_pool or None,
        },
        "warnings": warnings(found),
    }


def plain_content(found: Campaign) -> str:
    """The caller's own, or the one that its mail will have."""
    if found.plain_content.strip() or not found.generates_plain:
        return found.plain_content
    return plain_text_of(found.html_content)


def warnings(found: Campaign) -> list[dict[str, Any]]:
    """This wire has no word for a campaign that could not be sent: here it is told why."""
    if found.status != CampaignStatus.FAILED:
        return []
    return [{"message": found.failure, "field": None, "warning_id": "failed"}]


def line(found: Campaign) -> dict[str, Any]:
    """A Single Send in a list."""
    return {
        "id": str(found.uuid),
        "name": found.title,
        "abtest": None,
        "status": word_for(found.status, Dialect.SINGLE_SENDS),
        "categories": found.categories,
        "send_at": moment(found.send_at),
        "is_abtest": False,
        "updated_at": moment(found.updated_at),
        "created_at": moment(found.created_at),
    }


def schedule(send_at: dt.datetime | None, status: CampaignStatus) -> dict[str, Any]:
    """When a Single Send is to be sent; `status` is what a caller just asked for."""
    return {"send_at": moment(send_at), "status": word_for(status, Dialect.SINGLE_SENDS)}


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
