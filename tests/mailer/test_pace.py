"""Slow peers, slow templates and big mail are sent, and do not delay mail of others."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.models import Account
from batches.counts import count_batch
from batches.handles import create_batch
from batches.models import Node, Parcel
from batches.states import Lane, ParcelState
from content.models import VersionContent
from mailer.compose.mime import Composer
from mailer.compose.source import DynamicSource
from mailer.draft import Address, Attachment, ContentPart, MailDraft
from mailer.pipeline import cargo, deliver, guard, slice_size
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer, Trip
from mailer.pipeline.guard import SliceGuard
from mailer.pipeline.slice_size import SliceSize, SlowBatches
from mailer.transports.base import Envelope, Guard, Result, Sent, Signal
from tests.drafts import draft
from tests.examples import further
from tests.fleet import DeliveringThread
from tests.peer import CountingPeer
from tests.waiting import wait_until

CONNECTIONS = 4


# --- the size of a slice ----------------------------------------------------------------------------------------------


def test_a_slice_is_never_smaller_than_the_connections_that_can_carry_it() -> None:
    measured = SliceSize(8)
    for _ in range(10):
        measured.learn(8, 60.0)
    assert measured.size == 8


def test_a_slice_that_finished_nothing_halves_the_next_one() -> None:
    measured = SliceSize(8)
    measured.size = 2000
    measured.learn(0, 3.0)
    assert measured.size == 1000
    for _ in range(20):
        measured.learn(0, 3.0)
    assert measured.size == 8


def test_messages_that_came_late_do_not_make_the_slices_small() -> None:
    measured = SliceSize(8)
    measured.size = 1000
    measured.learn(1000, 8.5, late=10, waited=8.0)
    assert measured.size == 396, "990 in half a second"


def test_all_connections_carry_mail_to_a_peer_that_was_slow(alice: Account, peer: CountingPeer) -> None:
    with DeliveringThread(peer, connections=CONNECTIONS, timeout_seconds=60) as worker:
        accept_mail(alice, draft(60))
        wait_until(lambda: len(peer.ledger) == 60, why="all connections to be open")
        wait_until(lambda: not Parcel.objects.filter(state=ParcelState.CLAIMED).exists(), why="the record")
        peer.hold = True
        worker.deliverer.slice_size.learn(1, 60.0)
        accept_mail(alice, draft(60, name="more"))
        wait_until(lambda: peer.unanswered == CONNECTIONS, why="a message on each connection")
        peer.hold = False
        wait_until(lambda: len(peer.ledger) == 120, why="all mail", seconds=20)


def record_slices(deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record the sizes of the slices that the transport gets."""
    sizes: list[int] = []
    send = deliverer.transport.send_slice

    def send_slice(envelopes: list[Envelope], guard: Guard, **options: Any) -> list[Result]:
        sizes.append(len(envelopes))
        return send(envelopes, guard, **options)

    monkeypatch.setattr(deliverer.transport, "send_slice", send_slice)
    return sizes


def test_after_a_slow_slice_the_next_ones_still_use_all_connections(
    alice: Account, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "TRIP_SECONDS", 60)
    sizes = record_slices(deliverer, monkeypatch)
    set_boottime(monkeypatch, Clock(step=0.02))
    accept_mail(alice, draft(60))
    deliverer.deliver_due(seconds=20)
    assert sum(sizes) == 60
    assert sizes[0] == 32
    assert set(sizes[1:-1]) <= {CONNECTIONS, CONNECTIONS + 1}


class Clock:
    """A clock that advances by `step` seconds with each reading, and whenever `now` is changed."""

    def __init__(self, *, step: float = 0.0) -> None:
        self.now, self.step = 1000.0, step

    def read(self) -> float:
        self.now += self.step
        return self.now


