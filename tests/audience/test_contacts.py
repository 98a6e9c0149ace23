"""Contacts are counted, found, listed and deleted."""

from __future__ import annotations

import uuid

import pytest

from accounts.models import Account
from audience.contacts import (
    count_contacts,
    delete_contacts,
    delete_some,
    find_by_identifier,
    find_contact,
    find_contacts,
    last_contact_id,
    list_contacts,
    newest_contacts,
)
from audience.errors import UnknownContact
from audience.models import Contact, Engagement, EngagementKind, LastTimes
from foundation.clock import database_now
from tests.audience.conftest import emails, store


@pytest.fixture
def people(alice: Account, charlie: Account) -> list[Contact]:
    """Create three contacts of Alice, and one of Charlie with the same address."""
    store(charlie, {"email": "a@x.org", "external_id": "1"})
    store(
        alice,
        {"email": "a@x.org", "external_id": "1"},
        {"email": "b@x.org", "alternate_emails": ["old@x.org", "c@x.org"]},
        {"email": "c@x.org", "alternate_emails": ["old@x.org"]},
    )
    return list_contacts(alice, limit=9)


def test_a_contact_is_found_by_its_uuid(alice: Account, charlie: Account, people: list[Contact]) -> None:
    assert find_contact(alice, people[0].uuid) == people[0]
    assert find_contacts(alice, [people[2].uuid, people[0].uuid, uuid.uuid4()]) == [people[0], people[2]]
    with pytest.raises(UnknownContact):
        find_contact(charlie, people[0].uuid)
    assert find_contacts(charlie, [people[0].uuid]) == []


def test_contacts_are_found_by_address_or_alternate_in_any_case(alice: Account, people: list[Contact]) -> None:
    first, second, third = people
    matches = find_by_identifier(alice, "email", ["A@X.org", "old@x.org", "c@x.org", "nobody@x.org"])
    # An address takes precedence over an alternate address.
    assert matches == {"a@x.org": first, "old@x.org": second, "c@x.org": third}
    assert find_by_identifier(alice, "external_id", ["1", "2"]) == {"1": first}


def test_only_contacts_of_the_account_are_found(charlie: Account, people: list[Contact]) -> None:
    assert set(find_by_identifier(charlie, "email", ["a@x.org", "b@x.org", "old@x.org"])) == {"a@x.org"}


def test_contacts_are_read_in_pages(alice: Account, people: list[Contact]) -> None:
    assert emails(list_contacts(alice, limit=2)) == ["a@x.org", "b@x.org"]
    assert emails(list_contacts(alice, after=people[1].pk, limit=2)) == ["c@x.org"]
    assert emails(list_contacts(alice, offset=1, limit=1)) == ["b@x.org"]
    assert emails(newest_contacts(alice, limit=2)) == ["c@x.org", "b@x.org"]


def test_deleting_takes_nothing_of_another_account(alice: Account, charlie: Account, people: list[Contact]) -> None:
    his = Contact.objects.get(account=charlie)
    assert delete_contacts(alice, [his.pk, people[0].pk, people[0].pk, 2**60]) == 1
    assert (count_contacts(alice), count_contacts(charlie)) == (2, 1)
    assert Contact.objects.filter(pk=his.pk).exists()


def test_engagement_is_deleted_with_its_contact(alice: Account, people: list[Contact]) -> None:
    for contact in people[:2]:
        LastTimes.objects.create(contact=contact, last_emailed_at=database_now())
        Engagement.objects.create(contact_id=contact.pk, campaign_id=1, kind=EngagementKind.OPENED, at=database_now())
    delete_contacts(alice, [people[0].pk])
    assert [each.contact_id for each in Engagement.objects.all()] == [people[1].pk]
    assert [each.contact_id for each in LastTimes.objects.all()] == [people[1].pk]


def test_all_contacts_are_deleted_in_pages_up_to_the_last_one_at_the_time(
    alice: Account, charlie: Account, people: list[Contact]
) -> None:
    through = last_contact_id(alice)
    store(alice, {"email": "later@x.org"})
    assert [delete_some(alice, through=through, limit=2) for _ in range(3)] == [2, 1, 0]
    assert emails(list_contacts(alice, limit=9)) == ["later@x.org"]
    assert (count_contacts(alice), count_contacts(charlie)) == (1, 1)


def test_an_account_without_contacts_has_empty_pages(alice: Account) -> None:
    assert (count_contacts(alice), last_contact_id(alice)) == (0, 0)
    assert list_contacts(alice, limit=9) == []
    assert delete_contacts(alice, []) == 0
