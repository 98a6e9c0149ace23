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


def one(field: str, operator: str, value: str = "", and_or: str = "") -> Written:
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
    (one("first_name", "eq", "Ann"), "a"),
    (one("first_name", "ne", "Ann"), "bc"),
    (one("first_name", "contains", "nn"), "ab"),
    (one("first_name", "contains", "a_B"), "b"),
    (one("pet", "contains", "%"), "a"),
    (one("first_name", "empty"), "c"),
    (one("first_name", "not_empty"), "ab"),
    (one("email", "eq", "CID@Y.org"), "c"),
    (one("email", "contains", "X.ORG"), "ab"),
    (one("orders", "eq", "3"), "a"),
    (one("orders", "lt", "7"), "a"),
    (one("orders", "gt", "2.5"), "ab"),
    (one("orders", "empty"), "c"),
    (one("born", "eq", "05/01/1990"), "a"),
    (one("born", "eq", "19900501"), "a"),
    (one("born", "eq", "641606400"), "b"),
    (one("born", "ne", "05/01/1990"), "bc"),
    (one("born", "lt", "05/01/1990"), ""),
    (one("born", "gt", "05/01/1990"), "b"),
    (one("born", "eq", str(int(dt.datetime(1990, 5, 1, 12, tzinfo=dt.UTC).timestamp()))), "a"),
    (one("born", "not_empty"), "ab"),
    (one("created_at", "is within", "1"), "abc"),
    (one("created_at", "is within", "P1Y2M3W4DT5H6M7S"), "abc"),
    (one("born", "is within", "P1D"), ""),
]


def test_each_condition_finds_its_contacts(alice: Account, people: None, subtests: pytest.Subtests) -> None:
    for condition, letters in CONDITIONS:
        with subtests.test(condition=condition, letters=letters):
            assert search(alice, condition) == letters


def test_and_binds_stronger_than_or(alice: Account, people: None) -> None:
    conditions = (
        one("first_name", "eq", "Ann"),
        one("email", "eq", "cid@y.org", "or"),
        one("orders", "gt", "1", "and"),
    )
    assert search(alice, *conditions) == "a"
    assert search(alice, one("email", "contains", "org"), one("orders", "gt", "1", "and")) == "ab"


def test_contacts_are_found_by_opens_and_clicks_of_a_campaign(alice: Account, people: None) -> None:
    ann = Contact.objects.get(email="ann@x.org")
    Engagement.objects.create(contact_id=ann.pk, campaign_id=513, kind=EngagementKind.OPENED, at=database_now())
    assert search(alice, one("opens.campaign_identifier", "eq", "513")) == "a"
    assert search(alice, one("opens.campaign_identifier", "ne", "513")) == "bc"
    assert search(alice, one("clicks.campaign_identifier", "eq", "513")) == ""
    assert search(alice, one("opens.campaign_identifier", "eq", "not a number")) == ""


def test_contacts_on_a_list_are_found(alice: Account, charlie: Account, people: None) -> None:
    hers, his = create_list(alice, "hers"), create_list(charlie, "his")
    store(alice, {"email": "ann@x.org"}, list_ids=(hers.pk,))
    assert search(alice, one("lists", "eq", str(hers.pk))) == "a"
    assert search(alice, one("lists", "ne", str(hers.pk))) == "bc"
    assert search(alice, one("lists", "eq", str(his.pk))) == ""


SENSELESS = [
    ([], "conditions"),
    ([one("email", "eq", "a")] + [one("email", "eq", "a", "or")] * 15, "conditions"),
    ([one("", "eq", "a")], "field"),
    ([one("shoe_size", "eq", "a")], "field"),
    ([one("alternate_emails", "eq", "a")], "field"),
    ([one("email", "")], "operator"),
    ([one("email", "is", "a")], "operator"),
    ([one("email", "lt", "a")], "operator"),
    ([one("orders", "contains", "1")], "operator"),
    ([one("email", "is within", "1")], "operator"),
    ([one("lists", "gt", "1")], "operator"),
    ([one("email", "eq")], "value"),
    ([{"field": "email", "operator": "eq", "value": 5}], "value"),
    ([one("orders", "eq", "many")], "value"),
    ([one("born", "eq", "13/13/2000")], "value"),
    ([one("born", "eq", "1990")], "value"),
    ([one("born", "is within", "P")], "value"),
    ([one("born", "is within", "a while")], "value"),
    ([one("born", "is within", "P9999Y")], "value"),
    ([one("lists", "eq", "first")], "value"),
    ([one("first_name", "eq", "a\0")], "value"),
    ([one("email", "eq", "a", "and")], "and_or"),
    ([one("email", "eq", "a", "and"), one("email", "eq", "a", "and")], "and_or"),
    ([one("email", "eq", "a"), one("email", "eq", "a")], "and_or"),
    ([one("email", "eq", "a"), one("email", "eq", "a", "xor")], "and_or"),
]


@for_each(("conditions", "field"), SENSELESS)
def test_an_invalid_condition_names_its_field(conditions: list[Written], field: str) -> None:
    with pytest.raises(InvalidCondition) as caught:
        read_legacy(conditions, VOCABULARY)
    assert caught.value.field == field
