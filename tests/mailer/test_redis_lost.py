"""Redis only carries hints (promise G5): emptying it at any moment costs one round of the sweeper."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from accounts.models import Account
from batches.admit import admit_batch
from batches.counts import count_batch
from batches.handles import create_batch
from batches.models import Batch
from batches.states import Lane
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.pipeline.note import client_for
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.drafts import draft

MESSAGES = 60


@pytest.fixture
def redis() -> Iterator[Any]:
    """Return the Redis database of the test, empty before and after it."""
    client = client_for(settings.REDIS_URL)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def scheduled_batch(alice: Account, redis: Any) -> Batch:
    """Create a batch with mail due in a minute, and the ETA task of its wave."""
    batch = create_batch(alice)
    accept_mail(alice, draft(MESSAGES, batch_id=batch.public_id, send_at=database_now() + dt.timedelta(minutes=1)))
    assert redis.keys()
    return batch


@pytest.mark.parametrize("moment", ["before its time", "when its tokens were out"])
def test_hints_lost_by_an_emptied_redis_are_published_by_the_next_sweep(
    scheduled_batch: Batch, redis: Any, clock: Clock, deliverer: Deliverer, moment: str
) -> None:
    clock.advance(seconds=61)
    if moment == "when its tokens were out":
        admit_batch(scheduled_batch.pk)
        assert redis.llen(Lane.BULK.label)
    redis.flushdb()
    sweep()
    assert redis.llen(Lane.BULK.label), "a token tells a worker"
    assert deliverer.deliver_due(seconds=10) == MESSAGES
    assert count_batch(scheduled_batch.pk).sent == MESSAGES
