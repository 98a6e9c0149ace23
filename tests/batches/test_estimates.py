"""Test the counts of batches that read a bounded number of parcels."""

from __future__ import annotations

import datetime as dt

from accounts.models import Account
from batches.counts import count_batch, estimate_batches
from batches.handles import create_batch
from batches.models import Batch
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft

HOUR = dt.timedelta(hours=1)


def test_an_estimate_of_few_parcels_is_the_count(alice: Account, clock: Clock, deliverer: Deliverer) -> None:
    now = database_now()
    sent, stopped, empty = (create_batch(alice) for _ in range(3))
    accept_mail(alice, draft(3, batch_id=sent.public_id))
    accept_mail(alice, draft(2, batch_id=sent.public_id, send_at=now + 2 * HOUR))
    accept_mail(alice, draft(4, batch_id=stopped.public_id, send_at=now + HOUR))
    stop_batch(alice, stopped.public_id, BatchStatus.CANCELLED, actor="test", allowed_from=set(BatchStatus))
    deliverer.deliver_due(seconds=5)
    clock.advance(hours=1.5)
    sweep()
    estimates = estimate_batches([sent.pk, stopped.pk, empty.pk])
    assert estimates[sent.pk].counts.sent == 3
    assert estimates[stopped.pk].counts.discarded == 4
    for batch in (sent, stopped, empty):
        assert estimates[batch.pk].is_exact
        assert estimates[batch.pk].counts == count_batch(batch.pk)


def test_mail_beyond_the_bound_is_counted_by_its_waves(alice: Account, deliverer: Deliverer) -> None:
    batch = create_batch(alice)
    accept_mail(alice, draft(3, batch_id=batch.public_id))
    deliverer.deliver_due(seconds=5)
    for hours in (1, 2, 3):
        accept_mail(alice, draft(10, batch_id=batch.public_id, send_at=database_now() + hours * HOUR))
    for parcels in (1, 2, 4, 5):
        estimate = estimate_batches([batch.pk], parcels=parcels)[batch.pk]
        assert estimate.is_exact == (parcels > 4)
        assert estimate.counts == count_batch(batch.pk), parcels
    assert Batch.objects.count() == 1
