"""Write the bodies of answers: envelopes, campaigns and their recipients, contacts, lists, segments and fields."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import uuid5

from api.campaign_words import Dialect, word_for
from api.easymail import proposed
from api.easymail.field_keys import key_of, uuid_of
from api.easymail.inputs.queries import Query
from audience.models import Contact, ContactList, FieldDefinition, Membership, Segment
from campaigns.editing import has_foreign_content
from campaigns.link_clicks import LinkClicks
from campaigns.models import Campaign, Sender
from campaigns.readiness import find_missing
from campaigns.recipients import Recipient, count_recipients
from campaigns.states import CampaignStatus
from campaigns.statistics import NO_REPEATS, Repeats, Statistics
from mailer.compose.plain_text import plain_text_of

Body = dict[str, Any]

STATS, REVENUE = "stats", "revenue"
DELIVERY, ENGAGEMENT, PURCHASES = "delivery", "engagement", "purchases"
COUNTRY: Final = re.compile("[A-Z]{2}")


def envelope(value: Body) -> Body:
    """Return the envelope of a single resource."""
    return {"data": value}


def page(values: Iterable[Body], query: Query, total: int) -> Body:
    """Return the envelope of a list."""
    pagination = {"current_page": query.number, "per_page": query.size, "total": total}
    return {"data": list(values), "pagination": pagination}


def moment(at: dt.datetime | None) -> str | None:
    """Return a time in the form `2026-06-24T10:00:00Z`, or null for None."""
    if at is None:
        return None
    return f"{at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def campaign(
    row: Campaign, *, statistics: tuple[Statistics, Repeats] | None = None, with_revenue: bool = False
) -> Body:
    """Return the whole campaign. Keys that are not always there come last."""
    needs = find_missing(row, needs=proposed.NEEDS)
    missing = [name for need, name in proposed.MISSING.items() if need in needs]
    fields: Body = {
        "uuid": str(row.uuid),
        "name": row.title,
        "status": word_for(row.status, Dialect.EASYMAIL),
        "subject": row.subject or None,
        "preheader": row.preheader or None,
        "from_name": row.from_name or None,
        "reply_to": row.reply_to or None,
        "from_identity": str(row.sender.uuid) if row.sender else None,
        "from_email": row.sender.from_email if row.sender else None,
        "content": content(row),
        "content_editable_via_api": True,
        "content_overwrite_required": has_foreign_content(row),
        "audience": audience(row),
        "readiness": {"can_send": not missing, "missing": missing},
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
        "last_updated_at": moment(row.edited_at),
    }
    if row.status == CampaignStatus.SCHEDULED:
        fields["scheduled_at"] = moment(row.send_at)
    if statistics is not None:
        counted, repeats = statistics
        # Until the campaign is sent, everything that is prepared for it may still change.
        fields[STATS] = stats(replace(counted, recipients=count_recipients(row)), repeats)
    if with_revenue:
        fields[REVENUE] = purchases()
    return fields


def content(row: Campaign) -> str | None:
    """Return the Markdown, or the readable text of content that was written in another form."""
    return row.markdown or row.plain_content or plain_text_of(row.html_content) or None


def audience(row: Campaign) -> Body:
    """Return one list and one segment, although other APIs can name several."""
    return {"list_uuid": first_uuid(row.chosen_lists), "segment_uuid": first_uuid(row.chosen_segments)}


def first_uuid(rows: Sequence[ContactList] | Sequence[Segment]) -> str | None:
    """Return the UUID of the first row, or null for no rows."""
    return str(rows[0].uuid) if rows else None


def line(row: Campaign) -> Body:
    """Return a campaign of a list."""
    return {
        "uuid": str(row.uuid),
        "name": row.title,
        "status": word_for(row.status, Dialect.EASYMAIL),
        "subject": row.subject or None,
        "from_name": row.from_name or None,
        "language": proposed.LANGUAGE,
        "scheduled_at": moment(row.send_at) if row.status == CampaignStatus.SCHEDULED else None,
        "recipients_count": count_recipients(row),
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }


def stats(counted: Statistics, repeats: Repeats = NO_REPEATS) -> Body:
    """Return the statistics of a campaign. The rates count each person once."""
    return {
        "recipients": counted.recipients,
        "sent": counted.sent,
        "delivered": counted.sent,
        "bounced": counted.refused,
        "opened": max(repeats.opens, counted.opened),
        "unique_opens": counted.opened,
        "clicked": max(repeats.clicks, counted.clicked),
        "unique_clicks": counted.clicked,
        "unsubscribed": counted.unsubscribed,
        "complained": counted.reported_spam,
        "open_rate": rate(counted.opened, counted.sent),
        "click_rate": rate(counted.clicked, counted.sent),
        "bounce_rate": rate(counted.refused, counted.recipients),
        "unsubscribe_rate": rate(counted.unsubscribed, counted.sent),
    }


def rate(part: int, whole: int) -> float:
    """Return a part of a whole in percent, or 0 if the whole is 0."""
    return round(100 * part / whole, 2) if whole else 0.0


def purchases() -> Body:
    """Return no purchases: Sluice knows of no shop."""
    return {"amount": 0, "currency": None, "orders": 0}


def recipient(row: Recipient, include: Collection[str]) -> Body:
    """Return a recipient of a campaign."""
    fields: Body = {
        "uuid": str(row.contact) if row.contact else None,
        "email": row.email,
        "first_name": row.first_name or None,
        "last_name": row.last_name or None,
        "status": row.status,
        "sent_at": moment(row.sent_at),
    }
    if DELIVERY in include:
        fields[DELIVERY] = {
            "delivered": row.status == "sent",
            "delivered_at": moment(row.sent_at),
            "response": row.reply or None,
        }
    if ENGAGEMENT in include:
        fields[ENGAGEMENT] = {
            "opened": row.opened_at is not None,
            "opened_at": moment(row.opened_at),
            "clicked": row.clicked_at is not None,
            "clicked_at": moment(row.clicked_at),
        }
    if PURCHASES in include:
        fields[PURCHASES] = purchases()
    return fields


def link(row: Campaign, counted: LinkClicks) -> Body:
    """Return a link of a campaign with its clicks."""
    uuid = str(uuid5(row.uuid, counted.url))
    return {"uuid": uuid, "url": counted.url, "clicks": counted.clicks, "unique_clicks": counted.unique_clicks}


def contact(row: Contact) -> Body:
    """Return a contact. Other APIs can store any text as its country, but only codes are shown."""
    return {
        "uuid": str(row.uuid),
        "email": row.email,
        "first_name": row.first_name or None,
        "last_name": row.last_name or None,
        "phone": row.phone_number or None,
        "external_id": row.external_id,
        "language": row.language or None,
        "country_code": row.country if COUNTRY.fullmatch(row.country) else None,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }


def member(row: Membership) -> Body:
    """Return a contact of a list."""
    return {**contact(row.contact), "added_at": moment(row.added_at)}


def contact_list(row: ContactList) -> Body:
    """Return a list of contacts."""
    return {
        "uuid": str(row.uuid),
        "name": row.name,
        "description": row.description or None,
        "is_public": row.is_public,
        "contacts_count": row.contact_count,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }


def segment(row: Segment) -> Body:
    """Return a segment with the count of its contacts."""
    return {
        "uuid": str(row.uuid),
        "name": row.name,
        "contacts_count": row.contact_count or 0,
        "contacts_count_calculated_at": moment(row.counted_at),
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }


def identity(row: Sender) -> Body:
    """Return a sender identity."""
    return {
        "uuid": str(row.uuid),
        "email": row.from_email,
        "from_name": row.from_name or None,
        "reply_to": row.reply_to or None,
    }


def custom_field(row: FieldDefinition) -> Body:
    """Return a custom field."""
    return {
        "uuid": str(uuid_of(row)),
        "name": row.label or row.name,
        "field_key": key_of(row),
        "type": row.form or row.type,
        "options": row.options,
        "created_at": moment(row.created_at),
    }


def items(row: FieldDefinition, values: list[str]) -> Body:
    """Return the items of a custom field that holds a list."""
    return {"field_key": key_of(row), "value": values}
