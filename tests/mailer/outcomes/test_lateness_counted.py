"""How late mail was sent is counted from its time, or from the last opening of its gate."""

from __future__ import annotations

import datetime as dt

from accounts.models import Account
from batches.admit import admit_batch
from batches.handles import create_batch
from batches.states import BatchStatus
from batches.stop.control import resume_batch, stop_batch
from batches.stop.freeze import freeze_account, thaw_account
from foundation.clock import database_now
from mailer.models import CounterDelta, Measure, Series
from mailer.outcomes.writing import lateness_of
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from tests.conftest import Clock
from tests.drafts import draft
from tests.peer import CountingPeer


def lateness() -> dict[Measure, int]:
    """Return the messages by how late they were sent."""
    deltas = CounterDelta.objects.filter(series=Series.ACCOUNT, measure__gte=Measure.LATE_1S)
    return {Measure(delta.measure): delta.n for delta in deltas}


def test_the_measures_have_the_bounds_that_their_names_say() -> None:
    bounds = {-5: 41, 0: 41, 1: 41, 1.1: 42, 10: 42, 10.1: 43, 60: 43, 61: 44, 600: 44, 601: 45, 10**9: 45}
    assert {seconds: lateness_of(dt.timedelta(seconds=seconds)) for seconds in bounds} == bounds


def test_mail_that_nobody_stopped_is_counted_from_its_time(alice: Account, clock: Clock, deliverer: Deliverer) -> None:
    accept_mail(alice, draft(10, send_at=database_now() + dt.timedelta(hours=1)))
    accept_mail(alice, draft(2, name="now"))
    deliverer.deliver_due(seconds=10)
    assert lateness() == {Measure.LATE_1S: 2}
    clock.advance(hours=1.1)
    admit_batch(alice.batches.get().pk)
    deliverer.deliver_due(seconds=10)
    assert lateness() == {Measure.LATE_1S: 2, Measure.LATE_10M: 10}


def test_a_pause_and_a_freeze_make_no_mail_late(alice: Account, clock: Clock, deliverer: Deliverer) -> None:
    batch = create_batch(alice)
    for stop, go in (
        (
            lambda: stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="t", allowed_from={BatchStatus.OPEN}),
            lambda: resume_batch(alice, batch.public_id, actor="t", allowed_from={BatchStatus.PAUSED}),
        ),
        (lambda: freeze_account(alice, actor="t"), lambda: thaw_account(alice, actor="t")),
    ):
        accept_mail(alice, draft(3, batch_id=batch.public_id, name=f"m{CounterDelta.objects.count()}"))
        stop()
        clock.advance(hours=5)
        go()
        admit_batch(batch.pk)
        deliverer.deliver_due(seconds=10)
    assert set(lateness()) == {Measure.LATE_1S}
    assert CounterDelta.objects.filter(measure=Measure.LATE_1S, series=Series.BATCH).exists()


def test_only_first_tries_are_counted(alice: Account, clock: Clock, deliverer: Deliverer, peer: CountingPeer) -> None:
    peer.replies["to1@example.com"] = "451 later"
    accept_mail(alice, draft(3))
    deliverer.deliver_due(seconds=10)
    peer.replies.clear()
    clock.advance(hours=1)
    admit_batch(alice.batches.get().pk)
    deliverer.deliver_due(seconds=10)
    assert len(peer.recipients) == 3
    assert lateness() == {Measure.LATE_1S: 2}
