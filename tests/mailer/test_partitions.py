"""Partitions of messages and events are made ahead or, at the latest, by accept, and are dropped as a whole."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

from accounts.models import Account
from batches.models import PARCEL_SPAN, Parcel
from foundation.postgresql import SqlState, sqlstate_of
from mailer.models import Message
from mailer.partitions import (
    AHEAD,
    TABLES,
    create_partition,
    drop_partition,
    ensure_partitions,
    exists,
    making_partitions,
    newest_parcel_id,
    span,
)
from mailer.pipeline.accept import accept_mail
from mailer.sweep import prune
from tests.drafts import draft
from tests.examples import few_by_default
from tests.waiting import someone_waits_for_us, wait_until


def draw_ids_from(parcel_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select setval('batches_parcel_id_seq', %s)", [parcel_id])


def number_of(parcel_id: int) -> int:
    return parcel_id // settings.PARTITION_PARCELS


def test_partitions_are_created_ahead_and_only_once(database: None) -> None:
    beyond = newest_parcel_id() + 50 * settings.PARTITION_PARCELS
    assert ensure_partitions(beyond) > 0
    assert ensure_partitions(beyond) == 0
    assert all(exists(number_of(beyond) + ahead) for ahead in range(AHEAD + 1))


def test_two_processes_make_the_same_partition_once(database: None) -> None:
    number = number_of(newest_parcel_id()) + 300

    def make_in_another_session() -> None:
        try:
            while True:
                try:
                    return create_partition(number)
                except OperationalError as error:
                    # On a busy machine the lock may come too late. The sweeper tries again, too.
                    if sqlstate_of(error) != SqlState.LOCK_NOT_AVAILABLE:
                        raise
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with making_partitions():
            create_partition(number)
            other = pool.submit(make_in_another_session)
            wait_until(lambda: other.done() or someone_waits_for_us(), why="the other session to wait")
        other.result(30)
    assert exists(number)


def test_a_partition_is_dropped_with_its_messages_and_events(database: None) -> None:
    beyond = newest_parcel_id() + 100 * settings.PARTITION_PARCELS
    ensure_partitions(beyond)
    number = number_of(beyond)
    Message.objects.create(id=number * span(), mail_id=1, recipient="a@example.com")
    drop_partition(number)
    assert not exists(number)
    assert not Message.objects.filter(id=number * span()).exists()


@pytest.mark.parametrize("around", [nullcontext, transaction.atomic], ids=["alone", "in a caller's transaction"])
@pytest.mark.parametrize("messages", few_by_default([1, 2], 2))
def test_accept_creates_a_missing_partition(
    alice: Account, around: Callable[[], AbstractContextManager[None]], messages: int
) -> None:
    beyond = (number_of(newest_parcel_id()) + 200) * settings.PARTITION_PARCELS
    assert not exists(number_of(beyond))
    draw_ids_from(beyond)
    with around():
        accept_mail(alice, draft(messages))
    parcel = Parcel.objects.get()
    assert parcel.pk > beyond
    assert Message.objects.filter(id__gte=parcel.base * PARCEL_SPAN).count() == messages


def test_only_partitions_below_the_oldest_parcel_are_pruned(alice: Account) -> None:
    accept_mail(alice, draft(1))
    oldest = number_of(Parcel.objects.get().base)
    ensure_partitions()
    prune()
    assert exists(oldest)
    with connection.cursor() as cursor:
        cursor.execute(
            "select min(substring(c.relname from '[0-9]+$')::bigint) from pg_inherits i "
            "join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent where p.relname = any(%s)",
            [list(TABLES)],
        )
        assert cursor.fetchone() == (oldest,)
