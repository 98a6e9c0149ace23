"""Test the query language of searches and segments: which contacts it finds, and its errors."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import Any

import pytest
from django.db import transaction
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from audience.errors import InvalidQuery
from audience.lists import create_list
from audience.models import Contact, Engagement, EngagementKind, FieldDefinition
from audience.query.sgql import LONGEST_QUERY, read_query
from audience.query.vocabulary import vocabulary_of
from audience.segments import find_matching
from foundation.clock import database_now
from foundation.texts import is_text
from tests.audience.conftest import VOCABULARY, emails, store
from tests.examples import examples, for_each, further

ALL = "SELECT contact_id, updated_at FROM contact_data"
CLICKED = "SELECT c.contact_id, c.updated_at FROM contact_data AS c JOIN event_data AS e ON c.contact_id = e.contact_id"
OF_EVENTS = "SELECT contact_id FROM event_data WHERE"


def search(account: Account, query: str) -> str:
    """Return the first letters of the contacts that match a query."""
    condition = read_query(query, vocabulary_of(account))
    return "".join(email[0] for email in emails(find_matching(account, condition, limit=50)))


@pytest.fixture
def people(alice: Account, fields: dict[str, FieldDefinition]) -> None:
    """Create Ann, Bob, Cid and Dot, who differ in everything that the queries below ask for."""
    store(
        alice,
        {
            "email": "ann@gmail.com",
            "first_name": "Ann",
            "last_name": "O'Hara",
            "postal_code": "90124",
            "pet": "cat",
            "orders": 3,
            "born": "1990-05-01",
        },
        {
            "email": "bob@x.org",
            "first_name": "BOB",
            "external_id": "1234",
            "alternate_emails": ["robert@y.org"],
            "orders": 12.5,
            "born": "12/31/2001",
        },
        {"email": "cid_100%@x.org", "first_name": 'C"d', "postal_code": "10115"},
        {"email": "dot@x.org", "pet": "dog"},
    )
    now = database_now()
    ids = {contact.email: contact.pk for contact in Contact.objects.filter(account=alice)}
    for email, campaign, kind, days in (
        ("ann@gmail.com", 7, EngagementKind.DELIVERED, 20),
        ("ann@gmail.com", 7, EngagementKind.OPENED, 1),
        ("bob@x.org", 7, EngagementKind.DELIVERED, 5),
        ("bob@x.org", 8, EngagementKind.CLICKED, 30),
        ("dot@x.org", 8, EngagementKind.BOUNCED, 2),
    ):
        Engagement.objects.create(
            contact_id=ids[email], campaign_id=campaign, kind=kind, at=now - dt.timedelta(days=days)
        )


QUERIES = [
    ("email LIKE '%gmail.com'", "a"),
    ("email NOT LIKE '%gmail.com'", "bcd"),
    ("email LIKE 'cid_100%%@%'", "c"),
    ("email LIKE '%%'", ""),
    ("postal_code IN ('90124', '90125')", "a"),
    ("postal_code NOT IN ('90124', '90125')", "c"),
    ("lower(first_name) = 'bob'", "b"),
    ("first_name = 'bob'", ""),
    ("first_name != 'BOB'", "ac"),
    ("first_name is null", "d"),
    ("first_name IS NOT NULL AND NOT first_name = 'Ann'", "bc"),
    ("last_name = 'O\\'Hara'", "a"),
    ("last_name = 'O''Hara'", "a"),
    ('first_name = "C\\"d"', "c"),
    ('first_name = "BOB"', "b"),
    ("'Ann' = first_name", "a"),
    ("length(first_name) = 3 and length(email) > 10", "ac"),
    ("external_id LIKE '123%'", "b"),
    ("pet = 'cat' OR orders > 5", "ab"),
    ("orders between 3 and 4", "a"),
    ("orders not between 3 and 4", "b"),
    ("5 < orders", "b"),
    ("orders = -3", ""),
    ("orders in (3, 4)", "a"),
    ("PET in ('cat', 'dog') and (first_name is null or orders < 1)", "d"),
    ("born < '2000-01-01'", "a"),
    ("born > TIMESTAMP '2000-01-01T00:00:00Z'", "b"),
    ("born between '1990-05-01' and '1990-05-01T00:00:00+00:00'", "a"),
    ("`pet` = 'dog'", "d"),
    ("\"pet\" = 'dog'", "d"),
    ("contains(alternate_emails, 'Robert@Y.org')", "b"),
    ("CONTAINS(email_domains, 'y.org')", "b"),
    ("array_contains(email_domains, ['gmail.com', 'y.org'])", "ab"),
    ("created_at > now() - interval 1 day", "abcd"),
    ("created_at > NOW() - interval '1 day' and created_at <= current_timestamp", "abcd"),
    ("created_at < now() - 1 month", ""),
    ("created_at > timestampadd(week, -1, CURRENT_TIMESTAMP)", "abcd"),
    ("born > timestampadd(day, 1, TIMESTAMP '2000-01-01T00:00:00Z')", "b"),
    ("first_name = lower('ANN') or first_name = lower('BOB')", ""),
    ("length(first_name) = length('Ann')", "abc"),
    ("event_source = 'mail' AND event_type = 'delivered' AND event_timestamp >= (NOW() - interval 10 day)", "b"),
    ("event_type = 'open'", "a"),
    ("not event_type = 'open'", "abd"),
    ("email like '%@x.org' and not (event_type = 'click')", "bd"),
    ("event_type is null", "c"),
    ("event_source is not null", "abd"),
    ("event_type = 'delivered' and singlesend_id not in ('8')", "ab"),
    (f"{ALL} WHERE contact_id NOT IN ({OF_EVENTS} event_type = 'click') AND email like '%@x.org'", "cd"),
    ("event_source = 'mail'", "abd"),
    ("event_source = 'sms'", ""),
    ("event_type in ('open', 'bounce') or first_name = 'C\"d'", "acd"),
    ("event_type = 'delivered' and singlesend_id = '7'", "ab"),
    ("event_type = 'click' and singlesend_id = '7'", ""),
    ("singlesend_id = 'nonsense'", ""),
    (ALL, "abcd"),
    (ALL + ";", "abcd"),
    ("select updated_at, contact_id from contact_data c where c.first_name = 'Ann'", "a"),
    (f"{CLICKED} WHERE e.event_type = 'click'", "b"),
    (f"{CLICKED}", "abd"),
    (f"{CLICKED} WHERE e.timestamp > timestampadd(day, -10, CURRENT_TIMESTAMP) AND c.first_name is null", "d"),
    (f"{CLICKED} WHERE (event_type = 'open' OR event_type = 'click') AND e.event_source = 'mail'", "ab"),
    (f"{CLICKED} WHERE e.event_type = 'processed' AND e.DATA:payload.unique_args.singlesend_id = '7'", "ab"),
    (
        f"{CLICKED} JOIN event_data e2 ON c.contact_id = e2.contact_id"
        " WHERE e.event_type = 'delivered' AND e2.event_type = 'click'",
        "b",
    ),
    (f"{ALL} WHERE contact_id NOT IN ({OF_EVENTS} event_type = 'delivered')", "cd"),
    (
        f"{ALL} WHERE contact_id IN ({OF_EVENTS} event_type = 'delivered' AND timestamp > now() - interval 10 day)"
        f" or contact_id in ({OF_EVENTS} event_type = 'bounce')",
        "bd",
    ),
    (f"{ALL} WHERE contact_id in (SELECT contact_id FROM contact_data WHERE pet = 'cat')", "a"),
]


def test_each_query_finds_its_contacts(alice: Account, people: None, subtests: pytest.Subtests, step: int) -> None:
    for query, letters in QUERIES[::step]:
        with subtests.test(query=query, letters=letters):
            assert search(alice, query) == letters


UNREADABLE = [
    ("", "unexpected end"),
    ("first_name = ", "at position 14"),
    ("first_name = 'Ann' or", "unexpected end"),
    ("shoe_size = 5", "there is no such field: shoe_size at position 1"),
    ("pet = 'cat' and shoe_size = 5", "at position 17"),
    ("orders = 'many'", "not a number at position 1"),
    ("orders like '5%'", "needs a field that holds a text"),
    ("lower(orders) = '5'", "needs a field that holds a text"),
    ("born > 'soon'", "not a date"),
    ("born > '2024'", "not a date"),
    ("born > '0001-01-01'", "the year"),
    ("first_name like pet", "compared with a value"),
    ("first_name = last_name", "compared with a value"),
    ("'a' = 'a'", "the comparison has no field"),
    ("list_ids = 'x'", "use contains()"),
    ("list_ids is null", "compare list_ids with the id of a list"),
    ("contains(first_name, 'A')", "only alternate_emails"),
    ("contains(list_ids)", "takes a field and a value"),
    ("now()", "is not a condition"),
    ("pg_sleep(10) = 1", "pg_sleep() cannot be used here"),
    ("event_type = 'married'", "the types of events"),
    ("event_type < 'open'", "can only be"),
    ("event_source between 'a' and 'z'", "can only be"),
    ("created_at > now() - interval 9999 year", "1000 years"),
    ("created_at > first_name + interval 1 day", "can only be added to now()"),
    ("created_at > now() - interval 'x'", "not an interval"),
    ("created_at > timestampadd(day, 1)", "takes a unit, a number and a time"),
    ("created_at > timestampadd('day', 1, now())", "takes a unit, a number and a time"),
    ("created_at > timestampadd(day, 1.5, now())", "not an integer"),
    ("created_at > timestampadd(fortnight, 1, now())", "there is no such unit of time: fortnight"),
    ("first_name = lower(5)", "lower() cannot be used here"),
    ("first_name like 5", "a pattern is a text"),
    ("first_name = 'a'; drop table campaigns_contact", "unexpected 'drop'"),
    ("first_name = 'a' -- and", "unexpected '-'"),
    ("first_name = 'a' union select 1", "unexpected 'union'"),
    ("first_name = 'a", 'unexpected "\'"'),
    ("first_name = 'a\0'", "cannot be stored"),
    ("first_name = '\ud800'", "cannot be stored"),
    ("first_name = 'a' and 1", "unexpected end"),
    ("(" * 200 + "first_name = 'a'" + ")" * 200, "nested too deeply"),
    ("(" * 9000 + "first_name = 'a'", "unexpected end"),
    ("not " * 4000 + "first_name = 'a'", "nested too deeply"),
    ("first_name = 'a' or " * 2000 + "first_name = 'a'", f"longer than {LONGEST_QUERY}"),
    (f"first_name = '{'a' * 1001}'", "longer than 1000"),
    ("orders = 123456789012345678901234567890", "unexpected"),
    ("SELECT email FROM contact_data", "select contact_id, updated_at"),
    ("SELECT contact_id, updated_at FROM accounts_apikey", "there is no such table: accounts_apikey"),
    ("SELECT contact_id, updated_at FROM event_data", "nothing from contact_data"),
    (f"{CLICKED} WHERE x.pet = 'cat'", "there is no such table: x"),
    (f"{CLICKED} WHERE e.pet = 'cat'", "there is no such field: pet"),
    ("SELECT contact_id, updated_at FROM contact_data JOIN event_data ON email = email", "joined on contact_id"),
    ("SELECT contact_id, updated_at FROM contact_data, contact_data", "unexpected ','"),
    (CLICKED.replace(" AS e ", " AS c "), "two tables have the same name"),
    (f"{ALL} WHERE email IN (SELECT email FROM contact_data)", "only contact_id"),
    (f"{CLICKED} GROUP BY c.contact_id", "unexpected"),
]


@for_each(("query", "message"), UNREADABLE, ids=lambda text: repr(text[:80]))
def test_an_unreadable_query_is_refused_with_reason_and_position(query: str, message: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        read_query(query, VOCABULARY, field="query_dsl")
    assert message in str(caught.value)
    assert caught.value.field == "query_dsl"


def test_lists_are_read_by_their_ids(alice: Account, charlie: Account, people: None) -> None:
    hers, his = create_list(alice, "hers"), create_list(charlie, "his")
    store(alice, {"email": "ann@gmail.com"}, {"email": "dot@x.org"}, list_ids=(hers.pk,))
    assert search(alice, f"contains(list_ids, '{hers.uuid}')") == "ad"
    assert search(alice, f"NOT array_contains(list_ids, ['{hers.uuid}', '{his.uuid}'])") == "bc"
    assert search(alice, f"contains(list_ids, '{his.uuid}')") == ""
    assert search(alice, f"{ALL} WHERE contains(contact_data.list_ids, '{hers.uuid}') AND pet = 'cat'") == "a"


def test_fields_of_another_account_are_unknown(charlie: Account, people: None) -> None:
    with pytest.raises(InvalidQuery, match="there is no such field: pet"):
        search(charlie, "pet = 'cat'")


def test_campaigns_are_found_by_the_function_of_the_api(alice: Account, people: None) -> None:
    known = vocabulary_of(alice, find_campaign={"e6f1": 8}.get)
    condition = read_query("event_type = 'click' and singlesend_id = 'e6f1'", known)
    assert emails(find_matching(alice, condition, limit=9)) == ["bob@x.org"]


def quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


ATTACKS = ["' or '1'='1", "\\' or 1=1 --", "%(asked_0)s", "'; select pg_sleep(9); --", '" or "a"="a', "{0}", "\\", "''"]


@further
@settings(max_examples=examples(15))
@given(text=st.sampled_from(ATTACKS) | st.text(min_size=1, max_size=20), quote=st.sampled_from("'\""))
@example(text="\\", quote="'")
@example(text="pet", quote="'")
def test_a_text_matches_only_itself(alice: Account, text: str, quote: str) -> None:
    assume(text.strip() == text and is_text(text))
    with transaction.atomic():
        store(alice, {"email": "a@x.org", "first_name": text}, {"email": "b@x.org", "first_name": text + "x"})
        for query in (
            f"first_name = {quoted(text, quote)}",
            f"first_name in ({quoted(text, quote)})",
            f"not (first_name != {quoted(text, quote)})",
            f"first_name between {quoted(text, quote)} and {quoted(text, quote)}",
        ):
            assert search(alice, query) == "a"
        like = text.replace("%", "%%")
        letters = search(alice, f"first_name like {quoted(like, quote)}")
        assert letters in ("a", "ab") if "_" in text else letters == "a"
        transaction.set_rollback(True)


WORDS = [
    *("first_name", "orders", "born", "email", "list_ids", "alternate_emails", "event_type", "event_timestamp", "e"),
    *("=", "!=", "<", ">=", "and", "or", "not", "in", "like", "between", "is", "null", "is null", "(", ")", ",", "."),
    *("'a'", "'%a%'", "5", "-", "+", "now()", "interval 1 day", "'2020-01-01'", "contains", "lower", "length", '"b"'),
    *(ALL, CLICKED, "where", "select", "contact_id", "from", "event_data", "'open'", "singlesend_id", "[", "]"),
    *("first_name = 'a'", "orders > 5", "event_type = 'open'", "contains(list_ids, 'a')", "born < now()"),
]


@settings(max_examples=examples(30))
@given(query=st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join) | st.text(max_size=30))
def test_every_request_is_answered_or_refused(alice: Account, people: None, query: str) -> None:
    with suppress(InvalidQuery):
        search(alice, query)


def test_the_clock_of_the_database_is_used(alice: Account, people: None, clock: Any) -> None:
    query = "event_type = 'open' and event_timestamp > now() - interval 2 day"
    assert search(alice, query) == "a"
    clock.advance(hours=24 * 2)
    assert search(alice, query) == ""
