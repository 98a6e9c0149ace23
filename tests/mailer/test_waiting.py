"""The queue has a limit for each account, and checking it stays cheap."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection

from accounts.models import Account
from batches.models import Parcel
from batches.states import ParcelState
from foundation.clock import Now, database_now
from mailer import checking
from mailer.errors import QueueFull
from mailer.models import Mail
from mailer.pipeline.accept import accept_mail
from tests.drafts import draft
from tests.examples import further


class Watch:
    """The process's clock, which a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.cost = 0.0
        """The seconds that each reading takes."""

    def monotonic(self) -> float:
        self.now += self.cost
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Return the clock of a process that has not read it yet."""
    watch = Watch()
    monkeypatch.setattr(checking, "time", watch)
    monkeypatch.setattr(checking, "_counts", checking._Counts())
    return watch


def fill(account: Account, messages: int) -> None:
    accept_mail(account, draft(messages, send_at=database_now() + dt.timedelta(hours=1)))


def test_a_full_queue_takes_no_more_of_this_account(
    settings: Any, alice: Account, charlie: Account, watch: Watch
) -> None:
    settings.MAX_PENDING_MESSAGES = 700
    fill(alice, 699)
    watch.now += 10
    fill(alice, 1)
    watch.now += 10
    with pytest.raises(QueueFull, match="700 messages"):
        fill(alice, 1)
    fill(charlie, 1)
    assert Mail.objects.filter(account=alice).count() == 2


def test_ended_mail_leaves_room_for_more(settings: Any, alice: Account, watch: Watch) -> None:
    settings.MAX_PENDING_MESSAGES = 5
    fill(alice, 5)
    Parcel.objects.update(state=ParcelState.DISCARDED, finalized_at=Now())
    watch.now += 10
    fill(alice, 5)


def test_zero_is_no_limit_and_is_not_looked_at(settings: Any, alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MAX_PENDING_MESSAGES = 0
    monkeypatch.setattr(checking, "count_waiting", lambda: pytest.fail("looked"))
    fill(alice, 1)


def test_the_queue_is_checked_every_ten_seconds_and_for_a_hundredth_of_the_time(
    alice: Account, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    def look() -> dict[int, int]:
        looks.append(watch.now)
        watch.now += seconds
        return {alice.pk: len(looks)}

    monkeypatch.setattr(checking, "count_waiting", look)
    seconds = 0.0
    assert [checking.waiting_of(alice.pk) for _ in range(3)] == [1, 1, 1]
    watch.now += 9.9
    assert checking.waiting_of(alice.pk) == 1
    watch.now += 0.1
    seconds = 2.0
    assert checking.waiting_of(alice.pk) == 2
    watch.now += 197
    assert checking.waiting_of(alice.pk) == 2
    watch.now += 3
    assert checking.waiting_of(alice.pk) == 3


@further
def test_a_sample_of_a_large_table_is_near_the_truth(
    alice: Account, charlie: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for account, messages in ((alice, 3), (charlie, 1)):
        accept_mail(account, draft(messages))
        parcel = Parcel.objects.get(account=account)
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into batches_parcel (id, base, batch_id, account_id, lane, state, send_at, due_at, size, "
                "attempts, is_remainder, fence, slice_no, sent, refused, dropped, stopped, in_doubt, moved, is_folded) "
                "select n, n, batch_id, account_id, lane, state, send_at, due_at, size, 0, false, 0, 0, 0, 0, 0, 0, "
                "0, 0, false from batches_parcel, generate_series(%s::bigint, %s) n where id = %s",
                [first := 10**6 * account.pk, first + 9_999, parcel.pk],
            )
    assert checking.count_waiting() == {alice.pk: 30_003, charlie.pk: 10_001}
    monkeypatch.setattr(checking, "BLOCKS", 200)
    seen = checking.count_waiting()
    assert seen[alice.pk] != 30_003
    assert 15_000 < seen[alice.pk] < 45_000
    assert 5_000 < seen[charlie.pk] < 15_000
