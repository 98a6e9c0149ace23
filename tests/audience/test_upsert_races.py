"""Two connections that store the same contacts at the same moment take turns and do not deadlock."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

from django.db import connection, transaction

from accounts.models import Account
from audience.contacts import count_contacts, delete_contacts
from audience.drafts import ContactDraft
from audience.lists import create_list, delete_list, empty_deleted_lists, find_list, remove_from_list
from audience.locks import lock_audience
from audience.models import Contact, ContactList, Membership
from audience.upsert import upsert_contacts
from tests.waiting import wait_until


def in_threads(*works: object) -> None:
    """Run each function in a thread, started together, and raise their errors."""
    begin = Barrier(len(works))

    def run(work: object) -> None:
        begin.wait()
        try:
            work()  # type: ignore[operator]
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(run, works))


def test_the_same_contacts_in_different_orders_are_stored_once(alice: Account) -> None:
    everyone = create_list(alice, "all")
    drafts = [ContactDraft(email=f"c{n}@x.org", external_id=f"e{n}") for n in range(300)]

    def store_shuffled(seed: int) -> None:
        for turn in range(4):
            rows = drafts.copy()
            random.Random(seed * 10 + turn).shuffle(rows)
            upsert_contacts(alice, rows[:200], list_ids=[everyone.pk])

    in_threads(*(partial(store_shuffled, seed) for seed in range(3)))
    stored = Contact.objects.filter(account=alice).count()
    assert 200 <= stored <= 300
    assert count_contacts(alice) == stored
    assert find_list(alice, everyone.pk).contact_count == stored == Membership.objects.count()


def test_storing_removing_and_deleting_cross_without_a_deadlock(alice: Account) -> None:
    lasting, doomed = create_list(alice, "kept"), create_list(alice, "doomed")
    drafts = [ContactDraft(email=f"c{n}@x.org") for n in range(100)]
    ids = sorted(upsert_contacts(alice, drafts, list_ids=[lasting.pk, doomed.pk]).contact_ids.values())

    def store_again() -> None:
        for _ in range(5):
            upsert_contacts(alice, list(reversed(drafts)), list_ids=[lasting.pk])

    def take_off() -> None:
        for _ in range(5):
            remove_from_list(alice, lasting.pk, ids[::2])

    def delete_half() -> None:
        for contact_id in ids[::3]:
            delete_contacts(alice, [contact_id])

    def drop_list() -> None:
        delete_list(alice, doomed.pk)
        while empty_deleted_lists():
            pass

    in_threads(store_again, take_off, delete_half, drop_list)
    assert not ContactList.objects.filter(pk=doomed.pk).exists()
    living = set(Contact.objects.values_list("pk", flat=True))
    on_list = set(Membership.objects.filter(list=lasting).values_list("contact_id", flat=True))
    assert on_list <= living
    assert find_list(alice, lasting.pk).contact_count == len(on_list)
    assert count_contacts(alice) == len(living)
    assert set(Membership.objects.values_list("list_id", flat=True)) <= {lasting.pk}


def test_a_second_upsert_of_the_account_waits_for_the_first(alice: Account, charlie: Account) -> None:
    with ThreadPoolExecutor(2) as pool, transaction.atomic():
        lock_audience(alice)
        waiting = pool.submit(upsert_and_close, alice)
        # An upsert of another account does not wait.
        assert pool.submit(upsert_and_close, charlie).result(timeout=20) == 1
        wait_until(somebody_waits)
        assert not waiting.done()
        transaction.set_rollback(True)
    assert waiting.result(timeout=20) == 1


def upsert_and_close(account: Account) -> int:
    try:
        return len(upsert_contacts(account, [ContactDraft(email="a@x.org")]).created)
    finally:
        connection.close()


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_locks where not granted")
        row = cursor.fetchone()
    return bool(row and row[0])
