"""Campaigns as Easymail's wire shows them, and whom they were sent to."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import uuid5

from api.campaign_words import Dialect, word_for
from api.easymail import proposed
from api.easymail.outputs import Body, moment
from audience.models import ContactList, Segment
from campaigns.editing import has_foreign_content
from campaigns.models import Campaign
from campaigns.readiness import lacks_of
from campaigns.recipients import Recipient, count_recipients
from campaigns.states import CampaignStatus
from campaigns.statistics import Statistics
from mailer.compose.plain_text import plain_text_of

STATS, REVENUE = "stats", "revenue"
DELIVERY, ENGAGEMENT, PURCHASES = "delivery", "engagement", "purchases"


def campaign(found: Campaign, *, statistics: Statistics | None = None, with_revenue: bool = False) -> Body:
    """The whole campaign. Keys that are not always there come last."""
    lacks = proposed.missing_of(lacks_of(found, needs=proposed.NEEDS))
    shown: Body = {
        "uuid": str(found.uuid),
        "name": found.title,
        "status": word_for(found.status, Dialect.EASYMAIL),
        "subject": found.subject or None,
        "preheader": found.preheader or None,
        "from_name": found.from_name or None,
        "reply_to": found.reply_to or None,
        "from_identity": str(found.sender.uuid) if found.sender else None,
        "from_email": found.sender.from_email if found.sender else None,
        "content": content(found),
        "content_editable_via_api": True,
        "content_overwrite_required": has_foreign_content(found),
        "audience": audience(found),
        "readiness": {"can_send": not lacks, "missing": lacks},
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at),
        "last_updated_at": moment(found.edited_at),
    }
    if found.status == CampaignStatus.SCHEDULED:
        shown["scheduled_at"] = moment(found.send_at)
    if statistics is not None:
        shown[STATS] = stats(statistics)
    if with_revenue:
        shown[REVENUE] = purchases()
    return shown


def content(found: Campaign) -> str | None:
    """The Markdown; of content that was written otherwise what can be read of it."""
    return found.markdown or found.plain_content or plain_text_of(found.html_content) or None


def audience(found: Campaign) -> Body:
    """One of each, though other wires can name several."""
    lists = [each for each in found.lists.all() if each.deleted_at is None]
    return {"list_uuid": first_uuid(lists), "segment_uuid": first_uuid(found.segments.all())}


def first_uuid(rows: Iterable[ContactList | Segment]) -> str | None:
    return next((str(row.uuid) for row in sorted(rows, key=lambda row: row.pk)), None)


def line(found: Campaign) -> Body:
    """A campaign in a list."""
    return {
        "uuid": str(found.uuid),
        "name": found.title,
        "status": word_for(found.status, Dialect.EASYMAIL),
        "subject": found.subject or None,
        "from_name": found.from_name or None,
        "language": proposed.LANGUAGE,
        "scheduled_at": moment(found.send_at) if found.status == CampaignStatus.SCHEDULED else None,
        "recipients_count": count_recipients(found),
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at),
    }


def stats(counted: Statistics) -> Body:
    """Opens and clicks are of people, each once, so all are unique."""
    return {
        "recipients": counted.recipients,
        "sent": counted.sent,
        "delivered": counted.sent,
        "bounced": counted.refused,
        "opened": counted.opened,
        "unique_opens": counted.opened,
        "clicked": counted.clicked,
        "unique_clicks": counted.clicked,
        "unsubscribed": counted.unsubscribed,
        "complained": counted.reported_spam,
        "open_rate": rate(counted.opened, counted.sent),
        "click_rate": rate(counted.clicked, counted.sent),
        "bounce_rate": rate(counted.refused, counted.recipients),
        "unsubscribe_rate": rate(counted.unsubscribed, counted.sent),
    }


def rate(part: int, whole: int) -> float:
    """In hundredths; of nothing it is 0."""
    return round(100 * part / whole, 2) if whole else 0.0


def purchases() -> Body:
    """There is no shop here."""
    return {"amount": 0, "currency": None, "orders": 0}


def recipient(found: Recipient, include: Collection[str]) -> Body:
    """Somebody a campaign was sent to."""
    shown: Body = {
        "uuid": str(found.contact) if found.contact else None,
        "email": found.email,
        "first_name": found.first_name or None,
        "last_name": found.last_name or None,
        "status": found.status,
        "sent_at": moment(found.sent_at),
    }
    if DELIVERY in include:
        shown[DELIVERY] = {
            "delivered": found.status == "sent",
            "delivered_at": moment(found.sent_at),
            "response": found.reply or None,
        }
    if ENGAGEMENT in include:
        shown[ENGAGEMENT] = {
            "opened": found.opened_at is not None,
            "opened_at": moment(found.opened_at),
            "clicked": found.clicked_at is not None,
            "clicked_at": moment(found.clicked_at),
        }
    if PURCHASES in include:
        shown[PURCHASES] = purchases()
    return shown


def link(found: Campaign, url: str) -> Body:
    """A link of a campaign. Clicks are not counted yet."""
    return {"uuid": str(uuid5(found.uuid, url)), "url": url, "clicks": 0, "unique_clicks": 0}
