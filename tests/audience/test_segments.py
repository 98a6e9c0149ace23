"""Test segments and searches."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Account
from audience.errors import NameTaken, SearchTooSlow, UnknownField, UnknownList, UnknownSegment
from audience.fields import delete_field
from audience.lists import create_list
from audience.models import FieldDefinition
from audience.query.conditions import EVERYBODY, Column, Compare, Condition, Custom, Kind, Operator
from audience.segments import (
    condition_of,
    count_matching,
    create_segment,
    delete_segment,
    find_matching,
    find_segment,
    list_segments,
    refresh_segment,
    segments_of,
    update_segment,
)
from tests.audience.conftest import emails, store


def named(first_name: str) -> Condition:
    return Compare(Column("first_name", Kind.TEXT), Operator.EQ, first_name)


@pytest.fixture
def people(alice: Account) -> dict[int, int]:
    """Create Ann, another Ann, and Bob, and return their ids."""
    rows = [{"email": f"{n}@x.org", "first_name": name} for n, name in enumerate(("Ann", "Ann", "Bob"))]
    return store(alice, *rows).contact_ids


def test_a_segment_keeps_its_query_and_condition(alice: Account, people: dict[int, int]) -> None:
    made = create_segment(alice, "Anns", named("Ann"), dialect="sgql", written="first_name = 'Ann'")
    assert find_segment(alice, made.pk) == find_segment(alice, made.uuid) == made
    assert (made.dialect, made.written, made.contact_count) == ("sgql", "first_name = 'Ann'", None)
    assert condition_of(made) == named("Ann")
    assert refresh_segment(made).contact_count == 2
    assert find_segment(alice, made.pk).counted_at is not None


def test_a_segment_of_a_list_finds_contacts_of_the_list_only(alice: Account, people: dict[int, int]) -> None:
    friends = create_list(alice, "friends")
    store(alice, {"email": "0@x.org"}, {"email": "2@x.org"}, list_ids=(friends.pk,))
    made = create_segment(alice, "Anns", named("Ann"), dialect="sgql", written="", list_id=friends.pk)
    assert emails(find_matching(alice, condition_of(made), limit=9)) == ["0@x.org"]


def test_a_change_forgets_the_count(alice: Account, people: dict[int, int]) -> None:
    made = refresh_segment(create_segment(alice, "Anns", named("Ann"), dialect="sgql", written="1"))
    assert update_segment(alice, made.pk, name="All Anns").contact_count == 2
    changed = update_segment(alice, made.uuid, condition=named("Bob"), written="2")
    assert (changed.name, changed.written, changed.contact_count) == ("All Anns", "2", None)
    assert refresh_segment(changed).contact_count == 1


def test_a_segment_of_another_account_is_unknown(alice: Account, charlie: Account) -> None:
    made = create_segment(alice, "Anns", named("Ann"), dialect="sgql", written="")
    for act in (
        lambda: find_segment(charlie, made.pk),
        lambda: find_segment(charlie, made.uuid),
        lambda: update_segment(charlie, made.pk, name="his"),
        lambda: delete_segment(charlie, made.pk),
        lambda: find_segment(alice, 2**40),
        lambda: find_segment(alice, uuid.uuid4()),
    ):
        with pytest.raises(UnknownSegment):
            act()
    assert list(list_segments(charlie)) == []
    delete_segment(alice, made.pk)
    assert list(list_segments(alice)) == []


def test_lists_and_fields_of_a_segment_must_exist(
    alice: Account, charlie: Account, fields: dict[str, FieldDefinition]
) -> None:
    his = create_list(charlie, "his")
    with pytest.raises(UnknownList):
        create_segment(alice, "a", EVERYBODY, dialect="sgql", written="", list_id=his.pk)
    pet = Compare(Custom(fields["pet"].pk, Kind.TEXT), Operator.EQ, "cat")
    with pytest.raises(UnknownField):
        create_segment(charlie, "a", pet, dialect="sgql", written="")
    delete_field(alice, fields["pet"].pk)
    with pytest.raises(UnknownField):
        create_segment(alice, "a", pet, dialect="sgql", written="")


def test_names_are_unique_among_segments_and_lists(alice: Account, charlie: Account) -> None:
    create_list(alice, "Friends")
    made = create_segment(alice, "Anns", EVERYBODY, dialect="sgql", written="")
    for name in ("anns", "FRIENDS"):
        with pytest.raises(NameTaken):
            create_segment(alice, name, EVERYBODY, dialect="sgql", written="")
    with pytest.raises(NameTaken):
        update_segment(alice, made.pk, name="friends")
    assert update_segment(alice, made.pk, name="ANNS").name == "ANNS"
    create_segment(charlie, "Anns", EVERYBODY, dialect="sgql", written="")


def test_the_segments_of_contacts_are_returned(alice: Account, people: dict[int, int]) -> None:
    anns = create_segment(alice, "Anns", named("Ann"), dialect="sgql", written="")
    everybody = create_segment(alice, "all", EVERYBODY, dialect="sgql", written="")
    segments = segments_of(alice, [people[0], people[2]])
    assert segments == {people[0]: [anns, everybody], people[2]: [everybody]}


def test_a_search_that_takes_too_long_is_given_up(alice: Account, people: dict[int, int], settings: Any) -> None:
    settings.SEARCH_SECONDS = 0.1
    locked, done = Event(), Event()
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold_contacts, locked, done)
        locked.wait(10)
        try:
            with pytest.raises(SearchTooSlow):
                count_matching(alice, named("Ann"))
        finally:
            done.set()
        holding.result(timeout=10)
    settings.SEARCH_SECONDS = 20
    assert count_matching(alice, named("Ann")) == 2


def hold_contacts(locked: Event, done: Event) -> None:
    """Make everybody who reads contacts wait."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("lock table campaigns_contact")
            locked.set()
            done.wait(10)
    finally:
        connection.close()
