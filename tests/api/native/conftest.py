"""Provide batches in the states that the native API reports."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import Account
from batches.admit import admit_batch
from batches.claims import Claimer, Slice
from batches.handles import create_batch
from batches.models import Batch
from batches.states import Lane
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.record import record_slice
from mailer.transports.base import InDoubt, Sent
from tests.conftest import Clock
from tests.drafts import draft
from tests.mailer.claimed import outcomes_of

SEND_AT = dt.datetime(2100, 1, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def open_batch(alice: Account) -> Batch:
    """Create an open batch of Alice with three messages that are due long after the test."""
    batch = create_batch(alice)
    accept_mail(alice, draft(3, batch_id=batch.public_id, send_at=SEND_AT))
    return batch


@pytest.fixture
def due_batch(alice: Account) -> Batch:
    """Create an open batch of Alice with three due messages to `now0@example.com` and so on."""
    batch = create_batch(alice)
    accept_mail(alice, draft(3, batch_id=batch.public_id, send_at=database_now(), name="now"))
    return batch


@pytest.fixture
def held_batch(alice: Account, clock: Clock) -> Batch:
    """Create a batch of Alice with three messages that are held because they exceed her lateness limit."""
    Account.objects.filter(pk=alice.pk).update(lateness_limit=600)
    batch = create_batch(alice)
    send_at = database_now() + dt.timedelta(hours=1)
    accept_mail(alice, draft(3, batch_id=batch.public_id, send_at=send_at, name="late"))
    clock.advance(hours=2)
    admit_batch(batch.pk)
    return batch


@pytest.fixture
def doubtful_batch(due_batch: Batch) -> Batch:
    """Create a batch of Alice with one sent message and two in doubt."""
    claimer = Claimer()
    (claim,) = claimer.claim_next(Lane.TRANSACTIONAL)
    claimer.look([Slice(claim, 0, 3)])
    record_slice([outcomes_of(claim, Sent("ok"), InDoubt("line lost"), InDoubt("line lost"))])
    return due_batch
