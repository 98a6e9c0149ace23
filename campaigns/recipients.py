"""Recipients: whom a campaign would reach at this moment, and whom it was sent to, in pages."""

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
from campaigns import queries
from campaigns.models import Campaign
from campaigns.selection import select_audience
from campaigns.states import RUNNING, CampaignStatus
from foundation.addresses import spell_labels

LAUNCHED: Final = RUNNING | {CampaignStatus.SENT, CampaignStatus.CANCELED}
"""A campaign in these has recipients; before, what is prepared for it may still change."""
HIGHEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which recipients: in this status (`sent`, `failed`, `pending`), who opened or clicked or did not, with these
    letters in name or address. None: whatever it is."""

    status: str | None = None
    opened: bool | None = None
    clicked: bool | None = None
    search: str | None = None


EVERYBODY: Final = Wanted()


class Recipient(NamedTuple):
    """Somebody a campaign was sent to. `contact` is None when that is no contact any more; `reply` what the peer said
    last."""

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
    """A page of the contacts that a send at this moment would reach, the newest first, and how many there are. Raises
    SearchTooSlow and TooManyCalls."""
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
        asked = parameters | page._asdict()
        return list(Contact.objects.raw(queries.PAGE_REACHABLE.format(reachable=reachable), asked)), total


def list_recorded(campaign: Campaign, page: Page, wanted: Wanted = EVERYBODY) -> tuple[list[Recipient], int]:
    """A page of those a campaign was sent to, in the order in which they were made, and how many there are; nobody
    before it has been sent. Raises SearchTooSlow and TooManyCalls."""
    launch = campaign.launch
    if launch is None or campaign.status not in LAUNCHED:
        return [], 0
    parameters: dict[str, Any] = {
        "batch": launch.batch_id,
        "account": campaign.account_id,
        "campaign": campaign.pk,
        "is_paged": wanted == EVERYBODY,
        "status": wanted.status,
        "opened": wanted.opened,
        "clicked": wanted.clicked,
        **_patterns(wanted.search),
    }
    if page.offset >= launch.recipients:
        page = page._replace(limit=0, offset=launch.recipients)
    asked = parameters | page._asdict()
    with expensive_call(campaign.account_id), connection.cursor() as cursor:
        if wanted == EVERYBODY:
            before = _count(queries.OFFSET_WITHIN, asked)
            cursor.execute(queries.PAGE_RECORDED, asked | {"skipped": page.offset - before})
            return [Recipient(*row) for *row, _ in cursor.fetchall()], launch.recipients
        cursor.execute(queries.PAGE_RECORDED, asked | {"skipped": page.offset})
        rows = cursor.fetchall()
        total = rows[0][-1] if rows else _count(queries.COUNT_RECORDED, asked)
        return [Recipient(*row) for *row, _ in rows], total


def count_recipients(campaign: Campaign) -> int:
    """How many a campaign was sent to, or is being sent to; 0 before that."""
    return campaign.launch.recipients if campaign.launch and campaign.status in LAUNCHED else 0


def _patterns(search: str | None) -> dict[str, str | None]:
    """Return the patterns that a text is looked for by: in addresses, whose domains are kept as A-labels, and in other
    values."""
    texts = {"email_pattern": search and spell_labels(search), "pattern": search}
    return {name: text and f"%{escape_pattern(text)}%" for name, text in texts.items()}


def _count(query: str, parameters: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])
