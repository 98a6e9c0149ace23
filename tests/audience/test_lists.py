"""Test lists of contacts."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection

from accounts.models import Account
from audience import lists as subject
from audience.contacts import count_contacts, delete_contacts, delete_contacts_of_list, list_contacts
from audience.errors import InvalidName, NameTaken, UnknownList
from audience.lists import (
    add_to_list,
    contacts_of_list,
    create_list,
    delete_list,
    empty_deleted_lists,
    find_list,
    find_lists,
    list_lists,
    lists_of,
    remove_from_list,
    rename_list,
)
from audience.models import ContactList, Membership
from audience.query.conditions import EVERYBODY
from audience.segments import condition_of, count_matching, create_segment
from tests.audience.conftest import emails, store


def test_a_list_is_found_by_both_of_its_ids(alice: Account) -> None:
    made = create_list(alice, "friends")
    assert find_list(alice, made.pk) == find_list(alice, made.uuid) == made
    assert (made.name, made.contact_count) == ("friends", 0)
    assert find_lists(alice, [made.uuid]) == [made]


def test_a_list_of_another_account_is_unknown(alice: Account, charlie: Account) -> None:
    his = create_list(charlie, "his")
    store(alice, {"email": "a@x.org"})
    own = [contact.pk for contact in list_contacts(alice, limit=1)]
    for act in (
        lambda: find_list(alice, his.pk),
        lambda: find_list(alice, his.uuid),
        lambda: find_lists(alice, [his.uuid]),
        lambda: rename_list(alice, his.pk, "hers"),
        lambda: delete_list(alice, his.uuid),
        lambda: add_to_list(alice, his.pk, own),
        lambda: remove_from_list(alice, his.pk, own),
        lambda: find_list(alice, 2**40),
        lambda: find_list(alice, uuid.uuid4()),
    ):
        with pytest.raises(UnknownList):
            act()
    assert list(list_lists(alice)) == []
    assert find_list(charlie, his.pk).contact_count == 0


def test_contacts_of_another_account_do_not_get_onto_a_list(alice: Account, charlie: Account) -> None:
    hers = create_list(alice, "hers")
    stranger = store(charlie, {"email": "a@x.org"}).contact_ids[0]
    own = store(alice, {"email": "a@x.org"}).contact_ids[0]
    add_to_list(alice, hers.pk, [stranger, own])
    assert [contact.pk for contact in contacts_of_list(find_list(alice, hers.pk), limit=9)] == [own]
    assert find_list(alice, hers.pk).contact_count == 1


def test_names_are_unique_among_lists_and_segments(alice: Account, charlie: Account) -> None:
    made = create_list(alice, "Friends")
    create_segment(alice, "Foes", EVERYBODY, dialect="sgql", written="")
    for name in ("friends", "FOES"):
        with pytest.raises(NameTaken):
            create_list(alice, name)
    with pytest.raises(NameTaken):
        rename_list(alice, made.pk, "foes")
    assert rename_list(alice, made.uuid, "friends").name == "friends"
    create_list(charlie, "Friends")
    delete_list(alice, made.pk)
    create_list(alice, "friends")


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\0b"])
def test_an_invalid_name_is_refused(alice: Account, name: str) -> None:
    with pytest.raises(InvalidName):
        create_list(alice, name)


def test_counts_follow_every_change(alice: Account) -> None:
    made = create_list(alice, "friends")
    ids = list(store(alice, *({"email": f"{n}@x.org"} for n in range(5)), list_ids=(made.pk,)).contact_ids.values())

    def count() -> int:
        assert find_list(alice, made.pk).contact_count == Membership.objects.filter(list=made).count()
        return find_list(alice, made.pk).contact_count

    assert count() == 5
    add_to_list(alice, made.pk, ids)
    assert count() == 5
    assert remove_from_list(alice, made.pk, ids[:2]) == 2
    assert remove_from_list(alice, made.pk, ids[:2]) == 0
    assert count() == 3
    assert delete_contacts(alice, ids[1:3]) == 2
    assert count() == 2
    assert count_contacts(alice) == 3


def test_a_list_is_read_in_pages(alice: Account) -> None:
    made = create_list(alice, "friends")
    store(alice, {"email": "not@x.org"})
    store(alice, *({"email": f"{n}@x.org"} for n in range(5)), list_ids=(made.pk,))
    first = contacts_of_list(made, limit=2)
    assert emails(first) == ["0@x.org", "1@x.org"]
    assert emails(contacts_of_list(made, after=first[-1].pk, limit=2)) == ["2@x.org", "3@x.org"]
    assert emails(contacts_of_list(made, offset=4, limit=2)) == ["4@x.org"]


def test_the_lists_of_contacts_are_returned(alice: Account, charlie: Account) -> None:
    first, second = create_list(alice, "first"), create_list(alice, "second")
    both = store(alice, {"email": "a@x.org"}, list_ids=(first.pk, second.pk)).contact_ids[0]
    none = store(alice, {"email": "b@x.org"}).contact_ids[0]
    assert lists_of(alice, [both, none])[both] == [first, second]
    assert none not in lists_of(alice, [both, none])
    assert not lists_of(charlie, [both])
    delete_list(alice, first.pk)
    assert lists_of(alice, [both])[both] == [second]


def test_a_deleted_list_is_gone_at_once_and_emptied_in_pages(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "EMPTIED_AT_ONCE", 2)
    made, other = create_list(alice, "friends"), create_list(alice, "others")
    store(alice, *({"email": f"{n}@x.org"} for n in range(5)), list_ids=(made.pk, other.pk))
    delete_list(alice, made.pk)
    assert list(list_lists(alice)) == [other]
    with pytest.raises(UnknownList):
        delete_list(alice, made.pk)
    rounds = 0
    while empty_deleted_lists():
        rounds += 1
        assert rounds < 10
    assert rounds > 2
    assert not ContactList.objects.filter(pk=made.pk).exists()
    assert Membership.objects.count() == 5 == find_list(alice, other.pk).contact_count
    assert count_contacts(alice) == 5


def test_a_deleted_list_that_a_segment_names_makes_it_empty(alice: Account) -> None:
    made = create_list(alice, "friends")
    store(alice, {"email": "a@x.org"}, list_ids=(made.pk,))
    segment = create_segment(alice, "all friends", EVERYBODY, dialect="sgql", written="", list_id=made.pk)
    assert count_matching(alice, condition_of(segment)) == 1
    delete_list(alice, made.pk)
    assert count_matching(alice, condition_of(segment)) == 0
    while empty_deleted_lists():
        pass
    assert not Membership.objects.exists()
    assert count_matching(alice, condition_of(segment)) == 0


def test_the_contacts_of_a_list_are_deleted_in_pages(alice: Account) -> None:
    made, other = create_list(alice, "friends"), create_list(alice, "others")
    store(alice, *({"email": f"{n}@x.org"} for n in range(5)), list_ids=(made.pk, other.pk))
    store(alice, {"email": "stays@x.org"}, list_ids=(other.pk,))
    assert [delete_contacts_of_list(made, limit=3) for _ in range(3)] == [3, 2, 0]
    assert emails(list_contacts(alice, limit=9)) == ["stays@x.org"]
    assert find_list(alice, other.pk).contact_count == 1


def test_the_database_refuses_a_negative_count(alice: Account) -> None:
    made = create_list(alice, "friends")
    with pytest.raises(Exception, match="list_count_is_not_negative"), connection.cursor() as cursor:
        cursor.execute("update campaigns_contactlist set contact_count = -1 where id = %s", [made.pk])
