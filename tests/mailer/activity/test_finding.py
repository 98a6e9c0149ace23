"""A search returns exactly the messages that a plain evaluation of the query selects, and no other account's."""

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Account
from mailer.activity import finding
from mailer.activity.conditions import Narrowing, narrow
from mailer.activity.finding import search
from mailer.activity.language import read_query
from mailer.models import Event, Mail
from mailer.pipeline.accept import accept_mail
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import examples, further
from tests.mailer.activity.stored import SENDERS, Fact, Store, store_messages

Truth = Callable[[Fact], bool | None]
Query = tuple[str, Truth]
"""A query, and a function that decides about a fact without any code of the product."""

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
TEXTS = {
    "from_email": [*SENDERS, "other@example.com", "x"],
    "subject": ["Hello", "Your order 3", "An own subject", "", "50% off_today"],
    "status": ["processed", "delivered", "not_delivered"],
    "template_id": ["d-1"],
}
PATTERNS = ["%", "%order%", "Your _rder %", "50\\\\%%", "%off\\\\_today", "H_llo", "%@example.com", "%e%l%", "_", ""]
MAPPED = ["n", "mail", "none"]


def quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def known(value: Any, test: Callable[[Any], bool]) -> bool | None:
    return None if value is None else test(value)


def as_regex(pattern: str) -> str:
    tokens = re.findall(r"\\.|.", pattern.replace("\\\\", "\\"), re.DOTALL)
    return "".join({"%": "(?s:.*)", "_": "(?s:.)"}.get(token, re.escape(token[-1])) for token in tokens)


@st.composite
def leaves(draw: st.DrawFn, facts: list[Fact]) -> Query:
    """Draw a condition without AND, OR and NOT. Texts are often those of a stored message."""
    fact = draw(st.sampled_from(facts))
    name = draw(st.sampled_from([*TEXTS, "msg_id", "to_email", "clicks", "asm_group_id", "times", "texts", "args"]))
    sign = draw(st.sampled_from(sorted(OPERATORS)))
    compare = OPERATORS[sign]
    if name == "times":
        moment = fact.last_event_time + dt.timedelta(seconds=draw(st.integers(-90, 90)))
        text = f'last_event_time {sign} TIMESTAMP "{moment:%Y-%m-%dT%H:%M:%SZ}"'
        return text, lambda each: compare(each.last_event_time, moment)
    if name == "texts":
        listed = draw(st.sampled_from(["events", "categories"]))
        word = draw(st.sampled_from(["processed", "delivered", "bounced", "red", "blue", "opened"]))
        return f"Contains({listed}, '{word}')", lambda each: word in getattr(each, listed)
    if name in ("clicks", "asm_group_id"):
        number = draw(st.sampled_from([0, 1, fact.asm_group_id or 5]))
        return f"{name} {sign} {number}", lambda each: known(getattr(each, name), lambda value: compare(value, number))
    if name == "args":
        key = draw(st.sampled_from(MAPPED))
        value = draw(st.sampled_from(["1", "m2", fact.unique_args.get(key, "")]))
        return f"unique_args['{key}']{sign}{quoted(value)}", lambda each: known(
            each.unique_args.get(key), lambda stored: compare(stored, value)
        )
    return draw(text_leaves(name, fact, sign))


@st.composite
def text_leaves(draw: st.DrawFn, name: str, fact: Fact, sign: str) -> Query:
    values = [*TEXTS.get(name, []), *filter(None, [getattr(fact, name)])]
    form = draw(st.sampled_from(["compared", "among", "like", "prefix", "between", "null"]))
    chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
    negation = draw(st.sampled_from(["", "NOT "]))

    def test_of(test: Callable[[str], bool]) -> Truth:
        return lambda each: known(getattr(each, name), lambda value: test(value) != bool(negation))

    if form == "compared":
        return f"{name}{sign}{quoted(chosen[0])}", lambda each: known(
            getattr(each, name), lambda value: OPERATORS[sign](value, chosen[0])
        )
    if form == "among":
        listed = ", ".join(map(quoted, chosen))
        return f"{name} {negation}IN ({listed})", test_of(lambda value: value in chosen)
    if form == "between":
        low, high = chosen[0], chosen[-1]
        text = f"{name} {negation}BETWEEN {quoted(low)} AND {quoted(high)}"
        return text, test_of(lambda value: low <= value <= high)
    if form == "null":
        is_not = bool(negation)
        return f"{name} IS {negation}NULL", lambda each: (getattr(each, name) is None) != is_not
    pattern = draw(st.sampled_from(PATTERNS))
    if form == "prefix" and name == "msg_id":
        pattern = f"{chosen[0][:22]}%"
    return f"{name} {negation}LIKE {quoted(pattern)}", test_of(
        lambda value: re.fullmatch(as_regex(pattern), value) is not None
    )


