"""Test two moves of one campaign at one moment, on two connections: one of them succeeds as a whole."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import pytest
from django.db import connection, transaction

from accounts.models import Account
from batches.admit import read_locked_gate
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from campaigns.errors import CampaignConflict, TransitionInProgress
from campaigns.launch import expand_page
from campaigns.lifecycle import cancel_campaign, pause_campaign, schedule_campaign, send_now, unschedule_campaign
from campaigns.models import Launch
from campaigns.states import CampaignStatus
from foundation.clock import Now, database_now
from mailer.models import Message
from mailer.sweep import sweep
from tests.campaigns.building import again, expand_all, ready_campaign, sweep_campaigns
from tests.campaigns.races import REFUSED, at_one_moment
from tests.conftest import Clock
from tests.examples import few_by_default
from tests.fleet import DeliveringThread
from tests.peer import CountingPeer
from tests.waiting import someone_waits_for_us, wait_until

MOMENTS = (-20.0, -0.3, -0.05, 0.0, 0.02, 0.1)
"""Seconds after a campaign's time."""
AROUND = (-20.0, 0.1)
SENT_FOR = (0.05, 0.1, 0.2, 0.35, 0.5)
"""Seconds for which a campaign is sent before its cancel."""


class SweepingThread:
    """A thread that sweeps, and expands launched campaigns, until the end of the block."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> SweepingThread:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self.errors, self.errors

    def _run(self) -> None:
        try:
            while not self._stop.wait(0.03):
                sweep()
                expand_all()
        except BaseException as error:
            self.errors.append(error)
        finally:
            connection.close()


@pytest.mark.parametrize("seed", few_by_default(range(5), 0, 1))
def test_of_simultaneous_launches_one_succeeds(alice: Account, seed: int) -> None:
    campaign = ready_campaign(alice)

    outcomes = at_one_moment(*[lambda: send_now(alice, campaign.pk)] * 3)

    assert sum(isinstance(outcome, REFUSED) for outcome in outcomes) == 2
    assert Launch.objects.count() == 1
    assert again(campaign).status == CampaignStatus.QUEUED


def test_two_sweepers_prepare_a_campaign_once(alice: Account) -> None:
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, database_now() + dt.timedelta(seconds=60))

    at_one_moment(sweep_campaigns, sweep_campaigns, sweep_campaigns)
    sweep_campaigns()

    assert Launch.objects.count() == 1
    assert Batch.objects.filter(is_campaign=True).count() == 1


@pytest.mark.parametrize("seed", few_by_default(range(5), 0, 1))
def test_of_a_schedule_and_a_send_now_one_succeeds(alice: Account, seed: int) -> None:
    campaign = ready_campaign(alice)
    later = database_now() + dt.timedelta(hours=1)

    outcomes = at_one_moment(
        lambda: send_now(alice, campaign.pk),
        lambda: schedule_campaign(alice, campaign.pk, later, allowed_from={CampaignStatus.DRAFT}),
    )

    stored = again(campaign)
    open_batches = Batch.objects.filter(is_campaign=True, status=BatchStatus.OPEN).count()
    if isinstance(outcomes[0], REFUSED):
        assert (stored.status, open_batches) == (CampaignStatus.SCHEDULED, 0)
    else:
        # A scheduled campaign can still be sent now; one that is sent now cannot be scheduled.
        assert (stored.status, open_batches) == (CampaignStatus.QUEUED, 1)


@pytest.mark.parametrize("moments", few_by_default([AROUND, MOMENTS], AROUND))
def test_a_campaign_is_unscheduled_or_sent_as_a_whole(
    alice: Account, peer: CountingPeer, clock: Clock, moments: tuple[float, ...]
) -> None:
    """If the campaign is unscheduled nothing of it is sent; otherwise all of it is."""
    taken_back = 0
    with SweepingThread(), DeliveringThread(peer):
        for seconds_after in moments:
            before = len(peer.recipients)
            campaign = ready_campaign(alice, recipients=20)
            send_at = database_now() + dt.timedelta(minutes=1)
            schedule_campaign(alice, campaign.pk, send_at)
            wait_until(lambda: Launch.objects.filter(campaign=campaign, is_complete=True).exists())  # noqa: B023
            clock.advance(seconds=(send_at - database_now()).total_seconds() + seconds_after)
            try:
                move_when_free(lambda: unschedule_campaign(alice, campaign.pk))  # noqa: B023
            except CampaignConflict:
                wait_until(lambda: len(peer.recipients) == before + 20)  # noqa: B023
                wait_until(lambda: again(campaign).status == CampaignStatus.SENT)  # noqa: B023
            else:
                taken_back += 1
                clock.advance(seconds=30)
                time.sleep(0.3)
                assert len(peer.recipients) == before
                assert again(campaign).status == CampaignStatus.DRAFT
    assert 0 < taken_back < len(moments), "the moments lie around the time"
    assert not peer.doubled


def test_a_page_waits_for_a_stop_in_progress_and_creates_no_messages_after_it(alice: Account) -> None:
    launch = send_now(alice, ready_campaign(alice).pk).launch
    assert launch is not None
    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            Batch.objects.filter(pk=launch.batch_id).update(status=BatchStatus.CANCELLED, stopped_at=Now())
            page = other.submit(on_its_own_connection, lambda: expand_page(launch.pk))
            wait_until(someone_waits_for_us, why="the page")
        assert page.result(10) is None
    assert Message.objects.count() == 0


def test_a_campaign_is_not_unscheduled_while_its_release_is_committed(alice: Account, clock: Clock) -> None:
    """The time is compared after the batch is locked; before, it would have been early enough."""
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, database_now() + dt.timedelta(seconds=60))
    sweep_campaigns()
    launch = again(campaign).launch
    assert launch is not None
    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            read_locked_gate(launch.batch_id)
            taking_back = other.submit(on_its_own_connection, lambda: unschedule_campaign(alice, campaign.pk))
            wait_until(someone_waits_for_us, why="the unscheduling")
            clock.advance(seconds=61)
        with pytest.raises(CampaignConflict):
            taking_back.result(10)


def on_its_own_connection(work: Callable[[], object]) -> object:
    try:
        return work()
    finally:
        connection.close()


@pytest.mark.parametrize("sent_for", few_by_default([(0.1, 0.5), SENT_FOR], (0.1, 0.5)))
def test_a_cancel_counts_what_was_sent_or_fails(
    alice: Account, peer: CountingPeer, sent_for: tuple[float, ...]
) -> None:
    """A cancel that wins returns how many messages were sent; a cancel after the last message fails."""
    with SweepingThread(), DeliveringThread(peer):
        for seconds in sent_for:
            before = len(peer.recipients)
            campaign = ready_campaign(alice, recipients=200)
            send_now(alice, campaign.pk)
            time.sleep(seconds)
            try:
                receipt = move_when_free(lambda: cancel_campaign(alice, campaign.pk, actor="test"))  # noqa: B023
            except CampaignConflict:
                assert again(campaign).status == CampaignStatus.SENT
                assert len(peer.recipients) == before + 200
                continue
            assert isinstance(receipt, Receipt)
            sent = len(peer.recipients) - before
            assert receipt.is_settled
            assert receipt.sent == sent
            time.sleep(0.2)
            assert len(peer.recipients) - before == sent
            assert again(campaign).status == CampaignStatus.CANCELLED


def test_a_pause_and_a_cancel_leave_the_campaign_cancelled(alice: Account) -> None:
    campaign = ready_campaign(alice)
    send_now(alice, campaign.pk)
    expand_all()

    at_one_moment(
        lambda: move_when_free(lambda: pause_campaign(alice, campaign.pk, actor="one")),
        lambda: move_when_free(lambda: cancel_campaign(alice, campaign.pk, actor="other")),
    )

    stored = again(campaign)
    assert stored.launch is not None
    assert stored.status == CampaignStatus.CANCELLED
    assert Batch.objects.get(pk=stored.launch.batch_id).status == BatchStatus.CANCELLED


def move_when_free(move: Callable[[], object]) -> object:
    """Repeat a move while another transition is in progress, as some APIs do for their callers."""
    while True:
        try:
            return move()
        except TransitionInProgress:
            time.sleep(0.005)
