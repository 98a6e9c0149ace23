"""Admission carries out, in sets and in SQL, exactly the pure verdict on each parcel."""

from __future__ import annotations

import datetime as dt
import threading
from itertools import product

import pytest
from django.db import connection, transaction

from accounts.models import Account
from batches import admit
from batches.admit import TARGETS, admit_batch, fire_wave, read_locked_gate
from batches.handles import create_batch
from batches.models import Batch, Installation, Parcel
from batches.states import BatchStatus, Lane, ParcelState
from batches.stop.control import resume_batch
from batches.verdict import Verdict, verdict
from foundation.clock import database_now
from mailer.partitions import newest_parcel_id
from tests.conftest import Clock
from tests.examples import few_rows_by_default

HOURS_AGO = (-30, -0.01, 0, 0.01, 71.9, 72.1, 300)
WAITING = (ParcelState.SCHEDULED, ParcelState.DUE, ParcelState.RETAINED)


def parcel(batch: Batch, send_at: dt.datetime, state: ParcelState) -> Parcel:
    return Parcel.objects.bulk_create([new_parcel(batch, send_at, state)])[0]


def new_parcel(batch: Batch, send_at: dt.datetime, state: ParcelState, *, due_at: dt.datetime | None = None) -> Parcel:
    """Return a parcel that is not stored yet."""
    return Parcel(
        batch=batch,
        account=batch.account,
        lane=Lane.BULK,
        state=state,
        send_at=send_at,
        due_at=due_at or send_at,
        # The events of the parcel need a partition, and the first partition may have been dropped.
        base=newest_parcel_id(),
        size=1,
    )


@pytest.mark.parametrize(
    ("lateness", "thawed"), few_rows_by_default([(None, None), (2, None), (2, 1), (2, 73)], (2, 73))
)
def test_the_sql_agrees_with_the_verdict(
    alice: Account, charlie: Account, lateness: int | None, thawed: int | None
) -> None:
    for status, frozen in product(BatchStatus, ("nothing", "account", "parent", "installation")):
        case = status.name, frozen
        now = database_now()
        alice.parent, alice.frozen_at = charlie, now if frozen == "account" else None
        alice.lateness_limit = lateness and lateness * 3600
        alice.save()
        if thawed is not None:
            Installation.objects.update(thawed_at=now - dt.timedelta(hours=thawed))
        Account.objects.filter(pk=charlie.pk).update(frozen_at=now if frozen == "parent" else None)
        Installation.objects.update(frozen_at=now if frozen == "installation" else None)
        batch = create_batch(alice)
        Batch.objects.filter(pk=batch.pk).update(status=status, stopped_at=None if status == BatchStatus.OPEN else now)
        long_ago, hour = now - dt.timedelta(hours=80), dt.timedelta(hours=1)
        parcels = Parcel.objects.bulk_create(
            [
                *(new_parcel(batch, now - hours * hour, state) for hours in HOURS_AGO for state in WAITING),
                new_parcel(batch, long_ago, ParcelState.SCHEDULED, due_at=now + hour),
                new_parcel(batch, long_ago, ParcelState.SCHEDULED, due_at=now - hour),
            ]
        )
        admit_batch(batch.pk)
        with transaction.atomic():
            locked = read_locked_gate(batch.pk)
        assert locked is not None, case
        stored = Parcel.objects.filter(batch=batch).in_bulk()
        for before in parcels:
            pure = verdict(locked.gate, now, send_at=before.send_at, due_at=before.due_at, limits=locked.limits)
            after = stored[before.pk]
            expected = before.state if pure is Verdict.WAIT else TARGETS[pure]
            if after.due_at == now:  # exactly at the limit: the clock has advanced meanwhile
                continue
            assert after.state == expected, (*case, before.state, before.send_at - now)
            is_final = after.state in (ParcelState.DISCARDED, ParcelState.EXPIRED)
            assert (after.finalized_at is not None) == is_final, case


@pytest.mark.parametrize("state", [ParcelState.DONE, ParcelState.DISCARDED, ParcelState.EXPIRED])
def test_a_final_parcel_is_not_changed(alice: Account, state: ParcelState) -> None:
    batch, now = create_batch(alice), database_now()
    Parcel.objects.create(
        batch=batch,
        account=alice,
        lane=Lane.BULK,
        state=state,
        send_at=now,
        due_at=now,
        base=0,
        size=1,
        sent=1,
        finalized_at=now,
    )
    Batch.objects.update(status=BatchStatus.CANCELLED, stopped_at=now)
    assert not admit_batch(batch.pk).parcels.total()


def test_more_than_a_page_is_admitted(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admit, "PAGE", 20)
    batch, now = create_batch(alice), database_now()
    Parcel.objects.bulk_create(
        Parcel(
            batch=batch,
            account=alice,
            lane=Lane.BULK,
            state=ParcelState.SCHEDULED,
            send_at=now,
            due_at=now,
            base=0,
            size=1,
        )
        for _ in range(41)
    )
    assert admit_batch(batch.pk).parcels == {ParcelState.DUE: 41}


def test_a_wave_task_that_is_far_too_early_does_nothing(alice: Account) -> None:
    batch = create_batch(alice)
    send_at = database_now() + dt.timedelta(minutes=1)
    early = parcel(batch, send_at, ParcelState.SCHEDULED)
    fire_wave(batch.pk, send_at)
    early.refresh_from_db()
    assert early.state == ParcelState.SCHEDULED


def test_a_wave_task_that_is_a_little_early_waits_the_rest(alice: Account) -> None:
    batch = create_batch(alice)
    send_at = database_now() + dt.timedelta(seconds=0.2)
    early = parcel(batch, send_at, ParcelState.SCHEDULED)
    fire_wave(batch.pk, send_at)
    early.refresh_from_db()
    assert early.state == ParcelState.DUE
    assert database_now() >= send_at


def test_a_verdict_cannot_cross_a_resume(alice: Account, clock: Clock) -> None:
    """While a verdict is carried out, a resume waits, so that an open batch never loses its mail to it."""
    batch, now = create_batch(alice), database_now()
    Batch.objects.update(status=BatchStatus.CANCELLED, stopped_at=now)
    resumed = threading.Event()

    def resume() -> None:
        resume_batch(alice, batch.public_id, actor="test")
        resumed.set()
        connection.close()

    thread = threading.Thread(target=resume)
    with transaction.atomic():
        read_locked_gate(batch.pk)
        thread.start()
        assert not resumed.wait(0.3)
    assert resumed.wait(10)
    thread.join(10)
