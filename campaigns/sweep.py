"""Sweep campaigns: prepare, begin and finish them, and expand launches that were left behind.

Each step is short and guarded, so two sweepers at once are harmless.
"""

from __future__ import annotations

import datetime as dt
import time
from contextlib import suppress
from functools import partial

from django.conf import settings
from django.db import transaction

from audience.errors import SearchTooSlow
from audience.locks import time_limit
from batches.handles import is_pending, pending_parcels
from batches.states import BatchStatus
from campaigns.engaging import hint_engaging
from campaigns.errors import InvalidContent, NotReady, TransitionInProgress, UnknownCampaign
from campaigns.launch import expand, hint_expansion, open_launch
from campaigns.lifecycle import locked_campaign, move, refuse_unready
from campaigns.models import HAS_BEGUN, Campaign, Launch
from campaigns.readiness import NEEDED
from campaigns.revoking import finish_revocations
from campaigns.states import RUNNING, CampaignStatus
from foundation.clock import Now, database_now

PREPARED_AHEAD = dt.timedelta(minutes=2)
"""The audience of a campaign becomes messages this long before its time, so that it is sent in time."""
AT_ONCE = 100
UNHINTED_SECONDS = 0.5
EXPAND_SECONDS = 1.0
"""The time that one round spends on expanding launches itself while the broker is away."""


def prepare_campaigns() -> int:
    """Open the launches of campaigns whose time is near, and mark those as failed that are not ready."""
    near = Campaign.objects.filter(
        status=CampaignStatus.SCHEDULED, launch=None, deleted_at=None, begins_at__lte=Now() + PREPARED_AHEAD
    )
    return sum(_prepare(campaign) for campaign in near.select_related("account").order_by("begins_at")[:AT_ONCE])


def _prepare(row: Campaign) -> bool:
    with suppress(TransitionInProgress, UnknownCampaign), locked_campaign(row.account, row.pk) as campaign:
        near = database_now() + PREPARED_AHEAD
        if campaign.status != CampaignStatus.SCHEDULED or campaign.launch is not None:
            return False
        if campaign.begins_at is None or campaign.send_at is None or campaign.begins_at > near:
            return False
        if failure := _failure_of(campaign):
            move(campaign, CampaignStatus.FAILED, failure=failure, finished_at=database_now())
            return True
        try:
            with time_limit(settings.JOB_STATEMENT_SECONDS):
                launch = open_launch(campaign, send_at=campaign.send_at, begins_at=campaign.begins_at)
        except SearchTooSlow:
            failure = "its audience took too long to count"
            move(campaign, CampaignStatus.FAILED, failure=failure, finished_at=database_now())
            return True
        move(campaign, CampaignStatus.SCHEDULED, launch=launch)
        transaction.on_commit(partial(hint_expansion, launch.pk), robust=True)
        return True
    return False


def _failure_of(campaign: Campaign) -> str:
    """Return why a campaign cannot be sent, or an empty text."""
    try:
        refuse_unready(campaign, NEEDED)
    except NotReady as error:
        return str(error)
    except InvalidContent as error:
        return error.text_with()
    return ""


def begin_campaigns() -> int:
    """Record that prepared campaigns have reached their time, and that queued ones have their first messages.

    Their mail is sent without this. Return their number.
    """
    campaigns = Campaign.objects.filter(HAS_BEGUN, deleted_at=None).select_related("account")[:AT_ONCE]
    return sum(_begin(campaign) for campaign in campaigns)


def _begin(row: Campaign) -> bool:
    # Taking the lock records it.
    with suppress(TransitionInProgress, UnknownCampaign), locked_campaign(row.account, row.pk):
        return True
    return False


def expand_launches() -> int:
    """Hint the launches that are not complete and whose task may be lost. Return their number."""
    unfinished = Launch.objects.filter(is_complete=False, batch__status=BatchStatus.OPEN).values_list("pk", flat=True)
    launches = list(unfinished[:AT_ONCE])
    until = time.monotonic() + EXPAND_SECONDS
    for launch_id in launches:
        if not hint_expansion(launch_id) and time.monotonic() < until:
            # No hint can be published, so a part is expanded here.
            expand(launch_id, seconds=UNHINTED_SECONDS)
    return len(launches)


def finish_campaigns() -> int:
    """Mark campaigns as sent when every message has an outcome, and as failed when the audience was empty.

    Return their number.
    """
    campaigns = Campaign.objects.filter(~is_pending("launch__batch_id"), status__in=RUNNING, launch__is_complete=True)
    return sum(_finish(campaign) for campaign in campaigns.select_related("account")[:AT_ONCE])


def _finish(row: Campaign) -> bool:
    with suppress(TransitionInProgress, UnknownCampaign), locked_campaign(row.account, row.pk) as campaign:
        launch = campaign.launch
        is_done = launch is not None and launch.is_complete and not pending_parcels(launch.batch).exists()
        if launch is None or not is_done or campaign.status not in RUNNING:
            return False
        now = database_now()
        if launch.recipients + launch.unsubscribed + launch.invalid == 0 and campaign.status == CampaignStatus.QUEUED:
            move(campaign, CampaignStatus.FAILED, failure="its audience is empty", finished_at=now)
        else:
            if campaign.status == CampaignStatus.QUEUED:
                move(campaign, CampaignStatus.SENDING)
            move(campaign, CampaignStatus.SENT, finished_at=now)
        return True
    return False


DUTIES = {
    "prepare_campaigns": prepare_campaigns,
    "begin_campaigns": begin_campaigns,
    "expand_launches": expand_launches,
    "finish_campaigns": finish_campaigns,
    "hint_engaging": hint_engaging,
    "finish_revocations": finish_revocations,
}
