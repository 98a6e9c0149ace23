"""Waves are counted by every path on which mail begins or stops to wait for its first try, and repaired if not."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from django.db import connection

from accounts.models import Account
from batches.admit import admit_batch
from batches.counts import PENDING
from batches.handles import create_batch
from batches.models import Batch, Parcel, WaveCount, WaveDelta
from batches.states import BatchStatus, ParcelState
from batches.stop.control import resume_batch, stop_batch
from batches.stop.freeze import freeze_account
from batches.stop.purge import purge_account
from batches.stop.reschedule import reschedule_batch
from batches.wave_counts import WaveCheck, fold_waves
from campaigns.lifecycle import send_now
from campaigns.terms import change_account_terms
from foundation.clock import database_now
from mailer.in_hand import Selection, Why, drop, replay
from mailer.models import Message
from mailer.one_message import reschedule_message, stop_message
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.sweep import check_waves
from monitoring.coming import list_coming
from monitoring.scope import EVERYTHING
from tests.campaigns.building import expand_all, ready_campaign
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import further
from tests.peer import CountingPeer

HOUR = dt.timedelta(hours=1)
TEN_YEARS = dt.timedelta(days=3660)


def waiting() -> Counter[tuple[int, dt.datetime]]:
    """Return the messages that wait for their first try, counted from the parcels, by batch and minute."""
    counts: Counter[tuple[int, dt.datetime]] = Counter()
    parcels = Parcel.objects.filter(state=ParcelState.SCHEDULED, attempts=0).annotate(messages=PENDING)
    for parcel in parcels:
        minute = parcel.due_at.replace(second=0, microsecond=0)
        counts[parcel.batch_id, minute] += 0 if parcel.is_remainder else parcel.messages
    return counts


def shown() -> Counter[tuple[int, dt.datetime]]:
    """Return the coming waves by batch and minute."""
    waves = list_coming(EVERYTHING, TEN_YEARS)
    return Counter({(wave.batch_id, wave.at.replace(second=0, microsecond=0)): wave.messages for wave in waves})


def check(path: str) -> None:
    """Compare the waves with the parcels before and after a fold."""
    for step in (path, f"{path}, folded"):
        assert WaveCheck().check_waves(seconds=10) == 0, step
        now = database_now().replace(second=0, microsecond=0)
        assert shown() == Counter({wave: n for wave, n in waiting().items() if wave[1] >= now}), step
        fold_waves()
    assert not WaveDelta.objects.exists()
    assert not WaveCount.objects.filter(messages=0, parcels=0).exists()


def test_no_path_of_waiting_mail_lets_the_waves_drift(
    alice: Account, charlie: Account, clock: Clock, deliverer: Deliverer, peer: CountingPeer
) -> None:
    batch, other = create_batch(alice), create_batch(alice)
    now = database_now()
    accept_mail(alice, draft(600, batch_id=batch.public_id, send_at=now + HOUR))
    accept_mail(alice, draft(1, send_at=now + 2 * HOUR))
    accept_mail(alice, draft(2))
    check("accept")
    assert sum(shown().values()) == 601
    ids = list(Message.objects.order_by("pk").values_list("pk", flat=True))
    stop_message(alice, ids[0], actor="test")
    check("stop of one message")
    assert sum(shown().values()) == 600
    reschedule_message(alice, ids[1], now + 3 * HOUR, actor="test")
    reschedule_message(alice, ids[600], now + 3 * HOUR, actor="test")
    check("reschedule of one message")
    reschedule_batch(alice, batch.public_id, now + 4 * HOUR, actor="test")
    check("reschedule")
    reschedule_batch(alice, batch.public_id, now, actor="test")
    check("reschedule to now")
    peer.replies["to5@example.com"] = "451 later"
    deliverer.deliver_due(seconds=20)
    check("retry")
    assert Parcel.objects.filter(state=ParcelState.SCHEDULED, attempts=1).exists()

    accept_mail(alice, draft(3, batch_id=other.public_id, send_at=now + HOUR, name="o"))
    stop_batch(alice, other.public_id, BatchStatus.PAUSED, actor="test", allowed_from={BatchStatus.OPEN})
    clock.advance(hours=1.1)
    admit_batch(other.pk)
    check("retain")
    assert Parcel.objects.get(batch=other).state == ParcelState.RETAINED
    reschedule_batch(alice, other.public_id, database_now() + HOUR, actor="test")
    check("reschedule of retained mail")
    clock.advance(hours=73)
    admit_batch(other.pk)
    check("expire")

    late = create_batch(charlie)
    Account.objects.filter(pk=charlie.pk).update(lateness_limit=60)
    for hours in (1, 1, 5):
        accept_mail(charlie, draft(2, batch_id=late.public_id, send_at=database_now() + hours * HOUR, name="l"))
    clock.advance(hours=2)
    admit_batch(late.pk)
    check("hold")
    held_ids = list(Message.objects.filter(recipient="l0@example.com").order_by("pk").values_list("pk", flat=True))
    replay(charlie, Selection(Why.HELD, message_ids=frozenset(held_ids[:1])), actor="test")
    drop(charlie, Selection(Why.HELD, message_ids=frozenset(held_ids[1:2])), actor="test")
    check("replay and drop")
    freeze_account(charlie, actor="test")
    purge_account(charlie, actor="test")
    check("purge")
    assert late.pk not in {batch_id for batch_id, _ in shown()}

    deleted_batch = create_batch(alice)
    accept_mail(alice, draft(2, batch_id=deleted_batch.public_id, send_at=database_now() + HOUR))
    stop_batch(alice, deleted_batch.public_id, BatchStatus.CANCELLED, actor="test", allowed_from={BatchStatus.OPEN})
    clock.advance(hours=1.1)
    admit_batch(deleted_batch.pk)
    check("discard")
    Parcel.objects.filter(batch=deleted_batch).delete()
    check("deletion")


@further
def test_the_expansion_of_a_campaign_and_its_new_times_are_counted(alice: Account) -> None:
    change_account_terms(alice, rate_per_minute=2, undo_seconds=0)
    send_now(alice, ready_campaign(alice, recipients=7).pk)
    expand_all()
    check("expansion")
    before = shown()
    assert len(before) > 1
    change_account_terms(alice, rate_per_minute=1, undo_seconds=0)
    check("repace")
    assert shown() != before


def test_drift_is_repaired_once(alice: Account, clock: Clock) -> None:
    batch = create_batch(alice)
    now = database_now()
    for hours in (1, 2):
        accept_mail(alice, draft(3, batch_id=batch.public_id, send_at=now + hours * HOUR))
    fold_waves()
    first = WaveCount.objects.order_by("minute").first()
    assert first is not None
    WaveCount.objects.filter(minute=first.minute).update(messages=5)
    WaveDelta.objects.create(batch_id=batch.pk, minute=first.minute + 9 * HOUR, messages=7, parcels=1)
    assert check_waves() == 2
    assert check_waves() == 0, "not again within a minute"
    clock.advance(seconds=70)
    assert check_waves() == 0
    check("repair")
    assert sum(shown().values()) == 6


def test_a_check_works_in_parts(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    now = database_now()
    for hours in (1, 2, 2, 3):
        accept_mail(alice, draft(1, send_at=now + hours * HOUR))
    with connection.cursor() as cursor:
        cursor.execute("delete from batches_wavedelta")
    monkeypatch.setattr("batches.wave_counts.CHECK_PAGE", 2)
    wave_check = WaveCheck()
    assert [wave_check.check_waves(seconds=0) for _ in range(3)] == [2, 1, 0]
    check("parts")


def test_mail_that_is_not_scheduled_writes_no_wave(alice: Account, deliverer: Deliverer, peer: CountingPeer) -> None:
    peer.replies["to1@example.com"] = "451 later"
    accept_mail(alice, draft(3))
    deliverer.deliver_due(seconds=5)
    batch = create_batch(alice)
    accept_mail(alice, draft(3, batch_id=batch.public_id))
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from={BatchStatus.OPEN})
    admit_batch(batch.pk)
    resume_batch(alice, batch.public_id, actor="test", allowed_from={BatchStatus.PAUSED})
    admit_batch(batch.pk)
    assert not WaveDelta.objects.exists()
    assert Batch.objects.count() == 2
