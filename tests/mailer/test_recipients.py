"""Messages to several recipients: each gets one outcome and one copy, whichever worker dies or stop comes."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Account, DoubtPolicy
from batches.admit import admit_batch
from batches.counts import count_batch
from batches.handles import create_batch
from batches.models import Batch, Parcel
from batches.states import BatchStatus
from batches.stop.control import resume_batch, stop_batch
from batches.sweep import Watch
from mailer.draft import Address, MailDraft, Personalization
from mailer.in_hand import Selection, Why, list_in_hand, replay
from mailer.models import EventKind, Message
from mailer.outcomes.reading import OUTCOMES
from mailer.pipeline import deliver
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.cargo import load_messages
from mailer.pipeline.deliver import Deliverer
from mailer.pipeline.note import HandoverNote
from mailer.queries import states_of
from mailer.sweep import rescue, sweep
from mailer.transports.base import Begun
from mailer.transports.smtp import SmtpAddress, SmtpTransport, limits
from tests.conftest import Clock
from tests.database import empty_tables
from tests.drafts import draft
from tests.examples import few_by_default
from tests.fleet import DeliveringThread
from tests.mailer.transports.strict import TAKEN, StrictPeer
from tests.outcomes import stored_events
from tests.peer import CountingPeer
from tests.waiting import wait_until
from tests.worker_process import worker_process

DOUBT = Selection(Why.IN_DOUBT)


def to_many(batch: Batch, *counts: int) -> MailDraft:
    """Return a mail with one message for each count of recipients; no address is in two messages."""
    plain = draft(1, batch_id=batch.public_id)
    personalizations = tuple(
        Personalization(to=tuple(Address(f"m{message}-{n}@example.com") for n in range(count)))
        for message, count in enumerate(counts)
    )
    return MailDraft(
        sender=plain.sender,
        subject=plain.subject,
        content=plain.content,
        personalizations=personalizations,
        batch_id=plain.batch_id,
    )


def outcomes_in_events() -> dict[str, set[EventKind]]:
    """Return the kinds of each recipient's outcomes, without doubts that were resolved.

    An event without a recipient is about all recipients of its message.
    """
    kinds: dict[str, set[EventKind]] = {}
    loads = load_messages(list(Message.objects.values_list("pk", flat=True)))
    for event in stored_events(*OUTCOMES):
        for recipient in loads[event.message_id].everyone if event.recipient is None else (event.recipient,):
            known = kinds.setdefault(recipient, set())
            known.add(EventKind(event.kind))
            if event.kind == EventKind.DEFERRED and event.fence == 0:
                known.discard(EventKind.IN_DOUBT)
    return kinds


@pytest.fixture
def batch(alice: Account) -> Batch:
    return create_batch(alice)


# --- a worker that dies between two transactions ----------------------------------------------------------------------


@pytest.fixture
def small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit transactions to three recipients."""
    monkeypatch.setattr(limits, "RECIPIENTS", 3)


@pytest.mark.large
def test_a_worker_killed_between_two_transactions_of_a_message_loses_and_doubles_nobody(
    alice: Account, batch: Batch, peer: CountingPeer
) -> None:
    size, taken = limits.RECIPIENTS, 1
    accept_mail(alice, to_many(batch, 4 * size))
    peer.hold_after = taken
    with worker_process(peer) as worker:
        wait_until(lambda: len(peer.ledger) == taken * size and peer.held, why="the next transaction")
        worker.kill()
    peer.hold_after = None
    wait_until(lambda: peer.unanswered == 0, why="what was under way")
    rescue(Watch(lease_seconds=0))
    counts = count_batch(batch.pk)
    assert (counts.sent, counts.in_doubt) == (1, 0), "some had it, and the rest is a remainder"
    with DeliveringThread(peer):
        wait_until(lambda: not Parcel.objects.filter(finalized_at=None).exists(), why="the rest")
    assert peer.doubled == []
    kinds = Counter(frozenset(each) for each in outcomes_in_events().values())
    assert kinds == {frozenset({EventKind.SENT}): 3 * size, frozenset({EventKind.IN_DOUBT}): size}
    assert len(peer.ledger) == 4 * size
    assert [trace.state for trace in list_in_hand(alice, Why.IN_DOUBT, limit=9)[0]] == ["sent"]
    assert replay(alice, DOUBT, actor="test").affected == 1
    with DeliveringThread(peer):
        wait_until(lambda: not Parcel.objects.filter(finalized_at=None).exists(), why="the replay")
    assert len(peer.ledger) == 5 * size, "a person has those in doubt sent again, and nobody else"


