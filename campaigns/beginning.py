"""Beginning: the one rule by which a campaign has begun, whether its row says so yet or not.

A prepared campaign begins when its time comes, by PostgreSQL's clock: its mail is sent then, and the sweeper notes it
up to a second later. Everyone who reads a status, filters by it or allows a move by it uses this rule.
"""

from __future__ import annotations

from typing import Final

from django.db.models import Case, F, Q, SmallIntegerField, When

from batches.states import BatchStatus
from campaigns.states import CampaignStatus
from foundation.clock import Now

HAS_MESSAGES: Final = Q(launch__recipients__gt=0)
WAS_OPEN: Final = Q(launch__batch__status=BatchStatus.OPEN) | Q(launch__batch__stopped_at__gt=F("begins_at"))
"""Nothing of a batch that was stopped before the campaign's time has been sent."""
IS_DUE: Final = Q(status=CampaignStatus.SCHEDULED, launch__isnull=False, begins_at__lte=Now()) & WAS_OPEN
IS_UNDER_WAY: Final = Q(status=CampaignStatus.QUEUED) & HAS_MESSAGES
HAS_BEGUN: Final = IS_DUE | IS_UNDER_WAY
"""The campaigns whose row does not say yet that they have begun."""

STATUS_NOW: Final = Case(
    When(HAS_BEGUN & HAS_MESSAGES, then=CampaignStatus.SENDING),
    When(IS_DUE, then=CampaignStatus.QUEUED),
    default=F("status"),
    output_field=SmallIntegerField(),
)
"""The status at this moment. A campaign without a launch has the one that its row says."""
