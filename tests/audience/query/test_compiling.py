"""PostgreSQL finds the same contacts by a condition as plain Python does."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Account
from audience.dates import write_date
from audience.lists import create_list, delete_list
from audience.models import Contact, Engagement, EngagementKind, LastTimes, Membership
from audience.query.compiling import compile_condition
from audience.query.condition_json import from_json, to_json
from audience.query.conditions import (
    EVERYBODY,
    Among,
    And,
    Column,
    Compare,
    Condition,
    Custom,
    Engaged,
    EventPart,
    FromNow,
    Function,
    Has,
    InList,
    Kind,
    Missing,
    Not,
    OfEvent,
    Operator,
    Or,
)
from audience.segments import count_matching, find_matching
from foundation.clock import database_now
from tests.audience.conftest import store
from tests.audience.query.evaluation import Happened, Person, meets
from tests.examples import examples

TODAY = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
NOWHERE = "6b0f6e1c-8f43-4c1e-9c75-1b8e0b8f7a11"
TEXT, NUMBER, DATE = Custom(1, Kind.TEXT), Custom(2, Kind.NUMBER), Custom(3, Kind.DATE)

text = st.text("aAbé✓%_\\'\" {}", max_size=3) | st.sampled_from(["a", "%s", "%(asked_0)s", "{}", "'; --", "\\'"])
date = st.integers(-3, 3).map(lambda days: TODAY + dt.timedelta(days=days))
number = st.sampled_from([0, -1, 1, 1.5, 2, 10, 10**17])
ordered = st.sampled_from([each for each in Operator if each is not Operator.LIKE])
relative = st.builds(FromNow, st.integers(-2, 2), st.integers(-3, 3).map(lambda days: days * 86_400))
function = st.sampled_from([None, Function.LOWER])
text_subject = st.sampled_from(
    [TEXT, *(Column(name, Kind.TEXT) for name in ("email", "first_name", "city", "time_zone"))]
)
date_subject = st.sampled_from([DATE, *(Column(name, Kind.DATE) for name in ("created_at", "last_opened"))])
pattern = text.map(lambda each: each.replace("\\", "\\\\"))
event_part = st.sampled_from([EventPart.KIND, EventPart.CAMPAIGN])
whole = st.integers(0, 3).map(Decimal)


def event_leaf(event: int) -> st.SearchStrategy[Condition]:
    of = st.builds(OfEvent, st.just(event), event_part)
    return (
        st.builds(Compare, of, ordered, whole)
        | st.builds(Among, of, st.lists(whole, max_size=2).map(tuple))
        | st.builds(Compare, st.just(OfEvent(event, EventPart.AT)), ordered, date | relative)
        | st.builds(Missing, of)
    )


def trees(leaf: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    return st.recursive(
        leaf,
        lambda inner: (
            st.builds(And, st.lists(inner, max_size=3).map(tuple))
            | st.builds(Or, st.lists(inner, max_size=3).map(tuple))
            | st.builds(Not, inner)
        ),
        max_leaves=5,
    )


leaf: st.SearchStrategy[Condition] = (
    st.builds(Compare, text_subject, ordered, text, function)
    | st.builds(Compare, text_subject, st.just(Operator.LIKE), pattern, function)
    | st.builds(Compare, text_subject, ordered, whole, st.just(Function.LENGTH))
    | st.builds(Among, text_subject, st.lists(text, max_size=2).map(tuple), function)
    | st.builds(Compare, st.just(NUMBER), ordered, number.map(lambda each: Decimal(str(each))))
    | st.builds(Among, st.just(NUMBER), st.lists(whole, max_size=3).map(tuple))
    | st.builds(Compare, date_subject, ordered, date | relative)
    | st.builds(
        Missing, text_subject | date_subject | st.just(NUMBER) | st.just(Column("alternate_emails", Kind.TEXTS))
    )
    | st.builds(
        Has,
        st.sampled_from([Column("alternate_emails", Kind.TEXTS), Column("email_domains", Kind.TEXTS)]),
        st.sampled_from(["o@y.org", "y.org", "x.org", "'"]),
    )
    | st.builds(InList, st.sampled_from(["here", "number", NOWHERE, "' or true --", 2**40, -1]))
)
inside_one = trees(leaf | event_leaf(0))
inside_two = trees(leaf | event_leaf(0) | event_leaf(1) | st.builds(Engaged, st.just(2), event_leaf(2) | event_leaf(0)))
condition = trees(
    leaf
    | st.builds(Engaged, st.just(0), inside_one, st.booleans())
    | st.builds(Engaged, st.just(0), st.builds(Engaged, st.just(1), inside_two, st.booleans()), st.booleans())
)
happened = st.builds(Happened, st.sampled_from(EngagementKind), st.integers(1, 2), date)
person = st.builds(
    Person,
    st.just("x@x.org"),
    st.dictionaries(st.sampled_from(["first_name", "city"]), text),
    st.fixed_dictionaries({"created_at": date}, optional={"last_opened": date}),
    st.sampled_from([(), ("o@y.org",), ("o@y.org", "p@z.org")]),
    st.fixed_dictionaries({}, optional={1: text.filter(bool), 2: number, 3: date}),
    st.sampled_from([frozenset(), frozenset({"here", "number"})]),
    st.lists(happened, max_size=2, unique_by=lambda each: (each.kind, each.campaign)).map(tuple),
)


@pytest.fixture
def lists(alice: Account) -> dict[str | int, str | int]:
    """Create a list of Alice and return its ids by the names that the strategies use."""
    created = create_list(alice, "here")
    return {"here": str(created.uuid), "number": created.pk}


@settings(max_examples=examples(20))
@given(people=st.lists(person, max_size=4), condition=condition)
def test_the_sql_and_plain_python_agree(
    alice: Account, lists: dict[str | int, str | int], people: list[Person], condition: Condition
) -> None:
    people = [replace(each, email=f"{n}@x.org") for n, each in enumerate(people)]
    real = with_lists(condition, lists)
    assert from_json(json.loads(json.dumps(to_json(real)))) == real
    with transaction.atomic():
        make(alice, people, int(lists["number"]))
        now = database_now()
        emails = [contact.email for contact in find_matching(alice, real, limit=10)]
        count = count_matching(alice, real)
        transaction.set_rollback(True)
    expected = [each.email for each in people if meets(each, condition, now) is True]
    assert emails == expected
    assert count == len(expected)


def with_lists(condition: Condition, lists: dict[str | int, str | int]) -> Condition:
    """Replace the names of lists by their ids."""
    match condition:
        case And(parts):
            return And(tuple(with_lists(part, lists) for part in parts))
        case Or(parts):
            return Or(tuple(with_lists(part, lists) for part in parts))
        case Not(part):
            return Not(with_lists(part, lists))
        case Engaged(event, inner, is_optional):
            return Engaged(event, with_lists(inner, lists), is_optional)
        case InList(named):
            return InList(lists.get(named, named))
        case _:
            return condition


def make(account: Account, people: Sequence[Person], list_id: int) -> None:
    contacts = Contact.objects.bulk_create(
        Contact(
            account=account,
            email=each.email,
            alternate_emails=list(each.alternates),
            custom={str(key): as_stored(value) for key, value in each.custom.items()},
            created_at=each.dates["created_at"],
            **each.texts,
        )
        for each in people
    )
    pairs = list(zip(contacts, people, strict=True))
    LastTimes.objects.bulk_create(
        LastTimes(contact=stored_contact, last_opened_at=each.dates["last_opened"])
        for stored_contact, each in pairs
        if "last_opened" in each.dates
    )
    Membership.objects.bulk_create(
        Membership(list_id=list_id, contact=stored_contact) for stored_contact, each in pairs if each.lists
    )
    Engagement.objects.bulk_create(
        Engagement(contact_id=stored_contact.pk, campaign_id=event.campaign, kind=event.kind, at=event.at)
        for stored_contact, each in pairs
        for event in each.events
    )


def as_stored(value: Any) -> Any:
    return write_date(value) if isinstance(value, dt.datetime) else value


def test_a_condition_can_match_everybody_or_nobody(alice: Account) -> None:
    store(alice, {"email": "a@x.org"})
    assert [count_matching(alice, each) for each in (EVERYBODY, Or())] == [1, 0]


def test_conditions_reach_nothing_of_another_account(alice: Account, charlie: Account) -> None:
    his = create_list(charlie, "his")
    store(charlie, {"email": "a@x.org", "first_name": "Ann"}, list_ids=(his.pk,))
    store(alice, {"email": "a@x.org", "first_name": "Ann"})
    first_name = Compare(Column("first_name", Kind.TEXT), Operator.EQ, "Ann")
    assert [each.account for each in find_matching(alice, Or((first_name, EVERYBODY)), limit=9)] == [alice]
    # This holds even if a membership exists.
    Membership.objects.create(list=his, contact=Contact.objects.get(account=alice))
    for named in (his.pk, str(his.uuid)):
        assert count_matching(alice, InList(named)) == 0
        assert count_matching(charlie, InList(named)) == 1


def test_nobody_is_on_a_deleted_list(alice: Account) -> None:
    everyone = create_list(alice, "all")
    store(alice, {"email": "a@x.org"}, list_ids=(everyone.pk,))
    assert count_matching(alice, InList(everyone.pk)) == 1
    delete_list(alice, everyone.pk)
    assert count_matching(alice, InList(everyone.pk)) == 0
    assert count_matching(alice, InList(str(everyone.uuid))) == 0


def test_times_from_now_follow_the_clock_that_decides(alice: Account, clock: Any) -> None:
    store(alice, {"email": "a@x.org"})
    within_a_day = Compare(Column("created_at", Kind.DATE), Operator.GE, FromNow(seconds=-86_400))
    assert count_matching(alice, within_a_day) == 1
    clock.advance(hours=25)
    assert count_matching(alice, within_a_day) == 0


def test_values_of_a_condition_are_in_the_parameters_only() -> None:
    hostile = "x' or 1=1; drop table campaigns_contact --"
    condition = Or(
        (
            Compare(Column("email", Kind.TEXT), Operator.EQ, hostile),
            Has(Column("alternate_emails", Kind.TEXTS), hostile),
            Among(TEXT, (hostile,)),
        )
    )
    expression, parameters = compile_condition(condition, account_id=1)
    assert "drop" not in expression
    assert list(parameters.values()) == [hostile] * 3


def test_pages_go_on_behind_the_last_contact(alice: Account) -> None:
    store(alice, *({"email": f"{n}@x.org"} for n in range(5)))
    first = find_matching(alice, EVERYBODY, limit=3)
    second = find_matching(alice, EVERYBODY, after=first[-1].pk, limit=3)
    assert [each.email for each in (*first, *second)] == [f"{n}@x.org" for n in range(5)]