def set_boottime(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Let the deadline of a slice follow this clock."""
    for module in (cargo, deliver, guard):
        monkeypatch.setattr(module, "boottime", clock.read)


# --- composing --------------------------------------------------------------------------------------------------------


@pytest.fixture
def slow_composing(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Advance the clock of the slice's deadline with each composed message, and return the clock."""
    clock, compose = Clock(), Composer.compose
    set_boottime(monkeypatch, clock)

    def take_long(composer: Composer, *arguments: Any, **options: Any) -> Envelope:
        clock.now += clock.step_of_composing  # type: ignore[attr-defined]
        return compose(composer, *arguments, **options)

    monkeypatch.setattr(Composer, "compose", take_long)
    return clock


@further
@pytest.mark.parametrize(("seconds", "at_a_time"), [(0.5, 3), (1.0, 2), (4.0, 1)])
def test_mail_that_takes_long_to_compose_is_sent_a_few_at_a_time(
    alice: Account,
    deliverer: Deliverer,
    peer: CountingPeer,
    slow_composing: Clock,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    at_a_time: int,
) -> None:
    """Composing all of it would take the slice's whole deadline, after which no message may be begun."""
    slow_composing.step_of_composing = seconds  # type: ignore[attr-defined]
    sizes = record_slices(deliverer, monkeypatch)
    accept_mail(alice, draft(10))
    deliverer.deliver_due(seconds=20)
    assert len(peer.ledger) == 10
    assert max(sizes) == at_a_time


@further
def test_a_slow_template_makes_slices_smaller_and_no_slice_expires_unsent(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that is rendered as a whole may take long by itself, so the clock is read after each of them."""
    clock, texts_for = Clock(), DynamicSource.texts_for
    set_boottime(monkeypatch, clock)

    def take_long(source: DynamicSource, personal: Mapping[str, Any]) -> tuple[str, ...]:
        clock.now += next(seconds)
        return texts_for(source, personal)

    monkeypatch.setattr(DynamicSource, "texts_for", take_long)
    sizes = record_slices(deliverer, monkeypatch)
    template = VersionContent.objects.create(account=alice, is_dynamic=True, html="<p>{{name}}</p>")
    # After some brisk messages the clock is still read after each.
    for brisk, each, at_a_time in ((8, 0.4, 12), (0, 0.4, 4), (0, 2.0, 1), (0, 4.0, 1)):
        seconds = chain(repeat(0.0, brisk), repeat(each))
        sizes.clear()
        peer.ledger.clear()
        accept_mail(alice, replace(draft(16), template=template.pk))
        deliverer.deliver_due(seconds=20)
        assert len(peer.ledger) == 16, each
        assert max(sizes) == at_a_time, "composing stops at half of the deadline"
        assert 0 not in sizes, "every slice sends what it has composed"


# --- slow mail and other mail -----------------------------------------------------------------------------------------


def test_a_reply_after_a_silence_is_late_and_so_are_the_next_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(guard, "time", SimpleNamespace(monotonic=clock.read))
    hold, note = SimpleNamespace(glance=lambda _: {}), SimpleNamespace(note_begun=None, note_result=bool)
    slice_guard = SliceGuard(hold, note, [], 0.0)  # type: ignore[arg-type]
    clock.now += 10  # connections open slowly
    assert slice_guard.may_take()
    for message_id, seconds, polls in ((1, 0.1, 1), (2, 0.9, 3), (3, 5.0, 1), (4, 5.0, 20), (5, 0.1, 1)):
        for _ in range(polls):
            clock.now += seconds / polls
            slice_guard.poll()
        slice_guard.note_result(Result(message_id, (Sent(),)))
    assert slice_guard.late == [4, 5], "before the third it was this process that did nothing"
    assert slice_guard.waited == pytest.approx(4.85)
    assert not slice_guard.may_take(), "what else there is goes with the next slice"


def test_a_batch_is_slow_until_its_mail_is_fast_again_or_some_time_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(slice_size, "monotonic", clock.read)
    batches = SlowBatches()
    batches.learn(sent={1, 2, 3}, slow={2, 3})
    assert batches.find() == [2, 3]
    batches.learn(sent={3}, slow=set())
    assert batches.find() == [2]
    clock.now += slice_size.SLOW_FOR_SECONDS + 1
    assert batches.find() == []


def test_no_more_batches_are_remembered_than_a_claim_can_leave_out() -> None:
    batches = SlowBatches()
    batches.learn(sent=set(), slow=range(slice_size.SLOW_BATCHES + 7))
    assert len(batches.find()) == slice_size.SLOW_BATCHES


@contextmanager
def two_processes(peer: CountingPeer, *, slow: int) -> Iterator[None]:
    """Return two worker processes that know of a slow batch."""
    Node.objects.create(name="here", concurrency=2)
    with DeliveringThread(peer, timeout_seconds=60) as first, DeliveringThread(peer, timeout_seconds=60) as second:
        for worker in (first, second):
            worker.deliverer.slow.learn(sent=set(), slow={slow})
        yield


@further
def test_mail_of_others_is_sent_while_slow_mail_is_under_way(
    alice: Account, charlie: Account, peer: CountingPeer
) -> None:
    """Slow mail never occupies all worker processes."""
    batch = create_batch(alice)
    peer.holds = "slow"
    with two_processes(peer, slow=batch.pk):
        for _ in range(5):
            accept_mail(alice, draft(60, batch_id=batch.public_id, name="slow"))
        wait_until(lambda: peer.unanswered == CONNECTIONS, why="slow mail under way")
        for n in range(3):
            accept_mail(charlie, draft(1, name=f"single{n}-"))
            accept_mail(charlie, draft(60, name=f"bulk{n}-"))
            wait_until(lambda: len(peer.ledger) == 61 * (n + 1), why="mail of others")  # noqa: B023
        # The last one may be stored without a reply yet.
        wait_until(lambda: peer.unanswered == CONNECTIONS, why="the slow mail alone")
        peer.holds = None
        wait_until(lambda: count_batch(batch.pk).sent == 300, why="the slow mail, too", seconds=30)
    assert peer.doubled == []


def test_a_slow_message_makes_its_batch_slow_and_no_other(
    alice: Account, charlie: Account, peer: CountingPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    results, note_result = list[Result](), SliceGuard.note_result
    polls, poll = list[Signal](), SliceGuard.poll
    monkeypatch.setattr(
        SliceGuard, "note_result", lambda guard, result: results.append(result) or note_result(guard, result)
    )
    monkeypatch.setattr(SliceGuard, "poll", lambda guard: polls.append(poll(guard)) or polls[-1])
    for module in (deliver, guard):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.read, sleep=time.sleep))
    batch = create_batch(alice)
    accept_mail(alice, draft(3, batch_id=batch.public_id, name="slow"))
    accept_mail(charlie, draft(12))
    peer.holds = "slow"
    with DeliveringThread(peer, timeout_seconds=60) as worker:
        # A message that is pipelined after a slow one waits for it.
        wait_until(lambda: len(results) >= 12 - 3, why="the other mail")
        for _ in range(2):
            polls.clear()
            wait_until(lambda: len(polls) >= 2, why="a silence")
            clock.now += 2
        peer.holds = None
        wait_until(lambda: batch.pk in worker.deliverer.slow.find(), why="its batch to be known as slow")
        accept_mail(charlie, draft(3, name="more"))
        wait_until(lambda: worker.deliverer.slow.find() == [batch.pk], why="the other one to show that it is not")


def slow_and_other_mail(alice: Account, charlie: Account, deliverer: Deliverer) -> None:
    batch = create_batch(alice)
    accept_mail(alice, draft(3, batch_id=batch.public_id, name="slow"))
    accept_mail(charlie, draft(3, name="other"))
    deliverer.slow.learn(sent=set(), slow={batch.pk})


def test_after_slow_mail_had_its_turn_other_mail_goes_first(
    alice: Account, charlie: Account, peer: CountingPeer, deliverer: Deliverer
) -> None:
    slow_and_other_mail(alice, charlie, deliverer)
    deliverer.deliver_due(seconds=5)
    assert [name[:4] for name in peer.recipients] == ["slow"] * 3 + ["othe"] * 3
    slow_and_other_mail(alice, charlie, deliverer)
    deliverer.deliver_due(seconds=5)
    assert [name[:4] for name in peer.recipients[6:]] == ["othe"] * 3 + ["slow"] * 3


def test_slow_mail_is_sent_batch_by_batch(alice: Account, charlie: Account, deliverer: Deliverer) -> None:
    """Each batch must show by itself whether it is slow; beside another, it might only be waiting for that one."""
    batches = [create_batch(account) for account in (alice, charlie)]
    for batch in batches:
        accept_mail(batch.account, draft(3, batch_id=batch.public_id))
    deliverer.slow.learn(sent=set(), slow={batch.pk for batch in batches})
    claims = deliverer.claim_next()
    assert len(claims) == 2
    assert len(Trip(deliverer, claims).cut()) == 1


def test_single_mail_does_not_wait_for_a_long_trip_to_end(
    alice: Account, charlie: Account, peer: CountingPeer, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trip ends after its time, and its unsent mail is claimed after more urgent mail."""
    monkeypatch.setattr(deliver, "TRIP_SECONDS", 0)
    send, deliverer.slice_size.size = deliverer.transport.send_slice, 20

    def send_slice(envelopes: list[Envelope], guard: Guard, **options: Any) -> list[Result]:
        if not peer.ledger:
            accept_mail(charlie, draft(1, name="single"))
        return send(envelopes, guard, **options)

    monkeypatch.setattr(deliverer.transport, "send_slice", send_slice)
    accept_mail(alice, draft(60))
    deliverer.deliver_due(seconds=60)
    assert len(peer.ledger) == 61
    assert peer.recipients[20] == "single0@example.com"


# --- sharing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "shared"), [(0.0001, False), (0.1, True)])
def test_long_work_is_shared_with_idle_processes_and_short_work_is_not(
    alice: Account,
    peer: CountingPeer,
    deliverer: Deliverer,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    shared: bool,
) -> None:
    Node.objects.create(name="here", concurrency=3)
    hinted: list[tuple[Lane, int]] = []
    monkeypatch.setattr("batches.hints.hint_due", lambda *hint: hinted.append(hint))
    deliverer.slice_size.learn(1, seconds)
    accept_mail(alice, draft(90))
    hinted.clear()
    deliverer.deliver_claims(deliverer.claim_next())
    assert len(peer.ledger) == (30 if shared else 90)
    assert hinted == ([(Lane.BULK, 2)] if shared else [])
    assert Parcel.objects.filter(state=ParcelState.DUE).count() == len(hinted) * 2
    deliverer.deliver_due(seconds=5)
    assert len(peer.ledger) == 90
    assert peer.doubled == []


def test_fast_mail_is_not_shared_and_causes_no_query(
    alice: Account, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batches.hints.count_idle", lambda: pytest.fail("a statement for nothing"))
    deliverer.slice_size.learn(2000, 0.2)
    monkeypatch.setattr(SliceSize, "learn", lambda *_, **__: None)
    for _ in range(3):
        accept_mail(alice, draft(500))
    assert deliverer.deliver_due(seconds=20) == 1500


# --- the lane ---------------------------------------------------------------------------------------------------------


def of_size(kilobytes: int, *, recipients: int = 1, attached: bool = False) -> MailDraft:
    text = "x" * kilobytes * 1024
    small = draft(1)
    (personalization,) = small.personalizations
    several = personalization._replace(cc=tuple(Address(f"cc{n}@example.com") for n in range(recipients - 1)))
    if attached:
        return replace(small, personalizations=(several,), attachments=(Attachment(text, "a.bin"),))
    return replace(small, personalizations=(several,), content=(ContentPart("text/plain", text),))


LANES = (
    (draft(1), Lane.TRANSACTIONAL),
    (draft(49), Lane.TRANSACTIONAL),
    (draft(50), Lane.BULK),
    (of_size(900), Lane.TRANSACTIONAL),
    (of_size(1100), Lane.BULK),
    (of_size(900, attached=True), Lane.TRANSACTIONAL),
    (of_size(1100, attached=True), Lane.BULK),
    (of_size(100, recipients=5), Lane.TRANSACTIONAL),
    (of_size(100, recipients=15), Lane.BULK),
)


def test_big_mail_is_sent_by_the_bulk_lane_the_bytes_of_all_recipients_together(alice: Account) -> None:
    for number, (mail, lane) in enumerate(LANES):
        accept_mail(alice, mail)
        assert Parcel.objects.latest("pk").lane == lane, f"mail {number}"
    assert Parcel.objects.count() == len(LANES)


@further
def test_big_mail_does_not_delay_another_accounts_single_mail(
    alice: Account, charlie: Account, peer: CountingPeer, deliverer: Deliverer
) -> None:
    for _ in range(3):
        accept_mail(alice, of_size(1100))
    accept_mail(charlie, draft(1, name="single"))
    deliverer.deliver_due(seconds=5)
    assert peer.recipients[0] == "single0@example.com"
    assert len(peer.ledger) == 4