@pytest.mark.parametrize("status", [BatchStatus.PAUSED, BatchStatus.CANCELLED])
@pytest.mark.parametrize("taken", few_by_default([0, 1, 3], 1))
def test_a_stop_between_two_transactions_of_a_message_is_exact(
    alice: Account, batch: Batch, peer: CountingPeer, taken: int, status: BatchStatus, small_transactions: None
) -> None:
    accept_mail(alice, to_many(batch, 12))
    peer.hold_after, peer.hold_at = taken, "MAIL"
    with DeliveringThread(peer, connections=1):
        wait_until(lambda: len(peer.ledger) == 3 * taken and peer.held, why="the pause between two")
        receipt = stop_batch(alice, batch.public_id, status, actor="test", allowed_from={BatchStatus.OPEN})
        peer.hold_after = None
        assert receipt.is_settled
        assert (receipt.sent, receipt.stopped, receipt.in_doubt) == (taken > 0, taken == 0, 0)
        wait_until(
            lambda: (
                sweep()
                and Parcel.objects.exclude(finalized_at=None, state__in=[1, 2]).count() == Parcel.objects.count()
            ),
            why="the verdict on the rest",
        )
        assert len(peer.ledger) == 3 * taken
        resume_batch(alice, batch.public_id, actor="test", allowed_from={status})
        if status == BatchStatus.PAUSED:
            wait_until(lambda: sweep() and len(peer.ledger) == 12, why="the rest after the resume")
            wait_until(lambda: count_batch(batch.pk).sent == 1, why="the record")
    assert peer.doubled == []


# --- any outcomes, any deaths, any stops ------------------------------------------------------------------------------


class Died(BaseException):
    pass


class MoodyPeer(StrictPeer):
    """A peer that answers at random while `is_moody`."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(errors=3, room=chance.choice([2, 3, 1000]))
        self.chance = chance
        self.is_moody = True

    def judge(self, address: str, recipients: list[str]) -> tuple[bytes, bool]:
        mood = self.chance.random() if self.is_moody else 1.0
        if mood < 0.2:
            return b"451 4.7.1 later\r\n", True
        if mood < 0.25:
            return b"550 5.1.1 nobody\r\n", True
        if mood < 0.3:
            return (b"", False) if mood < 0.28 else (b"503 5.5.1 what?\r\n", False)
        return super().judge(address, recipients)

    def judge_body(self) -> bytes:
        mood = self.chance.random() if self.is_moody else 1.0
        if mood < 0.15:
            return b""
        return b"451 4.3.0 later\r\n" if mood < 0.2 else b"550 5.7.1 spam\r\n" if mood < 0.22 else TAKEN


class Mortal:
    """A worker that dies at a random moment: before or after a line of its note, or before it records.

    Its memory is lost then.
    """

    def __init__(self, url: str, chance: random.Random, patch: pytest.MonkeyPatch) -> None:
        self.chance = chance
        self.moments_left = 10**9
        transport = SmtpTransport(SmtpAddress.parse(url), connections=chance.choice([1, 3]), timeout_seconds=5)
        self.deliverer = Deliverer(transport)
        write, record = HandoverNote.note_begun, deliver.record_slice

        def note_begun(note: HandoverNote, *begun: Begun) -> bool:
            self.live_on()
            is_noted = write(note, *begun)
            self.live_on()
            return is_noted

        def record_or_die(outcomes: Any) -> Any:
            self.live_on()
            return record(outcomes)

        patch.setattr(HandoverNote, "note_begun", note_begun)
        patch.setattr(deliver, "record_slice", record_or_die)

    def live_on(self) -> None:
        self.moments_left -= 1
        if self.moments_left < 0:
            raise Died

    def deliver(self, *, until_it_dies: bool) -> None:
        self.moments_left = self.chance.randrange(12) if until_it_dies else 10**9
        try:
            self.deliverer.deliver_due(seconds=2)
        except Died:
            rescue(Watch(lease_seconds=0))


@pytest.fixture
def mortal_scenarios(
    database: None, clock: Clock, monkeypatch: pytest.MonkeyPatch, small_transactions: None
) -> Iterator[Any]:
    """Return a function that runs a scenario, which is given by its seed and the account's policy."""

    def run(seed: int, policy: DoubtPolicy) -> None:
        chance = random.Random(seed)
        account = Account.objects.create(username=f"moody-{seed}", doubt_policy=policy)
        batch, peer = create_batch(account), MoodyPeer(chance)
        accept_mail(account, to_many(batch, *(chance.randrange(1, 12) for _ in range(3))))
        with peer.running() as url, monkeypatch.context() as patch:
            worker = Mortal(url, chance, patch)
            for _ in range(6):
                worker.deliver(until_it_dies=chance.random() < 0.6)
                move_on(account, batch, clock, chance)
            peer.is_moody = False
            for _ in range(4):
                worker.deliver(until_it_dies=False)
                clock.advance(hours=2)
                admit_batch(batch.pk)
            worker.deliverer.close()
        check(batch, peer, policy, f"seed {seed}")
        empty_tables()

    return run


