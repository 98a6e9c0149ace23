"""Batches in the states that the native API tells of."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import Account
from batches.control import create_batch
from batches.models import Batch
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from tests.drafts import draft

SEND_AT = dt.datetime(2100, 1, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def open_batch(alice: Account) -> Batch:
    """An open batch of Alice's, with three messages to be sent long after the test."""
    batch = create_batch(alice)
    accept_mail(alice, draft(3, batch_id=batch.public_id, send_at=SEND_AT))
    return batch


@pytest.fixture
def due_batch(alice: Account) -> Batch:
    """An open batch of Alice's, with three messages to `now0@example.com` and so on that are due."""
    batch = create_batch(alice)
    accept_mail(alice, draft(3, batch_id=batch.public_id, send_at=database_now(), name="now"))
    return batch
