"""Many contacts are stored at a time."""

from __future__ import annotations

import pytest

from accounts.models import Account
from audience.contacts import count_contacts, list_contacts
from audience.drafts import ContactDraft
from audience.errors import InvalidContact, UnknownList
from audience.lists import create_list, delete_list, find_list
from audience.models import Audience, Contact, FieldDefinition, Membership
from audience.upsert import upsert_contacts
from tests.audience.conftest import draft, emails, store


def contact_of(account: Account, email: str) -> Contact:
    return Contact.objects.get(account=account, email=email)


def test_each_row_is_returned_with_its_outcome(alice: Account) -> None:
    store(alice, {"email": "a@x.org", "first_name": "Ann"}, {"email": "b@x.org"})
    rows = [
        draft(alice, email="a@x.org", first_name="Ann"),
        draft(alice, email="b@x.org", first_name="Bob"),
        draft(alice, email="c@x.org"),
        InvalidContact("Invalid email.", field="email"),
    ]
    result = upsert_contacts(alice, rows)
    assert (result.unmodified, result.updated, result.created) == ([0], [1], [2])
    assert result.rejected[3].reason == "Invalid email."
    assert result.rejected[3].field == "email"
    assert [result.contact_ids[n] for n in range(3)] == [
        contact_of(alice, email).pk for email in ("a@x.org", "b@x.org", "c@x.org")
    ]
    assert count_contacts(alice) == 3 == Contact.objects.count()


def test_an_unmodified_contact_keeps_its_time(alice: Account) -> None:
    store(alice, {"email": "a@x.org", "first_name": "Ann"})
    before = contact_of(alice, "a@x.org")
    store(alice, {"email": "a@x.org", "first_name": "Ann"})
    assert contact_of(alice, "a@x.org").updated_at == before.updated_at
    store(alice, {"email": "a@x.org", "first_name": "Anna"})
    after = contact_of(alice, "a@x.org")
    assert after.updated_at > before.updated_at
    assert (after.created_at, after.uuid) == (before.created_at, before.uuid)


def test_addresses_are_the_same_in_any_case(alice: Account) -> None:
    store(alice, {"email": "Ann@X.Org"})
    assert store(alice, {"email": "aNN@x.oRG", "first_name": "Ann"}).updated == [0]
    assert emails(list_contacts(alice, limit=9)) == ["ann@x.org"]


def test_unnamed_fields_stay_and_empty_ones_are_cleared(alice: Account, fields: dict[str, FieldDefinition]) -> None:
    everything = {"first_name": "Ann", "city": "Ulm", "alternate_emails": ["o@x.org"], "pet": "cat", "orders": 7}
    store(alice, {"email": "a@x.org", **everything})
    store(alice, {"email": "a@x.org", "first_name": "", "pet": None})
    contact = contact_of(alice, "a@x.org")
    assert (contact.first_name, contact.city, contact.alternate_emails) == ("", "Ulm", ["o@x.org"])
    assert contact.custom == {str(fields["orders"].pk): 7}
    store(alice, {"email": "a@x.org", "alternate_emails": []})
    assert contact_of(alice, "a@x.org").alternate_emails == []


def test_the_first_matching_identifier_selects_the_contact(alice: Account) -> None:
    store(alice, {"email": "a@x.org", "external_id": "17"})
    result = store(alice, {"email": "new@x.org", "external_id": "17", "first_name": "Ann"})
    assert result.updated == [0]
    moved = Contact.objects.get(account=alice)
    assert (moved.email, moved.external_id, moved.first_name) == ("new@x.org", "17", "Ann")


def test_a_row_that_names_two_contacts_is_rejected(alice: Account) -> None:
    store(alice, {"email": "a@x.org"}, {"external_id": "17"})
    result = store(alice, {"email": "a@x.org", "external_id": "17", "first_name": "Ann"}, {"email": "b@x.org"})
    assert result.rejected[0].field == "external_id"
    assert result.created == [1]
    assert contact_of(alice, "a@x.org").first_name == ""


