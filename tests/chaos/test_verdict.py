"""Chaos detects an invented breach of each promise."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from chaos.journal import Journal, Stop
from chaos.ledger import Arrival
from chaos.truth import Message, StoredReceipt, Truth
from chaos.verdict import Verdict, judge

NOW = 1_000_000.0
WALL = NOW + 500.0


class Story:
    """Two messages of one batch, accepted and sent, and one stop that came after the first."""

    def __init__(self) -> None:
        self.journal = Journal(_wall_minus_monotonic=WALL - NOW)
        request = self.journal.new_request("batch", 2, WALL)
        request.message_id = "mail"
        self.first, self.second = request.recipients()
        self.truth = Truth(counters={"sent": 2})
        for number, recipient in enumerate(request.recipients()):
            self.truth.messages[recipient] = Message(number, recipient, "mail", "batch", "sent")
        self.arrivals = {self.first: [self.arrival(1)], self.second: [self.arrival(2)]}
        self.receipt(settled=1.5, sent=1)
        self.journal.resumes.append(("batch", NOW + 1.9))

    def arrival(self, seconds: float) -> Arrival:
        return Arrival("", "", NOW + seconds, 1)

    def receipt(self, *, settled: float | None, sent: int, doubtful: frozenset[int] = frozenset()) -> None:
        at = [dt.datetime.fromtimestamp(WALL + s, dt.UTC) for s in (1.2, settled or 0)]
        settled_at = None if settled is None else at[1]
        stored = StoredReceipt("receipt", "batch", at[0], settled_at, sent, len(doubtful), doubtful)
        self.truth.receipts = [stored]
        self.journal.stops = [Stop("batch", "receipt", NOW + 1.6, True, sent)]

    def judge(self) -> Verdict:
        names = ("sent", "refused", "dropped", "stopped", "in_doubt", "discarded", "expired")
        self.truth.counters = {name: self.truth.counters.get(name, 0) for name in names}
        return judge(self.journal, self.arrivals, self.truth)


@pytest.fixture
def story() -> Story:
    """Return a story without any breach."""
    return Story()


def test_a_successful_run_has_no_breach(story: Story) -> None:
    verdict = story.judge()
    assert (verdict.lost, verdict.doubled, verdict.sent_after_settled_stop, verdict.breaches) == ([], [], [], [])
    assert [round(late) for _, late in verdict.lateness] == [1000, 2000]


def test_an_accepted_message_that_is_not_stored_is_lost(story: Story) -> None:
    del story.truth.messages[story.second]
    assert story.judge().lost == [story.second]


def test_a_sent_message_that_the_peer_never_saw_is_lost(story: Story) -> None:
    del story.arrivals[story.second]
    assert story.judge().lost == [story.second]


def test_a_message_that_came_twice_is_doubled(story: Story) -> None:
    story.arrivals[story.second] *= 2
    assert story.judge().doubled == [story.second]


def test_a_message_sent_after_a_settled_stop_is_detected(story: Story) -> None:
    story.journal.resumes.clear()
    assert story.judge().sent_after_settled_stop == [story.second]


def test_a_message_that_the_receipt_names_as_in_doubt_is_counted_apart(story: Story) -> None:
    story.journal.resumes.clear()
    story.receipt(settled=1.5, sent=1, doubtful=frozenset({1}))
    verdict = story.judge()
    assert (verdict.sent_after_settled_stop, verdict.sent_in_doubt) == ([], [story.second])


@pytest.mark.parametrize("sent", [0, 2])
def test_a_receipt_that_does_not_equal_the_peers_count_is_a_breach(story: Story, sent: int) -> None:
    story.receipt(settled=1.5, sent=sent)
    assert len(story.judge().breaches) == 1


def test_a_receipt_that_is_never_settled_is_a_breach(story: Story) -> None:
    story.receipt(settled=None, sent=1)
    assert "never settled" in story.judge().breaches[0]


def test_a_request_without_an_answer_is_stored_completely_or_not_at_all(story: Story) -> None:
    request = story.journal.new_request("", 2, time.time())
    assert story.judge().breaches == []
    recipient = request.recipients()[0]
    story.truth.messages[recipient] = Message(9, recipient, "another", "", "pending")
    assert "stored partly" in story.judge().breaches[0]


def test_a_sent_message_whose_state_denies_it_is_a_breach(story: Story) -> None:
    message = story.truth.messages[story.second]
    story.truth.messages[story.second] = Message(1, message.recipient, "mail", "batch", "discarded")
    story.truth.counters = {"sent": 1, "discarded": 1}
    assert "with another state" in story.judge().breaches[0]


def test_a_refused_message_is_a_breach_since_the_peer_refuses_nobody(story: Story) -> None:
    message = story.truth.messages[story.second]
    story.truth.messages[story.second] = Message(1, message.recipient, "mail", "batch", "refused")
    story.truth.counters = {"sent": 1, "refused": 1}
    del story.arrivals[story.second]
    assert "refuses no message" in story.judge().breaches[0]


def test_counters_that_disagree_with_the_messages_are_a_breach(story: Story) -> None:
    story.truth.counters = {"sent": 3}
    assert "disagree" in story.judge().breaches[0]


def test_a_message_that_came_before_its_time_is_a_breach(story: Story) -> None:
    story.arrivals[story.first] = [story.arrival(-1)]
    assert "before their time" in story.judge().breaches[0]
