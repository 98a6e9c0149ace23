"""Create a campaign and launch or schedule it in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from django.db import transaction

from accounts.models import Account, ApiKey
from audience.drafts import ContactDraft
from audience.errors import InvalidContact
from audience.lists import create_list
from audience.upsert import upsert_contacts
from campaigns.editing import PLAIN_FIELDS, Changes, create_campaign, edit_campaign, find_campaign
from campaigns.lifecycle import schedule_campaign, send_now
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from foundation.ids import url_safe
from mailer.models import UnsubscribeGroup

OWN = frozenset({"title", "send_at", "is_to_all"})
"""The fields that a campaign does not take from the original whose content it has."""


def send_campaign(
    account: Account,
    changes: Changes,
    *,
    original: Campaign | None = None,
    contacts: Sequence[ContactDraft] = (),
    send_at: dt.datetime | None = None,
    key: ApiKey | None = None,
    allowed_from: Collection[CampaignStatus] = frozenset({CampaignStatus.DRAFT}),
) -> Campaign:
    """Create a campaign with the content and the terms of `original` and some changes, and send it now or at `send_at`.

    `contacts` are stored, and put on a new list that is added to the audience. Without an original the campaign gets
    the account's default unsubscribe group, or its oldest one. Raises what `create_campaign`, `schedule_campaign` and
    `send_now` raise, and InvalidContact.
    """
    with transaction.atomic():
        lists = [*changes.get("lists", ()), *([_list_of(account, contacts)] if contacts else [])]
        content = _content_of(original) if original else {"suppression_group": _group_of(account)}
        campaign = create_campaign(account, content)
        # The changes are applied as an edit: it clears the design and the Markdown that the new content does not match.
        edit_campaign(account, campaign.pk, {**changes, "lists": lists})
        Campaign.objects.filter(pk=campaign.pk).update(original=original)
        if send_at is None:
            send_now(account, campaign.pk, key=key, allowed_from=allowed_from)
        else:
            schedule_campaign(account, campaign.pk, send_at, key=key, allowed_from=allowed_from)
    return find_campaign(account, campaign.pk)


def _content_of(original: Campaign) -> dict[str, Any]:
    parts = {"sender": original.sender_id, "suppression_group": original.suppression_group_id}
    return {name: getattr(original, name) for name in PLAIN_FIELDS - OWN} | parts


def _group_of(account: Account) -> int | None:
    own = UnsubscribeGroup.objects.filter(account=account, deleted_at=None).order_by("-is_default", "pk")
    return own.values_list("pk", flat=True).first()


def _list_of(account: Account, contacts: Sequence[ContactDraft]) -> int:
    """Store contacts and put them on a new list. Raises InvalidContact for the first that cannot be stored."""
    contact_list = create_list(account, f"recipients {url_safe(9)}")
    stored = upsert_contacts(account, contacts, list_ids=[contact_list.pk])
    for rejected in stored.rejected.values():
        raise InvalidContact(rejected.reason, field=rejected.field)
    return contact_list.pk