def joined(children: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    def negate(query: Query) -> Query:
        text, truth = query

        def negated(fact: Fact) -> bool | None:
            result = truth(fact)
            return None if result is None else not result

        return f"NOT ({text})", negated

    def join(queries: list[Query], decisive: bool) -> Query:
        def combined(fact: Fact) -> bool | None:
            results = [truth(fact) for _, truth in queries]
            return decisive if decisive in results else None if None in results else not decisive

        return f" {'OR' if decisive else 'and'} ".join(f"({text})" for text, _ in queries), combined

    several = st.lists(children, min_size=2, max_size=3)
    return children.map(negate) | st.builds(join, several, st.booleans())


def is_named(fact: Fact, narrowing: Narrowing) -> bool:
    """Return whether a search for addresses looks at the message: it goes by first recipients, and by ids."""
    mail, message_id = fact.msg_id.split(".")[:2]
    return (
        fact.first_recipient in narrowing.recipients or mail in narrowing.mails or int(message_id) in narrowing.messages
    )


@pytest.fixture
def store(alice: Account, charlie: Account) -> Store:
    """Store messages of Alice, between those of Charlie."""
    store_messages(charlie, mails=2)
    store = store_messages(alice)
    store_messages(charlie, mails=2)
    return store


def test_search_equals_a_plain_evaluation(store: Store, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(finding, "PAGE", 7)
    monkeypatch.setattr(finding, "PARCELS", 2)
    assert {Event.objects.filter(members__isnull=False).exists(), len(store.facts) == 52} == {True}
    found_some = 0

    @settings(max_examples=examples(40 // step))
    @given(query=st.recursive(leaves(store.facts), joined, max_leaves=5), limit=st.sampled_from([1, 5, 1000]))
    def compare(query: Query, limit: int) -> None:
        nonlocal found_some
        text, truth = query
        condition = read_query(text)
        expected = [fact for fact in store.facts if truth(fact)]
        narrowing = narrow(condition)
        if narrowing is not None and narrowing.recipients:
            expected = [fact for fact in expected if is_named(fact, narrowing)]
        activity = search(store.account, condition, limit=limit)
        found_some += bool(activity.activities)
        shown = [(each.msg_id, each.subject, each.status, each.last_event_time) for each in activity.activities]
        assert sorted(shown) == sorted(
            (each.msg_id, each.subject, each.status, each.last_event_time) for each in expected
        ) or (len(shown) == limit and {each[0] for each in shown} <= {each.msg_id for each in expected}), text
        assert len(shown) == min(limit, len(expected)), text
        assert activity.is_complete

    compare()
    assert found_some > 5 // step


@further
def test_a_search_begins_at_the_latest_time_that_a_query_allows(
    alice: Account, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "DISORDER", 0)
    monkeypatch.setattr(finding, "LOOKED_AT", 2)
    monkeypatch.setattr(finding, "FIRST_PAGE", 1)
    times = []
    for number in range(6):
        accept_mail(alice, draft(name=f"n{number}-"))
        times.append(Mail.objects.latest("pk").created_at)
        clock.advance(hours=1)
    for number, at in enumerate(times):
        for text in (
            f"last_event_time <= TIMESTAMP '{at:%Y-%m-%dT%H:%M:%SZ}'",
            f"clicks = 0 AND last_event_time BETWEEN '2020-01-01' AND TIMESTAMP '{at:%Y-%m-%d %H:%M:%S}'",
            f"last_event_time IN (TIMESTAMP '{at:%Y-%m-%dT%H:%M:%SZ}', '2020-01-01')",
        ):
            newest = search(alice, read_query(text), limit=1).activities[0]
            assert newest.to_email == f"n{number}-0@example.com", text
    assert not search(alice, read_query("last_event_time < '2020-01-01'"), limit=1).activities


def test_conditions_name_the_messages_to_look_at() -> None:
    mail, other = "A_b-" * 5 + "AA", "B" * 22
    narrowed = {
        f"msg_id LIKE '{mail}%'": Narrowing(mails=frozenset({mail})),
        f"msg_id LIKE '{mail[:21]}%'": None,
        f"msg_id NOT LIKE '{mail}%'": None,
        f"NOT msg_id = '{mail}.5'": None,
        f"msg_id = '{mail}.5' OR msg_id LIKE '{other}.%'": Narrowing(mails=frozenset({other}), messages=frozenset({5})),
        f"msg_id IN ('{mail}.5', '{other}.6.1', 'x', '{other}.{10**18}')": Narrowing(messages=frozenset({5, 6})),
        "to_email = 'a@B\N{LATIN SMALL LETTER U WITH DIAERESIS}.example'": Narrowing(
            recipients=frozenset({"a@xn--b-eha.example"})
        ),
        f"to_email = 'a@b.c' AND msg_id = '{mail}.7' AND clicks = 0": Narrowing(messages=frozenset({7})),
        "to_email = 'a@b.c' OR clicks = 0": None,
        "to_email != 'a@b.c'": None,
        "to_email > 'a@b.c'": None,
        "clicks = 0": None,
    }
    for text, narrowing in narrowed.items():
        assert narrow(read_query(text)) == narrowing, text


def test_a_search_costs_the_same_whatever_other_accounts_have(alice: Account, charlie: Account) -> None:
    accept_mail(alice, draft(3))
    with CaptureQueriesContext(connection) as few:
        search(alice, read_query("clicks = 1"), limit=10)
    for _ in range(5):
        accept_mail(charlie, draft(20))
    with CaptureQueriesContext(connection) as many:
        search(alice, read_query("clicks = 1"), limit=10)
    assert len(few) == len(many) <= 8
