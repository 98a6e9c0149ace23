"""Test the list of what is sent next: its fate is what the gate would say now, its figures are those of the parcels."""

from __future__ import annotations

import datetime as dt

from accounts.models import Account
from batches.handles import create_batch
from batches.models import Batch, Installation
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from batches.wave_counts import fold_waves
from campaigns.states import CampaignStatus
from campaigns.sweep import prepare_campaigns
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from monitoring.coming import Coming, Fate, list_coming
from monitoring.scope import EVERYTHING, scope_of
from tests.campaigns.building import campaign_in, expand_all
from tests.conftest import Clock
from tests.drafts import draft

HOUR = dt.timedelta(hours=1)
SOON = dt.timedelta(minutes=30)


def coming(account: Account | None = None) -> list[Coming]:
    return list_coming(EVERYTHING if account is None else scope_of(account), HOUR)


def fates(account: Account | None = None) -> dict[tuple[str, int | None], Fate]:
    return {(row.public_id or row.label, row.messages): row.fate for row in coming(account)}


def batch_with(account: Account, messages: int, send_at: dt.datetime) -> Batch:
    batch = create_batch(account)
    accept_mail(account, draft(messages, batch_id=batch.public_id, send_at=send_at))
    return batch


def test_waves_have_their_messages_and_what_will_happen_to_them(alice: Account, charlie: Account) -> None:
    at = database_now() + SOON
    sent, paused, cancelled = (batch_with(alice, 600 + n, at + dt.timedelta(minutes=n)) for n in range(3))
    other = batch_with(charlie, 5, at)
    batch_with(alice, 7, at + HOUR)
    for batch, status in ((paused, BatchStatus.PAUSED), (cancelled, BatchStatus.CANCELLED)):
        stop_batch(alice, batch.public_id, status, actor="a test", allowed_from=set(BatchStatus))
    expected = {
        (sent.public_id, 600): Fate.SENT,
        (paused.public_id, 601): Fate.PAUSED,
        (cancelled.public_id, 602): Fate.CANCELLED,
    }
    assert fates(alice) == expected
    assert fates() == expected | {(other.public_id, 5): Fate.SENT}
    assert coming(alice)[0].at == at
    fold_waves()
    assert fates(alice) == expected
    assert [row.messages for row in list_coming(scope_of(alice), HOUR, limit=2)] == [600, 601]
    Account.objects.filter(pk=charlie.pk).update(frozen_at=at)
    assert fates(charlie) == {(other.public_id, 5): Fate.FROZEN}
    Installation.objects.update(frozen_at=at)
    assert fates(alice)[sent.public_id, 600] is Fate.FROZEN
    assert fates(alice)[cancelled.public_id, 602] is Fate.CANCELLED


def test_a_scheduled_campaign_waits_for_its_audience_until_its_mail_is_made(alice: Account, clock: Clock) -> None:
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
    (row,) = coming()
    assert (row.label, row.messages, row.fate) == ("News of May", None, Fate.WAITS)
    assert (row.at, row.campaign_id, row.campaign_uuid) == (campaign.begins_at, campaign.pk, campaign.uuid)
    clock.advance(seconds=3500)
    prepare_campaigns()
    assert [row.messages for row in coming()] == [None]
    expand_all()
    (row,) = coming()
    assert (row.label, row.messages, row.fate, row.is_complete) == ("News of May", 3, Fate.SENT, True)
    assert row.campaign_id == campaign.pk