def move_on(account: Account, batch: Batch, clock: Clock, chance: random.Random) -> None:
    """Let time pass, and perhaps stop the batch for a while."""
    if chance.random() < 0.2:
        receipt = stop_batch(
            account, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from={BatchStatus.OPEN}
        )
        assert receipt.is_settled
        assert receipt.sent + receipt.stopped + receipt.in_doubt + count_batch(batch.pk).refused == 3
        admit_batch(batch.pk)
        resume_batch(account, batch.public_id, actor="test")
    clock.advance(hours=chance.choice([0, 2]))
    admit_batch(batch.pk)


def check(batch: Batch, peer: MoodyPeer, policy: DoubtPolicy, why: str) -> None:
    kinds = outcomes_in_events()
    loads = load_messages(list(Message.objects.values_list("pk", flat=True)))
    assert not Parcel.objects.filter(finalized_at=None).exists(), why
    for load in loads.values():
        for each in load.everyone:
            ended = kinds.get(each, set()) - {EventKind.DEFERRED}
            doubts = len(stored_events(EventKind.IN_DOUBT)) if EventKind.IN_DOUBT in kinds[each] else 0
            if policy == DoubtPolicy.HOLD:
                assert len(ended) == 1, (why, each, ended)
                possible = {EventKind.SENT: {1}, EventKind.REFUSED: {0}, EventKind.IN_DOUBT: {0, 1}}[ended.pop()]
                assert peer.copies[each] in possible, (why, each, doubts)
            else:
                assert EventKind.SENT in ended or EventKind.REFUSED in ended, (why, each)
                assert peer.copies[each] >= (EventKind.SENT in ended), (why, each)
    sent_to_all = [event.message_id for event in stored_events(EventKind.SENT) if event.recipient is None]
    assert len(sent_to_all) == len(set(sent_to_all)), why
    counts, states = count_batch(batch.pk), Counter(states_of(list(loads)).values())
    assert counts.sent == states["sent"], why
    assert counts.sent + counts.refused + counts.in_doubt == counts.accepted == 3, why


@pytest.mark.parametrize("moods", few_by_default([1, 4], 1))
@pytest.mark.parametrize("policy", list(DoubtPolicy))
def test_each_recipient_has_one_outcome_and_the_peer_agrees(
    mortal_scenarios: Any, policy: DoubtPolicy, moods: int
) -> None:
    for seed in range(int(os.environ.get("MOODS", moods))):
        mortal_scenarios(seed, policy)
