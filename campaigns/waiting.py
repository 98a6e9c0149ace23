"""Count the messages of a campaign, and rehearse its moves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields

from batches.counts import Counts, count_batch
from batches.stop.dry_run import Rehearsal
from campaigns.errors import CampaignConflict
from campaigns.models import Campaign
from campaigns.states import CampaignStatus

NO_MESSAGES = Counts(**{field.name: 0 for field in fields(Counts)})


def count_campaign(campaign: Campaign) -> Counts:
    """Return the messages of a campaign by state. Contacts that have not become messages yet are not counted."""
    return count_batch(campaign.launch.batch_id) if campaign.launch else NO_MESSAGES


def rehearse_campaign(campaign: Campaign, allowed_from: Collection[CampaignStatus]) -> Rehearsal:
    """Rehearse a stop or a resume of a campaign that was read by the clock. Raises CampaignConflict."""
    if campaign.status_now not in allowed_from:
        raise CampaignConflict(campaign.status_now)
    counts = count_campaign(campaign)
    return Rehearsal(campaign.launch.batch if campaign.launch else None, counts, counts.waiting)