def test_rows_for_one_contact_are_applied_one_after_the_other(alice: Account) -> None:
    store(alice, {"email": "a@x.org", "external_id": "17"})
    result = store(
        alice,
        {"email": "a@x.org", "first_name": "Ann"},
        {"external_id": "17", "first_name": "Anna"},
        {"email": "a@x.org", "first_name": "Anna"},
        {"email": "b@x.org", "city": "Ulm"},
        {"email": "B@x.org", "city": "Bonn"},
    )
    assert (result.created, result.updated, result.unmodified) == ([3], [0, 1, 4], [2])
    assert contact_of(alice, "a@x.org").first_name == "Anna"
    assert contact_of(alice, "b@x.org").city == "Bonn"
    assert result.contact_ids[3] == result.contact_ids[4]
    assert count_contacts(alice) == 2


def test_identifiers_may_change_places(alice: Account) -> None:
    store(
        alice,
        {"email": "a@x.org", "external_id": "1", "anonymous_id": "one"},
        {"email": "b@x.org", "external_id": "2", "anonymous_id": "two"},
    )
    result = store(
        alice,
        {"email": "c@x.org", "external_id": "1"},
        {"email": "a@x.org", "external_id": "2"},
        {"email": "b@x.org", "external_id": "1"},
        {"email": "c@x.org"},
    )
    assert not result.rejected
    assert set(Contact.objects.values_list("email", "external_id", "anonymous_id")) == {
        ("b@x.org", "1", "one"),
        ("a@x.org", "2", "two"),
        ("c@x.org", None, None),
    }


def test_contacts_are_put_on_lists_once(alice: Account) -> None:
    first, second = create_list(alice, "first"), create_list(alice, "second")
    store(alice, {"email": "a@x.org"}, list_ids=(first.pk,))
    store(alice, {"email": "a@x.org"}, {"email": "b@x.org"}, {"email": "B@x.org"}, list_ids=(first.pk, second.pk))
    assert [find_list(alice, each.pk).contact_count for each in (first, second)] == [2, 2]
    assert Membership.objects.count() == 4


def test_contacts_for_an_unknown_list_are_not_stored(alice: Account, charlie: Account) -> None:
    his, deleted = create_list(charlie, "his"), create_list(alice, "deleted")
    delete_list(alice, deleted.pk)
    for list_id in (his.pk, deleted.pk, 2**31 - 1):
        with pytest.raises(UnknownList):
            store(alice, {"email": "a@x.org"}, list_ids=(list_id,))
    assert not Contact.objects.exists()


def test_accounts_do_not_share_contacts(alice: Account, charlie: Account) -> None:
    store(charlie, {"email": "a@x.org", "external_id": "17", "first_name": "His"})
    assert store(alice, {"email": "a@x.org", "external_id": "17", "first_name": "Hers"}).created == [0]
    assert contact_of(charlie, "a@x.org").first_name == "His"
    assert (count_contacts(alice), count_contacts(charlie)) == (1, 1)


def test_an_empty_list_of_contacts_stores_nothing(alice: Account) -> None:
    result = upsert_contacts(alice, [])
    assert not result.contact_ids
    assert Audience.objects.get(pk=alice.pk).contacts == 0


def test_texts_of_every_kind_survive(alice: Account, fields: dict[str, FieldDefinition]) -> None:
    odd = 'tab\there, line\nbreak, back\\slash, \\N, "quotes", {braces}, é✓😀, \'); drop table x'
    store(alice, {"email": "a@x.org", "pet": odd, "city": odd[:60]})
    contact = contact_of(alice, "a@x.org")
    assert (contact.custom[str(fields["pet"].pk)], contact.city) == (odd, odd[:60].strip())


@pytest.mark.large
def test_ten_thousand_contacts_are_stored_at_once(alice: Account) -> None:
    rows = [ContactDraft(email=f"c{n}@x.org", texts={"first_name": f"n{n}"}) for n in range(10_000)]
    assert len(upsert_contacts(alice, rows).created) == 10_000
    again = [*rows[:5_000], *(ContactDraft(email=row.email, texts={"city": "Ulm"}) for row in rows[5_000:])]
    result = upsert_contacts(alice, again)
    assert (len(result.unmodified), len(result.updated), len(result.created)) == (5_000, 5_000, 0)
    assert Contact.objects.filter(account=alice, city="Ulm").count() == 5_000
    assert count_contacts(alice) == 10_000
