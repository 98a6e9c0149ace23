"""Change the terms of campaigns while they are being sent."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.db import transaction

from accounts.models import Account
from campaigns.errors import UnknownCampaign
from campaigns.lifecycle import locked_campaign, reschedule
from campaigns.models import AccountTerms, Campaign
from campaigns.pacer import hint_times, repace
from campaigns.states import RUNNING, CampaignStatus

CHANGEABLE = frozenset({"rate_per_minute", "spread_seconds", "window"})
"""The fields that may be changed while a campaign is being sent."""


def change_terms(account: Account, campaign_id: int, changes: Mapping[str, Any]) -> Campaign:
    """Change a campaign's rate, spread or window, in any status. Its unsent mail gets new times, in the same order.

    Raises UnknownCampaign, TransitionInProgress.
    """
    return _change_terms(account, campaign_id, changes)


def _change_terms(
    account: Account, campaign_id: int, changes: Mapping[str, Any], *, is_in_turn: bool = False
) -> Campaign:
    """Change a campaign's terms. With `is_in_turn` all campaigns of the account are changed one after the other."""
    with locked_campaign(account, campaign_id, waits=is_in_turn) as campaign:
        for name in CHANGEABLE & changes.keys():
            setattr(campaign, name, changes[name])
        campaign.save(update_fields=list(CHANGEABLE))
        times = []
        if campaign.status == CampaignStatus.SCHEDULED:
            reschedule(campaign)
        elif campaign.launch:
            times = repace(campaign, is_in_turn=is_in_turn)
    if campaign.launch:
        hint_times(campaign.launch.batch_id, times)
    return campaign


def change_account_terms(account: Account, *, rate_per_minute: int | None, undo_seconds: int) -> AccountTerms:
    """Change the terms of an account. Its campaigns that are being sent get new times, the oldest launch first.

    After a crash in between, the remaining campaigns keep their old times.
    """
    with transaction.atomic():
        terms, _ = AccountTerms.objects.select_for_update().get_or_create(account=account)
        terms.rate_per_minute, terms.undo_seconds, terms.next_at = rate_per_minute, undo_seconds, None
        terms.save()
    on_their_way = Campaign.objects.filter(
        account=account, status__in=[*RUNNING, CampaignStatus.SCHEDULED], launch__isnull=False, deleted_at=None
    )
    for campaign_id in on_their_way.order_by("launch_id").values_list("pk", flat=True):
        with suppress(UnknownCampaign):
            _change_terms(account, campaign_id, {}, is_in_turn=True)
    return terms
