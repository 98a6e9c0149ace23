"""Test claims: one worker each, a new fence each time, and a look that detects a lost claim."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account
from batches.claims import Claim, Claimer, Slice, bits, release, to_mask, to_members
from batches.handles import create_batch
from batches.models import Parcel, Worker
from batches.states import BatchStatus, Lane, ParcelState
from batches.stop.control import stop_batch
from batches.verdict import GateStatus
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from tests.drafts import draft


@pytest.fixture
def claimed(alice: Account) -> tuple[Claimer, Claim]:
    """Return a worker's hold with one claimed parcel of 60 messages."""
    accept_mail(alice, draft(60, batch_id=create_batch(alice).public_id))
    claimer = Claimer()
    (claim,) = claimer.claim_next(Lane.BULK)
    return claimer, claim


def look(claimer: Claimer, claim: Claim) -> GateStatus | None:
    return claimer.look([Slice(claim, 0, 10)]).get(claim.parcel_id)


def test_the_look_writes_the_slices_bounds_and_renews_the_worker(claimed: tuple[Claimer, Claim]) -> None:
    claimer, claim = claimed
    before = Worker.objects.get(pk=claimer.worker_id).seen_at
    assert look(claimer, claim) is GateStatus.OPEN
    parcel = Parcel.objects.get(pk=claim.parcel_id)
    assert (parcel.slice_no, parcel.slice_from, parcel.slice_to) == (1, 0, 10)
    assert Worker.objects.get(pk=claimer.worker_id).seen_at > before


def test_the_look_sees_a_stop(alice: Account, claimed: tuple[Claimer, Claim], settings: Any) -> None:
    settings.STOP_WAIT_SECONDS = 0.01
    claimer, claim = claimed
    batch = Parcel.objects.get(pk=claim.parcel_id).batch
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from={BatchStatus.OPEN})
    assert look(claimer, claim) is GateStatus.PAUSED


def test_the_look_sees_a_freeze_of_account_and_parent(
    alice: Account, charlie: Account, claimed: tuple[Claimer, Claim]
) -> None:
    claimer, claim = claimed
    Account.objects.filter(pk=alice.pk).update(parent=charlie)
    assert look(claimer, claim) is GateStatus.OPEN
    Account.objects.filter(pk=charlie.pk).update(frozen_at=database_now())
    assert look(claimer, claim) is GateStatus.FROZEN


def test_a_worker_that_was_declared_dead_may_send_nothing(claimed: tuple[Claimer, Claim]) -> None:
    claimer, claim = claimed
    Worker.objects.update(dead_at=database_now())
    assert look(claimer, claim) is None
    assert claimer.glance([claim.parcel_id]) == {}
    assert Parcel.objects.get(pk=claim.parcel_id).slice_from is None


def test_a_claim_under_an_older_fence_may_send_nothing(claimed: tuple[Claimer, Claim]) -> None:
    claimer, claim = claimed
    assert release([claim]) == 1
    (again,) = Claimer().claim_next(Lane.BULK)
    assert again.fence > claim.fence
    assert look(claimer, claim) is None
    assert release([claim]) == 0, "nor give back what is another's"
    assert Parcel.objects.get(pk=claim.parcel_id).state == ParcelState.CLAIMED


def test_a_dead_instance_takes_another_name_for_its_next_claim(alice: Account, claimed: tuple[Claimer, Claim]) -> None:
    claimer, _ = claimed
    first = claimer.worker_id
    Worker.objects.update(dead_at=database_now())
    accept_mail(alice, draft(60))
    assert claimer.claim_next(Lane.BULK)
    assert claimer.worker_id != first


def test_many_workers_at_once_claim_each_parcel_exactly_once(alice: Account, charlie: Account) -> None:
    for account in (alice, charlie):
        for _ in range(30):
            accept_mail(account, draft(1))
    taken: list[int] = []
    start = threading.Barrier(6)

    def work() -> None:
        start.wait(10)
        claimer = Claimer()
        misses = 0
        while misses < 3:
            claims = claimer.claim_next(Lane.TRANSACTIONAL, messages=7)
            misses = 0 if claims else misses + 1
            taken.extend(claim.parcel_id for claim in claims)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(taken) == len(set(taken)) == 60


@given(st.sets(st.integers(0, 511)))
def test_a_mask_survives_the_column(members: set[int]) -> None:
    mask = sum(1 << n for n in members)
    assert bits(to_mask(to_members(mask), 1)) == sorted(members)


@given(st.integers(1, 500))
def test_no_mask_means_all(size: int) -> None:
    assert bits(to_mask(None, size)) == list(range(size))


def test_a_round_of_accounts_starts_again_in_the_same_claim(alice: Account, charlie: Account) -> None:
    for account in (alice, charlie, alice, charlie):
        accept_mail(account, draft(1))
    claimer = Claimer()
    first = claimer.claim_next(Lane.TRANSACTIONAL, messages=1)
    assert [claim.account_id for claim in first] == [min(alice.pk, charlie.pk)]
    claims = claimer.claim_next(Lane.TRANSACTIONAL, messages=10)
    assert {claim.account_id for claim in claims} == {alice.pk, charlie.pk}
    accept_mail(alice, draft(1))
    assert len(claimer.claim_next(Lane.TRANSACTIONAL)) == 1, "the account of the last turn has one, too"
