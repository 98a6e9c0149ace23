"""Replies are classified by their words and codes, and put their recipients on the right list."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.models import Classification, ReplyClass, SuppressionKind
from mailer.outcomes import classes
from mailer.outcomes.classes import CODES, SUBJECTS, Judgement, code_of, find_status, judge_reply
from mailer.outcomes.patterns import PATTERNS, find_pattern, words_of
from tests.examples import for_each

REPLIES = Path(__file__).with_name("replies.csv")
"""Replies as providers and programs word them, with the stage of the transaction and the expected results.

The source is where to look the replies of this provider up. Not every line is a copy of a text there.
"""
SUPPRESSING = {SuppressionKind.BOUNCE, SuppressionKind.INVALID}


def read_replies() -> list[dict[str, str]]:
    with REPLIES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def judge(row: dict[str, str]) -> Judgement:
    return judge_reply(row["reply"], is_of_recipient=row["stage"] == "RCPT")


def label_of(kind: SuppressionKind | None) -> str:
    return "" if kind is None else str(kind.label)


def test_every_reply_of_the_table_has_its_classification_and_list() -> None:
    rows = read_replies()
    wrong = [
        (row, judgement)
        for row in rows
        if ((judgement := judge(row)).classification.label, label_of(judgement.suppression))
        != (row["classification"], row["list"])
    ]
    assert wrong == []
    assert len(rows) >= 300
    assert len({row["provider"] for row in rows}) >= 50
    assert {row["classification"] for row in rows} == {str(each.label) for each in Classification}
    assert all(row["source"].startswith("https://") for row in rows)


def test_the_example_of_every_pattern_matches_it_before_any_other() -> None:
    for pattern in PATTERNS:
        example = pattern.example
        status = find_status(example)
        first = find_pattern(words_of(example), code_of(example), status)
        assert first is pattern, f"{pattern.phrase!r} is shadowed by {first and first.phrase!r}"
        assert pattern.source.startswith("https://"), pattern.phrase


def test_pattern_of_a_throttle_has_no_list_and_only_those_of_recipients_suppress() -> None:
    for pattern in PATTERNS:
        reply_class = pattern.classification.reply_class
        if reply_class is ReplyClass.THROTTLE:
            assert pattern.suppression is None, pattern.phrase
        if pattern.suppression in SUPPRESSING:
            assert reply_class is ReplyClass.RECIPIENT, pattern.phrase
    for code, (classification, suppression) in (CODES | SUBJECTS).items():
        assert suppression not in SUPPRESSING or classification.reply_class is ReplyClass.RECIPIENT, code


ADDRESS = re.compile(r"[^\s<>()]+@[^\s<>():,]+")
ADDRESSES = ("spam@example.org", "mailbox.full@quota.example", "User-Unknown@blocked.example", "a@b")


def variants_of(reply: str) -> Iterator[str]:
    """Yield replies that differ in what a class does not depend on."""
    code, text = reply[:3], reply[3:]
    yield reply.upper()
    yield reply.lower()
    for address in ADDRESSES:
        yield ADDRESS.sub(address, reply)
    words = text.split(" ")
    yield code + "\n ".join(words)
    yield code + "  ".join(words)
    yield f"{reply} [192.0.2.77] 1700000000.18-7 id=4711"
    yield f"{reply} <user-unknown@mailbox-full.example>"


def test_digits_case_addresses_and_line_breaks_do_not_change_a_judgement() -> None:
    for row in read_replies():
        judgement = judge(row)
        for variant in variants_of(row["reply"]):
            assert judge(row | {"reply": variant}) == judgement, variant


def test_words_of_the_recipients_address_are_not_the_peers() -> None:
    recipient = '"mailbox full spam"@example.org'
    reply = f"550 5.1.1 <{recipient}>: no"
    judgement = judge_reply(reply, is_of_recipient=True, recipient=recipient.upper())
    assert judgement == Judgement(Classification.INVALID_ADDRESS, SuppressionKind.BOUNCE, "5.1.1")


def test_a_deferral_lists_nobody_and_a_given_up_one_suppresses_nobody() -> None:
    for row in read_replies():
        judgement = judge(row)
        if row["reply"].startswith("5"):
            deferral = re.sub(r"\b5(\.\d+\.\d+)", r"4\1", "4" + row["reply"][1:])
            assert judge(row | {"reply": deferral}).suppression is None, deferral
            continue
        assert judgement.suppression is None
        given_up = judge(row | {"reply": f"given up: {row['reply']}"})
        assert given_up[::2] == judgement[::2]
        is_throttle = judgement.classification is Classification.VOLUME
        assert is_throttle or given_up.suppression in {None, SuppressionKind.BLOCK}
        assert not is_throttle or given_up.suppression is None


def test_a_refusal_that_is_not_of_one_recipient_suppresses_nobody() -> None:
    for row in read_replies():
        alone = judge_reply(row["reply"], is_of_recipient=True)
        whole = judge_reply(row["reply"], is_of_recipient=False)
        assert whole.classification == alone.classification
        assert whole.suppression == (SuppressionKind.BLOCK if alone.suppression else None)


@given(st.text(max_size=500), st.booleans(), st.text(max_size=40))
def test_any_text_can_be_judged(text: str, is_of_recipient: bool, recipient: str) -> None:
    for reply in (text, f"550 {text}", f"450 {text}", f"given up: 450 {text}", f"550 5.1.1 <{recipient}> {text}"):
        judgement = judge_reply(reply, is_of_recipient=is_of_recipient, recipient=recipient)
        assert judgement.suppression not in SUPPRESSING or (is_of_recipient and reply.startswith("5"))
        assert judgement.classification is not Classification.VOLUME or judgement.suppression is None


def test_what_sluice_refuses_itself_is_technical_and_lists_nobody() -> None:
    for reply in (
        "cannot be composed: ValueError",
        "no recipient is left",
        "the backend chose not to send it",
        "554 5.6.0 the backend cannot send this (ValueError)",
        "554 5.6.0 not sent, because the message is malformed: it has a NUL",
        "553 5.1.7 the sender's address cannot be sent",
        "553 5.1.3 this recipient's address cannot be sent",
        "553 5.6.7 an address or header is not ASCII and the peer does not offer SMTPUTF8",
        "554 5.6.3 the message has 8-bit content and the peer does not offer 8BITMIME",
        "552 5.3.4 20000 bytes are more than the 10000 bytes that the peer takes",
        "a text of the message has more than 1,000 characters with its values",
    ):
        judgement = judge_reply(reply, is_of_recipient=True)
        assert (judgement.classification, judgement.suppression) == (Classification.TECHNICAL, None), reply


def test_a_reply_without_a_code_is_not_classified_and_a_block() -> None:
    for reply in ("", "from the hand-over note of a worker that died", "the provider says: rejected"):
        judgement = judge_reply(reply, is_of_recipient=True)
        assert judgement == Judgement(Classification.UNCLASSIFIED, SuppressionKind.BLOCK, ""), reply


@for_each(
    ("reply", "status"),
    [
        ("550 5.1.1 The email account that you tried to reach does not exist.", "5.1.1"),
        ("550-5.1.1 no such user", "5.1.1"),
        ("553 5.1.2 we do not serve that domain", "5.1.2"),
        ("556 5.1.10 recipient address has null MX", "5.1.10"),
        ("551 5.1.6 has moved", "5.1.6"),
        ("550 #5.1.0 Address rejected.", "5.1.0"),
        ("550 5.1.1 <sender@example.com>: user unknown", "5.1.1"),
        ("550 No such user here", ""),
        ("550 User unknown in virtual mailbox table", ""),
        ("551 Mailbox does not exist", ""),
        ("553 Invalid recipient", ""),
        ("554 user unknown", ""),
    ],
)
def test_an_unknown_mailbox_is_a_bounce(reply: str, status: str) -> None:
    judgement = judge_reply(reply, is_of_recipient=True)
    assert judgement == Judgement(Classification.INVALID_ADDRESS, SuppressionKind.BOUNCE, status)


@for_each(
    "reply",
    [
        "550 5.1.0 sender rejected",
        "550 5.1.7 bad sender",
        "550 5.1.8 sender's domain does not exist",
        "550 sender address does not exist",
        "550 5.7.1 blocked, no such user policy",
        "552 5.2.2 mailbox full",
        "554 5.7.1 rejected as spam",
        "550 rejected",
        "550 5.1.1111 what",
    ],
)
def test_other_refusals_are_blocks(reply: str) -> None:
    assert judge_reply(reply, is_of_recipient=True).suppression is SuppressionKind.BLOCK


def test_each_classification_has_a_class_and_two_spellings() -> None:
    assert {each.reply_class for each in Classification} == set(ReplyClass)
    assert (Classification.TECHNICAL.label, Classification.TECHNICAL.event_name) == ("Technical Failure", "Technical")
    assert Classification.VOLUME.event_name == Classification.VOLUME.label == "Frequency or Volume Too High"


@pytest.mark.large
def test_a_reply_is_judged_in_microseconds() -> None:
    replies = [row["reply"] for row in read_replies()]
    seconds = []
    for _ in range(5):
        classes._judge.cache_clear()
        begin = time.process_time()
        for reply in replies:
            judge_reply(reply, is_of_recipient=True)
        seconds.append(time.process_time() - begin)
    assert min(seconds) / len(replies) < 60e-6
