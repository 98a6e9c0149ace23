"""Test the lifecycle of a campaign from draft to sent, and its early ends."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection

from accounts.models import Account
from batches.counts import count_batch
from batches.errors import UnknownBatch
from batches.handles import find_batch, stopped_batches
from campaigns.editing import duplicate_campaign, edit_campaign, find_campaign, own_campaigns
from campaigns.errors import (
    CampaignConflict,
    Need,
    NotReady,
    TimeIsPast,
    TooManyTests,
    TransitionInProgress,
    UnknownCampaign,
    UnknownPart,
)
from campaigns.launch import expand_page
from campaigns.lifecycle import (
    cancel_campaign,
    delete_campaign,
    pause_campaign,
    resume_campaign,
    schedule_campaign,
    send_now,
    unschedule_campaign,
)
from campaigns.models import AccountTerms, Campaign, Launch
from campaigns.states import CampaignStatus
from campaigns.testing import send_test
from foundation.clock import database_now
from mailer.pipeline.deliver import Deliverer
from tests.campaigns.building import (
    add_sender,
    again,
    campaign_in,
    expand_all,
    ready_campaign,
    run_fleet,
    sweep_campaigns,
)
from tests.conftest import Clock
from tests.examples import few_by_default, further
from tests.peer import CountingPeer

HOUR = dt.timedelta(hours=1)


def in_an_hour() -> dt.datetime:
    return database_now() + HOUR


def test_a_campaign_sent_now_reaches_everybody_once_with_their_own_text(
    alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    campaign = ready_campaign(alice, recipients=7)

    sent = send_now(alice, campaign.pk)

    assert sent.status == CampaignStatus.QUEUED
    run_fleet(deliverer)
    assert sorted(peer.recipients) == [f"r{n}@example.com" for n in range(7)]
    assert not peer.doubled
    assert b"Subject: News for you" in peer.ledger[0].data
    assert again(campaign).status == CampaignStatus.SENT
    assert again(campaign).finished_at is not None


def test_a_scheduled_campaign_is_sent_at_its_time_and_not_before(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, in_an_hour())

    run_fleet(deliverer)
    assert Launch.objects.count() == 0
    clock.advance(seconds=3500)
    run_fleet(deliverer)

    assert again(campaign).status == CampaignStatus.SCHEDULED
    assert Launch.objects.get().recipients == 3, "it is prepared before its time"
    assert peer.recipients == []
    clock.advance(seconds=101)
    run_fleet(deliverer)
    assert len(peer.recipients) == 3
    assert again(campaign).status == CampaignStatus.SENT


@further
def test_unscheduling_restores_the_draft_and_sends_nothing(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, in_an_hour())
    clock.advance(seconds=3590)
    run_fleet(deliverer)
    assert Launch.objects.get().recipients == 3

    receipt = unschedule_campaign(alice, campaign.pk)

    assert receipt is not None
    assert (receipt.is_settled, receipt.sent, receipt.stopped) == (True, 0, 3)
    unscheduled = again(campaign)
    assert (unscheduled.status, unscheduled.send_at, unscheduled.launch) == (CampaignStatus.DRAFT, None, None)
    clock.advance(seconds=60)
    run_fleet(deliverer)
    assert peer.recipients == []
    assert again(campaign).status == CampaignStatus.DRAFT


@further
def test_after_its_time_a_campaign_cannot_be_unscheduled_even_before_a_sweep(
    alice: Account, deliverer: Deliverer, clock: Clock
) -> None:
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, in_an_hour())
    clock.advance(seconds=3590)
    run_fleet(deliverer)
    clock.advance(seconds=20)
    assert again(campaign).status == CampaignStatus.SCHEDULED

    with pytest.raises(CampaignConflict) as refused:
        unschedule_campaign(alice, campaign.pk)

    assert refused.value.status == CampaignStatus.SENDING
    run_fleet(deliverer)
    assert again(campaign).status == CampaignStatus.SENT


def test_a_rescheduled_campaign_is_sent_once_at_its_new_time(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, in_an_hour())
    clock.advance(seconds=3590)
    run_fleet(deliverer)

    schedule_campaign(alice, campaign.pk, in_an_hour())

    clock.advance(seconds=1800)
    run_fleet(deliverer)
    assert peer.recipients == []
    clock.advance(seconds=1801)
    run_fleet(deliverer)
    assert len(peer.recipients) == 3


def test_a_past_time_and_an_incomplete_campaign_are_refused(alice: Account) -> None:
    campaign = ready_campaign(alice)
    with pytest.raises(TimeIsPast):
        schedule_campaign(alice, campaign.pk, database_now())

    edit_campaign(alice, campaign.pk, {"subject": " ", "lists": [], "html_content": "<p>no link</p>"})
    with pytest.raises(NotReady) as refused:
        send_now(alice, campaign.pk)

    assert refused.value.missing == (Need.SUBJECT, Need.AUDIENCE, Need.UNSUBSCRIBE_TAG)
    assert again(campaign).status == CampaignStatus.DRAFT


def test_a_campaign_that_is_not_ready_at_its_time_fails_with_the_reason(alice: Account, clock: Clock) -> None:
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, in_an_hour())
    campaign.lists.all().delete()
    clock.advance(hours=1)

    sweep_campaigns()

    failed = again(campaign)
    assert (failed.status, failed.failure) == (CampaignStatus.FAILED, Need.AUDIENCE.label)


def test_a_campaign_without_recipients_fails(alice: Account, deliverer: Deliverer) -> None:
    campaign = ready_campaign(alice, recipients=0)
    send_now(alice, campaign.pk)

    run_fleet(deliverer)

    assert again(campaign).status == CampaignStatus.FAILED


def test_a_failed_campaign_that_begins_again_has_not_ended(alice: Account) -> None:
    campaign = campaign_in(alice, CampaignStatus.FAILED)
    assert campaign.finished_at is not None
    schedule_campaign(alice, campaign.pk, database_now() + dt.timedelta(hours=1))
    assert (again(campaign).failure, again(campaign).finished_at) == ("", None)
    Campaign.objects.filter(pk=campaign.pk).update(status=CampaignStatus.FAILED, finished_at=database_now())
    send_now(alice, campaign.pk)
    assert again(campaign).finished_at is None


def test_an_unverified_sender_is_not_ready(alice: Account) -> None:
    campaign = ready_campaign(alice, sender=add_sender(alice, is_verified=False).pk)
    with pytest.raises(NotReady) as refused:
        send_now(alice, campaign.pk)
    assert refused.value.missing == (Need.SENDER_VERIFICATION,)


@further
def test_sending_can_be_undone_within_the_accounts_or_the_campaigns_seconds(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    AccountTerms.objects.create(account=alice, undo_seconds=30)
    first, second, third = (ready_campaign(alice), ready_campaign(alice), ready_campaign(alice, undo_seconds=0))

    assert send_now(alice, first.pk).status == CampaignStatus.SCHEDULED
    send_now(alice, second.pk)
    assert send_now(alice, third.pk).status == CampaignStatus.QUEUED
    assert unschedule_campaign(alice, first.pk) is None  # no part of it was prepared
    assert again(first).status == CampaignStatus.DRAFT
    run_fleet(deliverer)
    assert len(peer.recipients) == 3
    clock.advance(seconds=31)
    run_fleet(deliverer)

    assert len(peer.recipients) == 6
    assert again(first).status == CampaignStatus.DRAFT
    assert again(second).status == CampaignStatus.SENT


def test_a_resumed_campaign_continues_where_it_stopped(
    alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    campaign = ready_campaign(alice, recipients=5)
    send_now(alice, campaign.pk)
    sweep_campaigns()
    expand_all()

    receipt = pause_campaign(alice, campaign.pk, actor="test")

    assert (receipt.is_settled, receipt.sent, receipt.stopped) == (True, 0, 5)
    run_fleet(deliverer)
    assert peer.recipients == []
    assert again(campaign).status == CampaignStatus.PAUSED
    resume_campaign(alice, campaign.pk, actor="test")
    run_fleet(deliverer)
    assert len(peer.recipients) == 5
    assert not peer.doubled
    assert again(campaign).status == CampaignStatus.SENT


@further
def test_cancelling_stops_the_expansion_too(alice: Account, deliverer: Deliverer, peer: CountingPeer) -> None:
    campaign = ready_campaign(alice)
    launch = send_now(alice, campaign.pk).launch
    assert launch is not None

    receipt = cancel_campaign(alice, campaign.pk, actor="test", reason="a typo")

    assert receipt is not None
    assert receipt.is_settled
    assert expand_page(launch.pk) is None
    run_fleet(deliverer)
    assert peer.recipients == []
    assert again(campaign).status == CampaignStatus.CANCELLED


def test_deleting_a_campaign_stops_its_unsent_mail_and_hides_it(
    alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    campaign = ready_campaign(alice)
    send_now(alice, campaign.pk)
    expand_all()

    receipt = delete_campaign(alice, campaign.pk, actor="test")

    assert receipt is not None
    assert (receipt.is_settled, receipt.stopped) == (True, 3)
    run_fleet(deliverer)
    assert peer.recipients == []
    with pytest.raises(UnknownCampaign):
        find_campaign(alice, campaign.pk)
    assert not own_campaigns(alice)


@pytest.mark.parametrize("is_prepared", few_by_default([False, True], True))
def test_a_deleted_campaign_is_not_sent_at_its_time(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock, is_prepared: bool
) -> None:
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, in_an_hour())
    if is_prepared:
        clock.advance(seconds=3590)
        run_fleet(deliverer)

    delete_campaign(alice, campaign.pk, actor="test")

    clock.advance(hours=2)
    run_fleet(deliverer)
    assert peer.recipients == []


def test_a_campaigns_batch_is_not_a_callers_batch(alice: Account) -> None:
    campaign = ready_campaign(alice)
    launch = send_now(alice, campaign.pk).launch
    assert launch is not None
    expand_all()
    pause_campaign(alice, campaign.pk, actor="test")

    assert list(stopped_batches(alice)) == []
    with pytest.raises(UnknownBatch):
        find_batch(alice, launch.batch.public_id)


def test_a_move_that_a_dialect_does_not_allow_is_refused_with_the_status(alice: Account) -> None:
    campaign = ready_campaign(alice)
    with pytest.raises(CampaignConflict) as refused:
        delete_campaign(alice, campaign.pk, actor="test", allowed_from={CampaignStatus.SENT})
    assert refused.value.status == CampaignStatus.DRAFT
    with pytest.raises(CampaignConflict):
        resume_campaign(alice, campaign.pk, actor="test", allowed_from=set(CampaignStatus))


def test_two_changes_at_one_moment_do_not_wait_for_each_other(alice: Account) -> None:
    campaign = ready_campaign(alice)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("begin")
            cursor.execute("select from campaigns_campaign where id = %s for update", [campaign.pk])
            with pytest.raises(TransitionInProgress):
                send_now(alice, campaign.pk)
            cursor.execute("rollback")
    finally:
        other.close()
    assert send_now(alice, campaign.pk).status == CampaignStatus.QUEUED


def test_nothing_of_another_account_can_be_found_used_or_moved(alice: Account, charlie: Account) -> None:
    hers, his = ready_campaign(alice), ready_campaign(charlie)
    for call in (find_campaign, send_now, unschedule_campaign, duplicate_campaign):
        with pytest.raises(UnknownCampaign):
            call(charlie, hers.pk)
    with pytest.raises(UnknownCampaign):
        delete_campaign(charlie, hers.pk, actor="test")
    with pytest.raises(UnknownCampaign):
        find_campaign(charlie, hers.uuid)
    for name, key in (
        ("sender", his.sender_id),
        ("suppression_group", his.suppression_group_id),
        ("lists", [each.pk for each in his.lists.all()]),
    ):
        with pytest.raises(UnknownPart) as refused:
            edit_campaign(alice, hers.pk, {name: key, "title": "mine"})
        assert refused.value.field == name
    assert again(hers).title == "News of May"


def test_a_copy_has_the_same_content_and_audience_and_is_a_draft(alice: Account) -> None:
    campaign = ready_campaign(alice, categories=["news"], rate_per_minute=60)
    schedule_campaign(alice, campaign.pk, in_an_hour())

    copy = duplicate_campaign(alice, campaign.pk)

    assert (copy.title, copy.status, copy.send_at) == ("Copy of News of May", CampaignStatus.DRAFT, None)
    assert (copy.html_content, copy.sender_id, copy.categories) == (
        campaign.html_content,
        campaign.sender_id,
        ["news"],
    )
    assert list(copy.lists.all()) == list(campaign.lists.all())
    assert copy.uuid != campaign.uuid


@further
def test_test_mail_is_sent_at_once_and_changes_nothing(
    alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    campaign = ready_campaign(alice)

    send_test(alice, campaign.pk, ["a@example.com", "b@example.com"])

    deliverer.deliver_due(seconds=5)
    assert sorted(peer.recipients) == ["a@example.com", "b@example.com"]
    assert b"Hello friend" in peer.ledger[0].data
    assert again(campaign).status == CampaignStatus.DRAFT
    with pytest.raises(TooManyTests):
        send_test(alice, campaign.pk, ["a@example.com"] * 11)


def test_editing_a_scheduled_campaign_cannot_make_it_unready(alice: Account) -> None:
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, in_an_hour())
    both = {CampaignStatus.DRAFT, CampaignStatus.SCHEDULED}

    with pytest.raises(NotReady):
        edit_campaign(alice, campaign.pk, {"subject": ""}, allowed_from=both)
    with pytest.raises(CampaignConflict):
        edit_campaign(alice, campaign.pk, {"subject": "Other"})

    assert edit_campaign(alice, campaign.pk, {"subject": "Other"}, allowed_from=both).subject == "Other"
    assert count_of_messages(campaign) == 0


def count_of_messages(campaign: Campaign) -> int:
    launch = again(campaign).launch
    return count_batch(launch.batch_id).accepted if launch else 0
