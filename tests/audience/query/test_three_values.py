"""Test the logic of queries: a missing value is unknown, and so is its negation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from audience.errors import InvalidCondition
from audience.lists import create_list
from audience.models import Contact, Engagement, EngagementKind, FieldDefinition
from audience.query.legacy_conditions import read_legacy
from audience.query.sgql import read_query
from audience.query.vocabulary import meets_pattern, vocabulary_of
from audience.segments import find_matching
from tests.audience.conftest import emails, store
from tests.examples import examples, further

JOIN = "select c.contact_id, c.updated_at from contact_data c join event_data e on c.contact_id = e.contact_id where "
INNER = "select contact_id, updated_at from contact_data where contact_id in (select contact_id from event_data where "
NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


def search(account: Account, query: str) -> str:
    """Return the first letters of the contacts that a query finds."""
    condition = read_query(query, vocabulary_of(account))
    return "".join(email[0] for email in emails(find_matching(account, condition, limit=50)))


# --- missing values ---------------------------------------------------------------------------------------------------

ORDERED = ["{0} = {1}", "{0} != {1}", "{0} <> {1}", "{0} < {1}", "{0} <= {1}", "{0} > {1}", "{0} >= {1}", "{1} < {0}"]
SEVERAL = ["{0} in ({1})", "{0} not in ({1})", "{0} in ({1}, {1})"]
RANGES = ["{0} between {1} and {1}", "{0} not between {1} and {1}"]
PATTERNS = ["{0} like {1}", "{0} not like {1}", "{0} like '%'", "{0} not like 'x%'"]
TEXT = [*ORDERED, *SEVERAL, *RANGES, *PATTERNS]
WORD = ["{0} = {1}", "{0} != {1}", "{0} <> {1}", *SEVERAL, *PATTERNS]
COMPARISONS: dict[str, tuple[list[str], str]] = {
    **dict.fromkeys(("first_name", "pet", "unique_name", "phone_number_id"), (TEXT, "'a'")),
    "lower(first_name)": (TEXT, "'a'"),
    "length(pet)": ([*ORDERED, *SEVERAL, *RANGES], "3"),
    "orders": ([*ORDERED, *SEVERAL, *RANGES], "3"),
    **dict.fromkeys(("born", "last_opened", "event_timestamp"), ([*ORDERED, *SEVERAL, *RANGES], "now()")),
    "singlesend_id": ([*ORDERED, *SEVERAL, *RANGES], "'7'"),
    "event_type": (WORD, "'open'"),
    "event_source": (WORD, "'mail'"),
    "alternate_emails": (["contains({0}, {1})", "array_contains({0}, [{1}, {1}])"], "'a@x.org'"),
}
EVENT_FIELDS = {"event_type", "event_source", "event_timestamp", "singlesend_id"}


@further
def test_a_comparison_with_a_missing_value_matches_nobody_even_when_negated(
    alice: Account, fields: dict[str, FieldDefinition]
) -> None:
    store(alice, {"email": "a@x.org"})
    for name, (shapes, value) in COMPARISONS.items():
        plain = [shape.format(name, value) for shape in shapes]
        conditions = [*plain, *(f"not ({each})" for each in plain), *(f"not (not {each})" for each in plain)]
        if "(" not in name:
            conditions += [f"{name} is not null", f"not {name} is null"]
            assert search(alice, f"{name} is null") == search(alice, f"not ({name} is not null)") == "a", name
        forms = ["{}"] + [f"{JOIN}{name} is null or {{}}", f"{INNER}{name} is null or {{}})"] * (name in EVENT_FIELDS)
        for form in forms:
            assert not search(alice, form.format(" or ".join(conditions))), [
                each for each in conditions if search(alice, form.format(each))
            ]


def test_nobody_has_events_so_every_condition_of_a_segment_agrees(alice: Account) -> None:
    everyone = create_list(alice, "all")
    store(alice, {"email": "a@x.org"}, {"email": "b@x.org", "first_name": "Bob"}, list_ids=(everyone.pk,))
    listed = f"contains(list_ids, '{everyone.uuid}')"
    for query, letters in (
        (f"{listed} and event_type is null", "ab"),
        (f"{listed} and not event_type = 'open'", ""),
        (f"{listed} and (event_type != 'open' or first_name = 'Bob')", "b"),
        ("not (event_type = 'open' and first_name is not null)", "a"),
        ("not (event_type = 'open' or first_name is null)", ""),
        ("event_type is null and not (singlesend_id is not null)", "ab"),
    ):
        assert search(alice, query) == letters, query


def test_legacy_conditions_match_missing_values_by_ne_and_empty_only(
    alice: Account, fields: dict[str, FieldDefinition]
) -> None:
    store(alice, {"email": "a@x.org"})
    values = {"first_name": "a", "pet": "a", "orders": "3", "born": "05/01/2026", "last_opened": "1777593600"}
    for name, value in values.items():
        operators = []
        for operator in ("eq", "ne", "lt", "gt", "contains", "is within", "empty", "not_empty"):
            written = {"field": name, "operator": operator, "value": "5" if operator == "is within" else value}
            with suppress(InvalidCondition):
                if find_matching(alice, read_legacy([written], vocabulary_of(alice)), limit=1):
                    operators.append(operator)
        assert operators == ["ne", "empty"], name


# --- Kleene's logic ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """An event as a query sees it."""

    words: tuple[str, ...]
    campaign: int
    at: dt.datetime


@dataclass(frozen=True)
class Person:
    """A contact as a query sees it."""

    first_name: str | None
    orders: int | None
    events: tuple[Event, ...] = ()


Truth = bool | None
Evaluation = Callable[[Person, Event | None], Truth]


@dataclass(frozen=True)
class Query:
    """A query and its meaning for one contact and at most one event."""

    text: str
    evaluate: Evaluation


DELIVERED, BOUNCED, BLOCKED = ("processed", "delivered"), ("processed", "bounce"), ("processed", "block", "blocked")
OPENED, CLICKED, DROPPED = ("open",), ("click",), ("drop", "dropped")
PEOPLE = {
    "a": Person("Ann", 3, (Event(DELIVERED, 7, NOW), Event(OPENED, 7, NOW))),
    "b": Person("Bob", 9, (Event(DELIVERED, 7, NOW), Event(CLICKED, 8, NOW - dt.timedelta(days=9)))),
    "c": Person("Ann", None),
    "d": Person(None, 4, (Event(BOUNCED, 8, NOW),)),
    "e": Person(None, None),
    "f": Person("Fay", 3, (Event(BLOCKED, 7, NOW), Event(DELIVERED, 8, NOW - dt.timedelta(days=9)))),
    "g": Person("Ann", 5, (Event(DROPPED, 7, NOW),)),
}
KINDS = {
    DELIVERED: EngagementKind.DELIVERED,
    OPENED: EngagementKind.OPENED,
    CLICKED: EngagementKind.CLICKED,
    BOUNCED: EngagementKind.BOUNCED,
    BLOCKED: EngagementKind.BLOCKED,
    DROPPED: EngagementKind.DROPPED,
}


def of_event(text: str, test: Callable[[Event], bool]) -> Query:
    return Query(text, lambda _, event: None if event is None else test(event))


def of_contact(text: str, name: str, test: Callable[[Any], bool]) -> Query:
    return Query(text, lambda person, _: None if getattr(person, name) is None else test(getattr(person, name)))


LEAVES = [
    of_event("event_type = 'open'", lambda event: "open" in event.words),
    of_event("event_type != 'click'", lambda event: "click" not in event.words),
    of_event("event_type in ('open', 'bounce')", lambda event: event.words in (OPENED, BOUNCED)),
    # An event type can stand for several kinds of engagements.
    of_event("event_type = 'processed'", lambda event: "processed" in event.words),
    of_event("event_type != 'processed'", lambda event: "processed" not in event.words),
    of_event("event_type in ('dropped', 'processed')", lambda event: bool({*event.words} & {"dropped", "processed"})),
    of_event("event_type not in ('processed', 'open')", lambda event: not {*event.words} & {"processed", "open"}),
    of_event("event_type like 'b%'", lambda event: event.words in (BOUNCED, BLOCKED)),
    of_event("event_type not like 'pro%'", lambda event: "processed" not in event.words),
    of_event("event_type not in ('delivered')", lambda event: event.words != DELIVERED),
    of_event("event_type like '%c%'", lambda event: any("c" in word for word in event.words)),
    of_event("event_type not like '_pen'", lambda event: event.words != OPENED),
    of_event("event_source = 'mail'", lambda event: True),
    of_event("event_source not like 'm%'", lambda event: False),
    of_event("singlesend_id = '7'", lambda event: event.campaign == 7),
    of_event("singlesend_id not in ('8')", lambda event: event.campaign != 8),
    of_event("event_timestamp >= '2026-05-01'", lambda event: event.at >= NOW),
    of_event("event_timestamp not between '2026-04-30' and '2026-05-02'", lambda event: event.at < NOW),
    Query("event_type is null", lambda _, event: event is None),
    Query("singlesend_id is not null", lambda _, event: event is not None),
    of_contact("first_name = 'Ann'", "first_name", lambda name: name == "Ann"),
    of_contact("orders > 3", "orders", lambda orders: orders > 3),
    of_contact("orders not between 4 and 5", "orders", lambda orders: orders not in (4, 5)),
    Query("first_name is null", lambda person, _: person.first_name is None),
]


def deny(query: Query) -> Query:
    def evaluate(person: Person, event: Event | None) -> Truth:
        value = query.evaluate(person, event)
        return None if value is None else not value

    return Query(f"not ({query.text})", evaluate)


def join(word: str, parts: list[Query]) -> Query:
    """Return the query that joins others by `and` or `or`."""
    decisive = word == "or"

    def evaluate(person: Person, event: Event | None) -> Truth:
        values = [part.evaluate(person, event) for part in parts]
        return decisive if decisive in values else None if None in values else not decisive

    return Query("(" + f" {word} ".join(part.text for part in parts) + ")", evaluate)


queries = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: (
        inner.map(deny) | st.builds(join, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3))
    ),
    max_leaves=6,
)


@pytest.fixture
def people(alice: Account, fields: dict[str, FieldDefinition]) -> None:
    for letter, person in PEOPLE.items():
        values = {"first_name": person.first_name, "orders": person.orders}
        store(
            alice, {"email": f"{letter}@x.org", **{name: value for name, value in values.items() if value is not None}}
        )
    ids = {str(contact.email)[0]: contact.pk for contact in Contact.objects.filter(account=alice)}
    Engagement.objects.bulk_create(
        Engagement(contact_id=ids[letter], campaign_id=event.campaign, kind=KINDS[event.words], at=event.at)
        for letter, person in PEOPLE.items()
        for event in person.events
    )


def expect(query: Query, *, with_outer_join: bool) -> str:
    """Return the first letters of the people who meet a query."""
    return "".join(
        letter
        for letter, person in PEOPLE.items()
        if any(query.evaluate(person, event) for event in person.events or [None] * with_outer_join)
    )


@further
def test_each_comparison_and_its_negation_finds_whom_kleenes_logic_finds(alice: Account, people: None) -> None:
    for query in (*LEAVES, *map(deny, LEAVES)):
        assert search(alice, query.text) == expect(query, with_outer_join=True), query.text
        assert search(alice, JOIN + query.text) == expect(query, with_outer_join=False), query.text


@settings(max_examples=examples(15))
@given(query=queries)
def test_postgresql_finds_whom_kleenes_logic_finds(alice: Account, people: None, query: Query) -> None:
    assert search(alice, query.text) == expect(query, with_outer_join=True)
    assert search(alice, JOIN + query.text) == expect(query, with_outer_join=False)


@further
@settings(max_examples=examples(10))
@given(left=queries, right=queries)
def test_de_morgans_laws_hold(alice: Account, people: None, left: Query, right: Query) -> None:
    both, either = join("and", [left, right]), join("or", [left, right])
    for form in ("", JOIN):
        assert search(alice, form + deny(both).text) == search(alice, form + join("or", [deny(left), deny(right)]).text)
        assert search(alice, form + deny(either).text) == search(
            alice, form + join("and", [deny(left), deny(right)]).text
        )


PIECES = [
    *(("a", "a"), ("b", "_"), ("", "%"), ("ab", "%"), ("%", "\\%"), ("_", "\\_"), ("\\", "\\\\"), ("\n", "%")),
    *(("a", "b"), ("", "_"), ("b", ""), ("A", "a"), ("x", "\\%")),
]
"""Pairs of a part of a text and a part of a pattern, which match or not."""


@settings(max_examples=examples(30))
@given(pieces=st.lists(st.sampled_from(PIECES[:8]) | st.sampled_from(PIECES), max_size=5))
@example(pieces=[("", "%")])
def test_a_pattern_matches_the_same_texts_as_in_postgresql(database: None, pieces: list[tuple[str, str]]) -> None:
    text, pattern = ("".join(parts) for parts in zip(*pieces, strict=True)) if pieces else ("", "")
    with connection.cursor() as cursor:
        cursor.execute("select %s::text like %s::text", [text, pattern])
        assert cursor.fetchone() == (meets_pattern(text, pattern),)
