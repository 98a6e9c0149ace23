"""Test the locks of claiming and admitting: each race with its lock, and again without it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Account
from batches import admit, queries
from batches.admit import admit_batch
from batches.claims import Claim, Claimer
from batches.counts import count_batch
from batches.handles import create_batch
from batches.models import Batch, Receipt
from batches.states import BatchStatus, Lane
from batches.stop.control import resume_batch
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from tests.drafts import draft
from tests.waiting import someone_waits_for_us, wait_until
from tests.without import without


def in_a_thread(work: Any) -> threading.Thread:
    """Start the work in a thread with another connection."""

    def run() -> None:
        work()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def finish_or_block(thread: threading.Thread) -> None:
    """Return when the thread has finished, or waits for a lock of this connection's transaction."""
    wait_until(lambda: not thread.is_alive() or someone_waits_for_us(), why="the other to finish or to wait for us")


def claim_at_the_same_time(account: Account) -> list[int]:
    """Let two workers claim while one parcel is due; return the claimed parcels, each as often as it was claimed."""
    accept_mail(account, draft(60))
    claims: list[Claim] = []
    with transaction.atomic():
        claims += Claimer().claim_next(Lane.BULK)
        second = in_a_thread(lambda: claims.extend(Claimer().claim_next(Lane.BULK)))
        finish_or_block(second)
    second.join(10)
    return [claim.parcel_id for claim in claims]


def test_a_parcel_that_another_is_claiming_is_skipped(alice: Account) -> None:
    assert len(claim_at_the_same_time(alice)) == 1


def test_without_the_claims_lock_both_claim_it(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, queries, "CLAIM", " for update skip locked")
    first, second = claim_at_the_same_time(alice)
    assert first == second


def resume_while_it_is_discarded(account: Account, monkeypatch: pytest.MonkeyPatch) -> tuple[Receipt, Batch]:
    """Resume a cancelled batch between the reading of its verdict and the discarding."""
    batch = create_batch(account)
    accept_mail(account, draft(60, batch_id=batch.public_id))
    Batch.objects.update(status=BatchStatus.CANCELLED, stopped_at=database_now())
    move, receipts, threads = admit._move_page, list[Receipt](), list[threading.Thread]()

    def resume_first(*arguments: Any) -> list[Any]:
        if not threads:
            resume = lambda: receipts.append(resume_batch(account, batch.public_id, actor="test"))  # noqa: E731
            threads.append(in_a_thread(resume))
            finish_or_block(threads[0])
        return move(*arguments)

    monkeypatch.setattr(admit, "_move_page", resume_first)
    admit_batch(batch.pk)
    threads[0].join(10)
    return receipts[0], batch


def test_a_resume_waits_for_the_verdict_and_counts_discarded_mail(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt, batch = resume_while_it_is_discarded(alice, monkeypatch)
    assert receipt.ended == count_batch(batch.pk).discarded == 60


def test_without_the_gates_lock_mail_is_discarded_behind_a_resumes_back(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, queries, "READ_BATCH_GATE", " for share")
    receipt, batch = resume_while_it_is_discarded(alice, monkeypatch)
    assert (receipt.ended, count_batch(batch.pk).discarded) == (0, 60)
