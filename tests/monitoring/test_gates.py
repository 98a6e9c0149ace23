"""Every page and every statement that reads the gate of a batch says the same of it as the gate itself."""

from __future__ import annotations

import datetime as dt
from itertools import product

import pytest
from django.utils import timezone

from accounts.models import Account
from batches.admit import read_locked_gate
from batches.handles import create_batch
from batches.models import Batch, Installation
from batches.queries import FREEZES
from batches.states import BatchStatus
from batches.verdict import Gate, GateStatus
from batches.waves import overview_of
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from monitoring.coming import FATES, list_coming
from monitoring.forecast import read_forecast
from monitoring.running import list_running
from monitoring.scope import EVERYTHING
from monitoring.search import find_mailings
from monitoring.store import read_store
from monitoring.waiting import WaitKind, why_waiting
from tests.drafts import draft

HOUR = dt.timedelta(hours=1)
REASONS = {
    GateStatus.CANCELLED: WaitKind.CANCELLED,
    GateStatus.FROZEN: WaitKind.FROZEN,
    GateStatus.PAUSED: WaitKind.PAUSED,
}


def set_gate(batch: Batch, gate: Gate) -> None:
    """Let the rows say what `gate` says of the batch."""
    now = timezone.now()
    stopped_at = None if gate.batch_status is BatchStatus.OPEN else now
    Batch.objects.filter(pk=batch.pk).update(status=gate.batch_status, stopped_at=stopped_at)
    account = batch.account
    Account.objects.filter(pk=account.pk).update(frozen_at=now if gate.is_account_frozen else None)
    Account.objects.filter(pk=account.parent_id).update(frozen_at=now if gate.is_parent_frozen else None)
    Installation.objects.update(frozen_at=now if gate.is_installation_frozen else None)


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create a batch of a subuser, with mail that is due and mail that is scheduled."""
    subuser = Account.objects.create(username="alice-eu", parent=alice)
    batch = create_batch(subuser)
    accept_mail(subuser, draft(2, batch_id=batch.public_id))
    accept_mail(subuser, draft(3, batch_id=batch.public_id, send_at=database_now() + HOUR))
    return batch


def test_all_readers_of_the_gate_agree(batch: Batch, subtests: pytest.Subtests) -> None:
    for status, *frozen in product(BatchStatus, *[(False, True)] * len(FREEZES)):
        gate = Gate(status, **dict(zip(FREEZES, frozen, strict=True)))
        set_gate(batch, gate)
        with subtests.test(gate=gate):
            reading = read_locked_gate(batch.pk)
            assert reading is not None
            assert reading.gate == gate
            batch.refresh_from_db()
            assert overview_of(Batch.objects.select_related("account__parent").get()).gate is gate.status
            assert [each.status for each in list_running(EVERYTHING)] == [gate.status]
            assert {each.fate for each in list_coming(EVERYTHING, 2 * HOUR)} == {FATES[gate.status]}
            is_open = gate.status is GateStatus.OPEN
            assert {key[1] for key in read_forecast(EVERYTHING, database_now()).messages} == {is_open}
            reason = why_waiting([batch])[batch.pk].kind
            assert REASONS.get(gate.status, reason) is reason
            assert (reason in REASONS.values()) is not is_open
            (found,) = find_mailings(batch.public_id, EVERYTHING)
            is_frozen = any(frozen) and status is BatchStatus.OPEN
            assert found.status == ("frozen" if is_frozen else status.label)
            without = Gate(status, gate.is_account_frozen, gate.is_parent_frozen)
            assert {key[1] for key in read_store(EVERYTHING).tallies} == {without.status}


def test_without_a_parent_the_gate_is_open(alice: Account) -> None:
    accept_mail(alice, draft(1, batch_id=create_batch(alice).public_id))
    assert [each.status for each in list_running(EVERYTHING)] == [GateStatus.OPEN]
