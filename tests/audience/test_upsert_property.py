"""Rows that arrive together are stored as if they had arrived one by one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Account
from audience.contacts import count_contacts, delete_some, last_contact_id
from audience.drafts import ContactDraft
from audience.models import IDENTIFIERS, Contact
from audience.upsert import upsert_contacts
from tests.examples import examples

VALUE = st.sampled_from([None, "1@x.org", "2@x.org", "3@x.org"])
DRAFT = st.builds(
    ContactDraft,
    email=VALUE,
    phone_number_id=st.none(),
    external_id=VALUE,
    anonymous_id=VALUE,
    texts=st.dictionaries(st.sampled_from(["first_name", "city"]), st.sampled_from(["", "p", "q"])),
    alternate_emails=st.none() | st.just(("o@x.org",)),
    custom=st.dictionaries(st.sampled_from([1, 2]), st.sampled_from([None, 5, "x"])),
).filter(lambda draft: bool(draft.identifiers))
COLUMNS = (*IDENTIFIERS, "first_name", "city", "alternate_emails", "custom")


def stored(account: Account) -> list[tuple[object, ...]]:
    return sorted(Contact.objects.filter(account=account).values_list(*COLUMNS), key=repr)


def kind_of(number: int, result: object) -> str:
    return next(name for name in ("created", "updated", "unmodified", "rejected") if number in getattr(result, name))


@settings(max_examples=examples(8))
@given(before=st.lists(DRAFT, max_size=4), rows=st.lists(DRAFT, max_size=7))
def test_rows_together_are_stored_like_rows_one_by_one(
    alice: Account, charlie: Account, before: list[ContactDraft], rows: list[ContactDraft]
) -> None:
    for account in (alice, charlie):
        delete_some(account, through=last_contact_id(account), limit=100)
        upsert_contacts(account, before)
    together = upsert_contacts(alice, rows)
    one_by_one = [kind_of(0, upsert_contacts(charlie, [row])) for row in rows]
    assert [kind_of(number, together) for number in range(len(rows))] == one_by_one
    assert stored(alice) == stored(charlie)
    assert count_contacts(alice) == len(stored(alice))
