"""List the contacts that a campaign would reach now, and the recipients that it was sent to, in pages."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from audience.contacts import Page
from audience.locks import expensive_call
from audience.models import Contact
from audience.query.vocabulary import escape_pattern
from campaigns import recipient_queries as queries
from campaigns.models import Campaign
from campaigns.selection import select_audience
from campaigns.states import RUNNING, CampaignStatus
from foundation.addresses import spell_labels

LAUNCHED: Final = RUNNING | {CampaignStatus.SENT, CampaignStatus.CANCELLED}
"""A campaign in one of these statuses has recipients. Before that, everything that is prepared may still change."""
HIGHEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class RecipientFilter:
    """A filter of recipients by status (`sent`, `failed`, `pending`), opens, clicks, and a part of name or address.

    None means any value.
    """

    status: str | None = None
    opened: bool | None = None
    clicked: bool | None = None
    search: str | None = None


EVERYBODY: Final = RecipientFilter()


class Recipient(NamedTuple):
    """A recipient of a campaign.

    `contact` is None if the contact was deleted. `reply` is the last answer of the peer.
    """

    email: str
    contact: UUID | None
    first_name: str
    last_name: str
    status: str
    sent_at: dt.datetime | None
    reply: str | None
    opened_at: dt.datetime | None
    clicked_at: dt.datetime | None


def list_reachable(campaign: Campaign, page: Page, *, search: str | None = None) -> tuple[list[Contact], int]:
    """Return a page of the contacts that a send would reach now, the newest first, and their number.

    Raises SearchTooSlow and TooManyCalls.
    """
    chosen = select_audience(campaign, is_paged=False)
    reachable = queries.reachable(chosen.sql, is_searched=search is not None)
    parameters: dict[str, Any] = chosen.parameters | {
        "group": campaign.suppression_group_id,
        "through": 0,
        "last_contact": HIGHEST,
        **_patterns(search),
    }
    with expensive_call(campaign.account_id):
        total = _count(queries.COUNT_REACHABLE.format(reachable=reachable), parameters)
        if page.offset >= total:
            return [], total
        page_parameters = parameters | page._asdict()
        return list(Contact.objects.raw(queries.PAGE_REACHABLE.format(reachable=reachable), page_parameters)), total


def list_recorded(campaign: Campaign, page: Page, selected: RecipientFilter = EVERYBODY) -> tuple[list[Recipient], int]:
    """Return a page of a campaign's recipients, in the order in which their messages were made, and their number.

    Before the campaign is sent, the page is empty. Raises SearchTooSlow and TooManyCalls.
    """
    launch = campaign.launch
    if launch is None or campaign.status not in LAUNCHED:
        return [], 0
    parameters: dict[str, Any] = {
        "batch": launch.batch_id,
        "account": campaign.account_id,
        "campaign": campaign.pk,
        "is_paged": selected == EVERYBODY,
        "status": selected.status,
        "opened": selected.opened,
        "clicked": selected.clicked,
        **_patterns(selected.search),
    }
    if page.offset >= launch.recipients:
        page = page._replace(limit=0, offset=launch.recipients)
    page_parameters = parameters | page._asdict()
    with expensive_call(campaign.account_id), connection.cursor() as cursor:
        if selected == EVERYBODY:
            before = _count(queries.OFFSET_WITHIN, page_parameters)
            cursor.execute(queries.PAGE_RECORDED, page_parameters | {"skipped": page.offset - before})
            return [Recipient(*row) for *row, _ in cursor.fetchall()], launch.recipients
        cursor.execute(queries.PAGE_RECORDED, page_parameters | {"skipped": page.offset})
        rows = cursor.fetchall()
        total = rows[0][-1] if rows else _count(queries.COUNT_RECORDED, page_parameters)
        return [Recipient(*row) for *row, _ in rows], total


def count_recipients(campaign: Campaign) -> int:
    """Return the number of a campaign's recipients; 0 before it is sent."""
    return campaign.launch.recipients if campaign.launch and campaign.status in LAUNCHED else 0


def _patterns(search: str | None) -> dict[str, str | None]:
    """Return the patterns for a search text: for addresses, whose domains are A-labels, and for other values."""
    texts = {"email_pattern": search and spell_labels(search), "pattern": search}
    return {name: text and f"%{escape_pattern(text)}%" for name, text in texts.items()}


def _count(query: str, parameters: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])
