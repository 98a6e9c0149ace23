"""Test the list of what is being sent: each batch with exact counts, while its mail is due, claimed or just sent."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace

from accounts.models import Account
from batches.claims import Claimer
from batches.counts import Counts, count_batch
from batches.handles import create_batch, default_batch
from batches.models import Batch
from batches.states import BatchStatus, Lane
from batches.stop.control import stop_batch
from batches.verdict import GateStatus
from campaigns.lifecycle import cancel_campaign
from campaigns.models import Launch
from campaigns.states import CampaignStatus
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from monitoring.running import Running, list_running, time_left
from monitoring.scope import EVERYTHING, scope_of
from tests.campaigns.building import campaign_in
from tests.conftest import Clock
from tests.drafts import draft

HOUR = dt.timedelta(hours=1)
NONE = Counts(**dict.fromkeys((field.name for field in fields(Counts)), 0))


def running(account: Account | None = None) -> dict[int, Running]:
    rows = list_running(EVERYTHING if account is None else scope_of(account))
    for row in rows:
        assert row.counts == count_batch(row.batch_id)
    return {row.batch_id: row for row in rows}


def batch_with(account: Account, messages: int, *, send_at: dt.datetime | None = None) -> Batch:
    batch = create_batch(account)
    accept_mail(account, draft(messages, batch_id=batch.public_id, send_at=send_at))
    return batch


def test_a_batch_runs_while_its_mail_is_due_or_claimed(alice: Account, charlie: Account) -> None:
    subuser = Account.objects.create(username="alice-shop", parent=alice)
    later = batch_with(alice, 2, send_at=database_now() + HOUR)
    due, other, below = batch_with(alice, 600), batch_with(charlie, 3), batch_with(subuser, 1)
    accept_mail(alice, draft(1))
    without = default_batch(alice)
    assert set(running()) == {due.pk, other.pk, below.pk, without.pk}
    assert later.pk not in running()
    assert set(running(alice)) == {due.pk, below.pk, without.pk}
    assert set(running(charlie)) == {other.pk}
    assert running()[due.pk].counts.due == 600
    assert running()[due.pk].account == "alice"
    claimer = Claimer()
    for lane in Lane:
        claimer.claim_next(lane)
    assert sum(row.counts.claimed for row in running().values()) > 0
    assert set(running()) == {due.pk, other.pk, below.pk, without.pk}


def test_a_batch_that_sent_mail_in_the_last_minute_runs(alice: Account, deliverer: Deliverer, clock: Clock) -> None:
    batch = batch_with(alice, 3)
    deliverer.deliver_due(seconds=5)
    row = running()[batch.pk]
    assert (row.counts.sent, row.counts.waiting, row.remaining) == (3, 0, dt.timedelta())
    clock.advance(seconds=121)
    assert running() == {}


def test_a_stopped_batch_shows_what_stopped_it(alice: Account) -> None:
    batch = batch_with(alice, 3)
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="a test", allowed_from=set(BatchStatus))
    assert running()[batch.pk].status is GateStatus.PAUSED
    Account.objects.filter(pk=alice.pk).update(frozen_at=database_now())
    assert running()[batch.pk].status is GateStatus.FROZEN


def test_a_campaign_that_has_begun_runs_under_its_title(alice: Account) -> None:
    campaign = campaign_in(alice, CampaignStatus.SENDING)
    assert campaign.launch is not None
    row = running()[campaign.launch.batch_id]
    assert (row.label, row.campaign_id, row.campaign_uuid) == ("News of May", campaign.pk, campaign.uuid)
    Launch.objects.filter(pk=campaign.launch.pk).update(is_complete=False)
    assert running()[campaign.launch.batch_id].is_expanding
    cancel_campaign(alice, campaign.pk, actor="test")
    assert not running()[campaign.launch.batch_id].is_expanding


def test_few_rows_are_those_with_work(alice: Account) -> None:
    batches = [batch_with(alice, 1) for _ in range(3)]
    Claimer().claim_next(Lane.BULK)
    rows = list_running(EVERYTHING, limit=2)
    assert [row.batch_id for row in rows] == sorted((row.batch_id for row in rows), reverse=True)
    assert len(rows) == 2
    assert {row.batch_id for row in rows} <= {batch.pk for batch in batches}


def test_the_remaining_time_needs_a_rate_or_the_time_of_the_last_mail() -> None:
    def left(rate: float | None, *, due: int = 0, scheduled: int = 0, claimed: int = 0) -> dt.timedelta | None:
        counts = replace(NONE, due=due, scheduled=scheduled, claimed=claimed)
        return time_left(counts, rate, HOUR)

    assert left(None, due=1) is None
    assert left(10.0, due=100, claimed=20) == dt.timedelta(seconds=12)
    assert left(10.0, due=100, scheduled=1) == HOUR
    assert left(None, scheduled=1) == HOUR
    assert left(None) == dt.timedelta()
