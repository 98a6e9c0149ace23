"""Test the conditions of the legacy API."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import Account
from audience.errors import InvalidCondition
from audience.lists import create_list
from audience.models import Contact, Engagement, EngagementKind, FieldDefinition
from audience.query.legacy_conditions import read_legacy
from audience.query.vocabulary import vocabulary_of
from audience.segments import find_matching
from foundation.clock import database_now
from tests.audience.conftest import VOCABULARY, emails, store
from tests.examples import for_each

Written = dict[str, str]


def condition_of(field: str, operator: str, value: str = "", and_or: str = "") -> Written:
    return {"field": field, "operator": operator, "value": value, "and_or": and_or}


def search(account: Account, *written: Written) -> str:
    condition = read_legacy(written, vocabulary_of(account))
    return "".join(email[0] for email in emails(find_matching(account, condition, limit=50)))


@pytest.fixture
def people(alice: Account, fields: dict[str, FieldDefinition]) -> None:
    """Create the contacts Ann, Bob and Cid."""
    store(
        alice,
        {"email": "ann@x.org", "first_name": "Ann", "orders": 3, "born": "1990-05-01T12:00:00Z", "pet": "100%"},
        {"email": "bob@x.org", "first_name": "Anna_Bob", "orders": 7, "born": "1990-05-02"},
        {"email": "cid@y.org"},
    )


CONDITIONS = [
    (condition_of("first_name", "eq", "Ann"), "a"),
    (condition_of("first_name", "ne", "Ann"), "bc"),
    (condition_of("first_name", "contains", "nn"), "ab"),
    (condition_of("first_name", "contains", "a_B"), "b"),
    (condition_of("pet", "contains", "%"), "a"),
    (condition_of("first_name", "empty"), "c"),
    (condition_of("first_name", "not_empty"), "ab"),
    (condition_of("email", "eq", "CID@Y.org"), "c"),
    (condition_of("email", "contains", "X.ORG"), "ab"),
    (condition_of("orders", "eq", "3"), "a"),
    (condition_of("orders", "lt", "7"), "a"),
    (condition_of("orders", "gt", "2.5"), "ab"),
    (condition_of("orders", "empty"), "c"),
    (condition_of("born", "eq", "05/01/1990"), "a"),
    (condition_of("born", "eq", "19900501"), "a"),
    (condition_of("born", "eq", "641606400"), "b"),
    (condition_of("born", "ne", "05/01/1990"), "bc"),
    (condition_of("born", "lt", "05/01/1990"), ""),
    (condition_of("born", "gt", "05/01/1990"), "b"),
    (condition_of("born", "eq", str(int(dt.datetime(1990, 5, 1, 12, tzinfo=dt.UTC).timestamp()))), "a"),
    (condition_of("born", "not_empty"), "ab"),
    (condition_of("created_at", "is within", "1"), "abc"),
    (condition_of("created_at", "is within", "P1Y2M3W4DT5H6M7S"), "abc"),
    (condition_of("born", "is within", "P1D"), ""),
]


def test_each_condition_finds_its_contacts(alice: Account, people: None, subtests: pytest.Subtests) -> None:
    for condition, letters in CONDITIONS:
        with subtests.test(condition=condition, letters=letters):
            assert search(alice, condition) == letters


def test_and_binds_stronger_than_or(alice: Account, people: None) -> None:
    conditions = (
        condition_of("first_name", "eq", "Ann"),
        condition_of("email", "eq", "cid@y.org", "or"),
        condition_of("orders", "gt", "1", "and"),
    )
    assert search(alice, *conditions) == "a"
    assert search(alice, condition_of("email", "contains", "org"), condition_of("orders", "gt", "1", "and")) == "ab"


def test_contacts_are_found_by_opens_and_clicks_of_a_campaign(alice: Account, people: None) -> None:
    ann = Contact.objects.get(email="ann@x.org")
    Engagement.objects.create(contact_id=ann.pk, campaign_id=513, kind=EngagementKind.OPENED, at=database_now())
    assert search(alice, condition_of("opens.campaign_identifier", "eq", "513")) == "a"
    assert search(alice, condition_of("opens.campaign_identifier", "ne", "513")) == "bc"
    assert search(alice, condition_of("clicks.campaign_identifier", "eq", "513")) == ""
    assert search(alice, condition_of("opens.campaign_identifier", "eq", "not a number")) == ""


def test_contacts_on_a_list_are_found(alice: Account, charlie: Account, people: None) -> None:
    hers, his = create_list(alice, "hers"), create_list(charlie, "his")
    store(alice, {"email": "ann@x.org"}, list_ids=(hers.pk,))
    assert search(alice, condition_of("lists", "eq", str(hers.pk))) == "a"
    assert search(alice, condition_of("lists", "ne", str(hers.pk))) == "bc"
    assert search(alice, condition_of("lists", "eq", str(his.pk))) == ""


SENSELESS = [
    ([], "conditions"),
    ([condition_of("email", "eq", "a")] + [condition_of("email", "eq", "a", "or")] * 15, "conditions"),
    ([condition_of("", "eq", "a")], "field"),
    ([condition_of("shoe_size", "eq", "a")], "field"),
    ([condition_of("alternate_emails", "eq", "a")], "field"),
    ([condition_of("email", "")], "operator"),
    ([condition_of("email", "is", "a")], "operator"),
    ([condition_of("email", "lt", "a")], "operator"),
    ([condition_of("orders", "contains", "1")], "operator"),
    ([condition_of("email", "is within", "1")], "operator"),
    ([condition_of("lists", "gt", "1")], "operator"),
    ([condition_of("email", "eq")], "value"),
    ([{"field": "email", "operator": "eq", "value": 5}], "value"),
    ([condition_of("orders", "eq", "many")], "value"),
    ([condition_of("born", "eq", "13/13/2000")], "value"),
    ([condition_of("born", "eq", "1990")], "value"),
    ([condition_of("born", "is within", "P")], "value"),
    ([condition_of("born", "is within", "a while")], "value"),
    ([condition_of("born", "is within", "P9999Y")], "value"),
    ([condition_of("lists", "eq", "first")], "value"),
    ([condition_of("first_name", "eq", "a\0")], "value"),
    ([condition_of("email", "eq", "a", "and")], "and_or"),
    ([condition_of("email", "eq", "a", "and"), condition_of("email", "eq", "a", "and")], "and_or"),
    ([condition_of("email", "eq", "a"), condition_of("email", "eq", "a")], "and_or"),
    ([condition_of("email", "eq", "a"), condition_of("email", "eq", "a", "xor")], "and_or"),
]


@for_each(("conditions", "field"), SENSELESS)
def test_an_invalid_condition_names_its_field(conditions: list[Written], field: str) -> None:
    with pytest.raises(InvalidCondition) as caught:
        read_legacy(conditions, VOCABULARY)
    assert caught.value.field == field
