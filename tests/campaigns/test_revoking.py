"""A revoked key's campaigns, batches and mail are stopped, in steps that continue after a crash between any two."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from accounts.keys import create_key
from accounts.models import Account, ApiKey
from batches.claims import Claimer, release
from batches.handles import create_batch
from batches.models import Batch, Parcel, Receipt
from batches.states import BatchStatus, Lane, ParcelState
from campaigns import revoking
from campaigns.lifecycle import schedule_campaign, send_now
from campaigns.models import Campaign, Revocation
from campaigns.revoking import (
    advance,
    count_scheduled,
    find_revocation,
    finish_revocations,
    list_receipts,
    revoke_and_stop,
    take_step,
)
from campaigns.states import CampaignStatus
from foundation.clock import database_now
from mailer import mail_of_key
from mailer.models import Event, EventKind
from mailer.pipeline.accept import accept_mail
from tests.campaigns.building import again, expand_all, ready_campaign
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import further

HOUR = dt.timedelta(hours=1)


@dataclass
class Work:
    """The mail and campaigns that a key and another key of the same account have scheduled."""

    key: ApiKey
    other: ApiKey
    batch: Batch
    other_batch: Batch
    scheduled: Campaign
    running: Campaign
    others: Campaign


@pytest.fixture
def work(alice: Account) -> Work:
    (key, _), (other, _) = create_key(alice, "leaked"), create_key(alice, "good")
    batch, other_batch = create_batch(alice, key=key), create_batch(alice, key=other)
    create_batch(alice, key=key)  # Nothing waits in it, so nobody has to stop it.
    at = database_now() + HOUR
    for each, to, number in (
        (key, batch, 3),
        (other, other_batch, 4),
        (key, other_batch, 5),
        (key, None, 1),
        (other, None, 1),
        (key, None, 60),
    ):
        accept_mail(alice, draft(number, batch_id=to and to.public_id, send_at=at), key=each)
    scheduled, running, others = (ready_campaign(alice) for _ in range(3))
    schedule_campaign(alice, scheduled.pk, at, key=key)
    schedule_campaign(alice, others.pk, at, key=other)
    send_now(alice, running.pk, key=key)
    expand_all()
    return Work(key, other, batch, other_batch, scheduled, running, others)


def outcome(work: Work) -> dict[str, Any]:
    """Return what is the same after every way to the end."""
    waiting = Parcel.objects.exclude(state=ParcelState.DISCARDED).exclude(batch=work.batch)
    revocation = find_revocation(work.key)
    return {
        "batches": [Batch.objects.get(pk=each.pk).status for each in (work.batch, work.other_batch)],
        "campaigns": [again(each).status for each in (work.scheduled, work.running, work.others)],
        "mail": Counter(waiting.filter(batch__is_campaign=False).values_list("batch__is_default", "size")),
        "discarded": Event.objects.filter(kind=EventKind.DISCARDED, reply="its key was revoked").count(),
        "receipts": Counter(list_receipts(revocation).values_list("batch__is_default", "affected", "ended")),
        "counts": (revocation.campaigns, revocation.batches, revocation.messages),
    }


STOPPED = {
    "batches": [BatchStatus.CANCELLED, BatchStatus.OPEN],
    "campaigns": [CampaignStatus.CANCELLED, CampaignStatus.CANCELLED, CampaignStatus.SCHEDULED],
    "mail": {(False, 4): 1, (True, 1): 1},
    "discarded": 3,
    "receipts": {(False, 0, 0): 2, (False, 5, 5): 1, (True, 61, 61): 1},
    "counts": (2, 1, 66),
}


def test_everything_of_the_key_is_stopped_and_nothing_else(work: Work) -> None:
    counted = count_scheduled(work.key)
    assert (counted.campaigns, counted.batches, str(counted.messages)) == (2, 1, str(3 + 3 + 66))
    assert ApiKey.objects.get(pk=work.key.pk).revoked_at is None
    revocation = revoke_and_stop(work.key, actor="a test", reason="it leaked")
    assert revocation.settled_at is not None
    assert ApiKey.objects.get(pk=work.key.pk).revoked_at is not None
    assert outcome(work) == STOPPED
    assert {(receipt.is_settled, receipt.actor, receipt.reason) for receipt in list_receipts(revocation)} == {
        (True, "a test", f"the key {work.key.key_id} was revoked: it leaked")
    }
    assert count_scheduled(work.key).messages.messages == 0
    assert revoke_and_stop(work.key, actor="another", reason="twice").actor == "a test"
    assert outcome(work) == STOPPED


def test_a_crash_between_any_two_steps_loses_nothing(work: Work, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(mail_of_key, "PAGE", 2)
    monkeypatch.setattr(revoking, "BATCHES", 2)
    monkeypatch.setattr(revoking, "advance", lambda *_, **__: None)
    assert revoke_and_stop(work.key, actor="a test", reason="it leaked").settled_at is None
    save, steps = Revocation.save, 0

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    is_left = True
    while is_left:
        if steps % step == 0:
            before = outcome(work)
            monkeypatch.setattr(Revocation, "save", die)
            with pytest.raises(KeyboardInterrupt):
                take_step(work.key.pk, until=time.monotonic() + 5)
            assert outcome(work) == before, "a step that was cut short has changed nothing"
            monkeypatch.setattr(Revocation, "save", save)
        is_left = take_step(work.key.pk, until=time.monotonic() + 5)
        steps += 1
    assert steps > 8
    assert outcome(work) == STOPPED


@further
def test_the_sweeper_stops_what_was_under_way_and_then_ends(work: Work, alice: Account, clock: Clock) -> None:
    revocation = revoke_and_stop(work.key, actor="a test")
    while revocation.settled_at is None and finish_revocations():
        revocation = find_revocation(work.key)
    late = draft(2, send_at=database_now() + HOUR, name="late")
    accept_mail(alice, late, key=work.key)  # Its request had found the key before the end.
    assert finish_revocations() == 0
    clock.advance(seconds=revoking.GRACE.total_seconds() + 1)
    while finish_revocations():
        pass
    assert find_revocation(work.key).finished_at is not None
    assert list_receipts(revocation).filter(affected=2).count() == 1


def test_claimed_mail_is_recalled_before_it_is_stopped(
    work: Work, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.advance(hours=1)
    Parcel.objects.filter(batch__is_default=True).update(state=ParcelState.DUE)
    claims = Claimer().claim_next(Lane.BULK, messages=60)
    (mine,) = (claim.parcel_id for claim in claims if claim.batch_id == Batch.objects.get(is_default=True).pk)
    monkeypatch.setattr(revoking, "advance", lambda *_, **__: None)
    revoke_and_stop(work.key, actor="a test")
    while take_step(work.key.pk, until=time.monotonic() + 0.1):
        pass
    assert find_revocation(work.key).settled_at is None
    assert Parcel.objects.filter(pk=mine, recalled_until__isnull=False).exists()
    release(claims)
    advance(work.key.pk, until=time.monotonic() + 5)
    assert find_revocation(work.key).settled_at is not None
    assert Parcel.objects.get(pk=mine).state == ParcelState.DISCARDED
    assert Receipt.objects.get(batch__is_default=True).stopped == 61
