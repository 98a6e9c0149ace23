"""Replies of peers are grouped by reason, whatever differs from message to message."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mailer.models import Classification, EventKind
from mailer.outcomes.explanations import EXPLANATIONS
from mailer.outcomes.failures import Failure, Generalizer, ReasonGroup, group_by_reason
from tests.examples import examples

NOW = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)
REPLIES = (
    "550 5.1.1 <{address}>: Recipient address rejected: User unknown in virtual mailbox table",
    "550-5.1.1 The email account that you tried to reach does not exist. {id} - gsmtp",
    "421 4.7.0 [TSS04] Messages from {ip} temporarily deferred due to unexpected volume; see https://{host}/errors",
    "452 4.2.2 {address} is over quota by {number} bytes",
    "451 Try again in {number} seconds ({host} {id})",
    "554 5.7.1 Service unavailable; client [{ip}] blocked using {host}; {id} {id}",
)
LABELS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
HOSTS = st.lists(LABELS, min_size=2, max_size=4).map(".".join)
ADDRESSES = st.builds("{}@{}".format, st.text("abcXYZ019.+_-", min_size=1, max_size=12), HOSTS)
IDS = st.builds("{}{}{}".format, LABELS, st.integers(0, 9), st.text("abcXYZ019-", max_size=12)) | st.text(
    "0123456789ABCDEF", min_size=6, max_size=12
)
IPS = st.ip_addresses().map(str)
VARIABLES = st.fixed_dictionaries(
    {"address": ADDRESSES, "host": HOSTS, "id": IDS, "ip": IPS, "number": st.integers(0, 10**9)}
)


def failures_of(*replies: str) -> list[Failure]:
    return [
        Failure(n, EventKind.REFUSED, NOW, None, reply, 1, Classification.UNCLASSIFIED, 1)
        for n, reply in enumerate(replies)
    ]


def groups_of(*replies: str) -> list[ReasonGroup]:
    return group_by_reason(failures_of(*replies))


@given(st.sampled_from(REPLIES), VARIABLES, VARIABLES)
@hypothesis_settings(max_examples=examples(25))
def test_replies_that_differ_in_numbers_ids_hosts_and_addresses_are_one_group(
    reply: str, some: dict[str, object], others: dict[str, object]
) -> None:
    (group,) = groups_of(reply.format(**some), reply.format(**others))
    assert group.refused == 2
    assert group.name == groups_of(reply.format(**others))[0].name


@given(st.lists(st.text(max_size=40), max_size=20))
@hypothesis_settings(max_examples=examples(25))
def test_every_failure_is_in_one_group_whatever_a_peer_writes(replies: list[str]) -> None:
    groups = groups_of(*replies)
    assert sorted(failure.message_id for group in groups for failure in group.failures) == list(range(len(replies)))
    assert sum(group.total for group in groups) == len(replies)
    assert len({group.name for group in groups}) == len(groups)
    for group in groups:
        assert len(group.code) <= 9


def test_replies_with_other_words_or_other_codes_are_other_groups() -> None:
    replies = (
        "550 5.1.1 user unknown",
        "550 5.1.2 user unknown",
        "551 5.1.1 user unknown",
        "550 5.1.1 mailbox full",
        "",
    )
    assert len(groups_of(*replies)) == len(replies)
    assert [group.code for group in groups_of("550 5.1.1 x", "450 x", "550-5.7.1 x", "none")] == [
        *("5.1.1", "450", "5.7.1", "")
    ]


def test_a_message_that_was_given_up_has_the_reason_of_its_deferrals() -> None:
    (group,) = groups_of("451 4.3.0 try later", "given up: 451 4.3.0 try later")
    assert (group.code, group.total) == ("4.3.0", 2)


def test_ids_of_letters_alone_are_no_words() -> None:
    for some, other in (("queued as ABCDEF", "queued as FEDCBA"), ("(xYzzyQ) rejected", "(pLugHk) rejected")):
        assert len(groups_of(f"550 {some}", f"550 {other}")) == 1, some
    assert len(groups_of("550 blocked by LDAP", "550 blocked by policy")) == 2


def test_failures_of_other_classifications_are_other_groups() -> None:
    (failure,) = failures_of("550 no")
    other = failure._replace(classification=Classification.CONTENT)
    groups = group_by_reason([failure, other])
    assert len({group.name for group in groups}) == 2


def test_refused_and_deferred_recipients_are_counted_apart_and_the_largest_group_comes_first() -> None:
    refused, rare = failures_of("550 no", "550 rare")
    deferred = refused._replace(kind=EventKind.DEFERRED, recipients=3, at=NOW - dt.timedelta(hours=1))
    first, last = group_by_reason([rare, refused, deferred])
    assert (first.refused, first.deferred, first.example) == (1, 3, refused)
    assert (first.first_at, first.last_at) == (deferred.at, NOW)
    assert last.total == 1


def test_a_long_reply_takes_no_longer_than_its_length() -> None:
    generalize = Generalizer().generalize
    for hostile in ("1" * 10**5, "a." * 10**5, "# " * 10**5, "A" * 10**5, "-" * 10**5, ":" * 10**5 + "a"):
        assert len(generalize(hostile)) <= len(hostile)


def test_every_classification_is_explained() -> None:
    for classification in Classification:
        explanation = EXPLANATIONS[classification]
        assert explanation.meaning.endswith("."), classification
        assert explanation.advice.endswith("."), classification
