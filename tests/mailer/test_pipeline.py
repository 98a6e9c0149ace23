"""Test the way of a message: accept, plan, admit, deliver, record and sweep, on PostgreSQL and a real peer."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from structlog.testing import capture_logs

from accounts.models import Account
from batches.admit import admit_batch
from batches.claims import Claimer
from batches.counts import Counts, count_batch
from batches.handles import create_batch
from batches.models import Batch, BatchTotals, Parcel, Worker
from batches.states import BatchStatus, Lane, ParcelState
from batches.stop.control import resume_batch, stop_batch
from batches.sweep import Watch, fold_final
from foundation.clock import database_now
from mailer.compose.mime import Composer
from mailer.draft import Address, ContentPart, MailDraft, Personalization
from mailer.models import Event, EventKind, Mail, Message
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.sweep import rescue, sweep
from mailer.transports.base import Envelope
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import few_by_default, further
from tests.outcomes import stored_events
from tests.peer import CountingPeer

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def batch(alice: Account) -> Batch:
    """Create an open batch of Alice."""
    return create_batch(alice)


@pytest.fixture
def scheduled_batch(alice: Account, batch: Batch) -> Batch:
    """Create a batch with 600 messages due in an hour, in two parcels."""
    accept_mail(alice, draft(600, batch_id=batch.public_id, send_at=database_now() + HOUR))
    return batch


def stop(batch: Batch, status: BatchStatus) -> None:
    stop_batch(batch.account, batch.public_id, status, actor="test", allowed_from=set(BatchStatus))


def resume(batch: Batch) -> None:
    resume_batch(batch.account, batch.public_id, actor="test")


def nonzero(counts: Counts) -> dict[str, int]:
    """Return the counts that are not zero, without `accepted`."""
    return {name: n for name in Counts.__slots__ if (n := getattr(counts, name)) and name != "accepted"}


def test_mail_for_now_reaches_the_peer(alice: Account, batch: Batch, peer: CountingPeer, deliverer: Deliverer) -> None:
    accept_mail(alice, draft(600, batch_id=batch.public_id))
    assert deliverer.deliver_due(seconds=20) == 600
    assert sorted(peer.recipients) == sorted(f"to{n}@example.com" for n in range(600))
    assert nonzero(count_batch(batch.pk)) == {"sent": 600}
    bodies = {message_from_bytes(taken.data, policy=policy.default)["To"]: taken for taken in peer.ledger}
    assert b"Hello 7\r\n" in bodies["to7@example.com"].data


def test_mail_without_a_batch_goes_into_the_hidden_one(
    alice: Account, peer: CountingPeer, deliverer: Deliverer
) -> None:
    accept_mail(alice, draft(1))
    accept_mail(alice, draft(1))
    deliverer.deliver_due(seconds=5)
    assert len(peer.ledger) == 2
    assert Batch.objects.filter(account=alice, is_default=True).count() == 1


def test_the_message_id_begins_with_the_id_that_the_caller_got(
    alice: Account, peer: CountingPeer, deliverer: Deliverer
) -> None:
    accepted = accept_mail(alice, draft(1))
    deliverer.deliver_due(seconds=5)
    assert peer.ledger[0].message_id.startswith(f"{accepted.public_id}.")
    assert peer.ledger[0].message_id.endswith("@sluice.test")


def test_scheduled_mail_waits_for_its_time(
    scheduled_batch: Batch, peer: CountingPeer, deliverer: Deliverer, clock: Clock
) -> None:
    admit_batch(scheduled_batch.pk)
    sweep()
    assert deliverer.deliver_due(seconds=1) == 0
    assert nonzero(count_batch(scheduled_batch.pk)) == {"scheduled": 600}
    clock.advance(hours=1)
    admit_batch(scheduled_batch.pk)
    assert deliverer.deliver_due(seconds=20) == 600
    assert len(peer.ledger) == 600


def test_the_sweeper_finds_a_wave_whose_hint_was_lost(
    scheduled_batch: Batch, deliverer: Deliverer, clock: Clock
) -> None:
    clock.advance(hours=1)
    assert sweep()["admit_overdue"] == 1
    assert deliverer.deliver_due(seconds=20) == 600


@further
def test_a_paused_batch_is_retained_and_sent_when_resumed(
    scheduled_batch: Batch, peer: CountingPeer, deliverer: Deliverer, clock: Clock
) -> None:
    stop(scheduled_batch, BatchStatus.PAUSED)
    clock.advance(hours=2)
    admit_batch(scheduled_batch.pk)
    assert deliverer.deliver_due(seconds=1) == 0
    assert nonzero(count_batch(scheduled_batch.pk)) == {"retained": 600}
    resume(scheduled_batch)
    assert sweep()["admit_retained"] == 1
    assert deliverer.deliver_due(seconds=20) == 600
    assert len(peer.ledger) == 600


@further
def test_a_paused_batch_expires_72_hours_after_send_at(
    scheduled_batch: Batch, peer: CountingPeer, deliverer: Deliverer, clock: Clock
) -> None:
    stop(scheduled_batch, BatchStatus.PAUSED)
    clock.advance(hours=72.9)
    sweep()
    assert nonzero(count_batch(scheduled_batch.pk)) == {"retained": 600}
    clock.advance(hours=0.2)
    sweep()
    assert nonzero(count_batch(scheduled_batch.pk)) == {"expired": 600}
    resume(scheduled_batch)
    sweep()
    assert deliverer.deliver_due(seconds=1) == 0
    assert peer.ledger == []


def test_a_cancelled_batch_is_discarded_at_send_at(
    scheduled_batch: Batch, peer: CountingPeer, deliverer: Deliverer, clock: Clock
) -> None:
    stop(scheduled_batch, BatchStatus.CANCELLED)
    sweep()
    assert nonzero(count_batch(scheduled_batch.pk)) == {"scheduled": 600}
    clock.advance(hours=1)
    sweep()
    assert nonzero(count_batch(scheduled_batch.pk)) == {"discarded": 600}
    resume(scheduled_batch)
    sweep()
    assert deliverer.deliver_due(seconds=1) == 0
    assert peer.ledger == []


@further
def test_a_cancel_taken_back_before_send_at_revives_the_mail(
    scheduled_batch: Batch, deliverer: Deliverer, clock: Clock
) -> None:
    stop(scheduled_batch, BatchStatus.CANCELLED)
    resume(scheduled_batch)
    clock.advance(hours=1)
    sweep()
    assert deliverer.deliver_due(seconds=20) == 600


def test_mail_for_now_into_a_paused_batch_is_accepted_and_retained(
    alice: Account, batch: Batch, peer: CountingPeer, deliverer: Deliverer
) -> None:
    stop(batch, BatchStatus.PAUSED)
    accept_mail(alice, draft(3, batch_id=batch.public_id))
    deliverer.deliver_due(seconds=1)
    assert peer.ledger == []
    assert nonzero(count_batch(batch.pk)) == {"retained": 3}


@pytest.mark.parametrize("whose", few_by_default(["alice", "parent"], "parent"))
def test_a_freeze_holds_an_account_and_its_subusers(
    alice: Account, charlie: Account, peer: CountingPeer, deliverer: Deliverer, whose: str
) -> None:
    alice.parent = charlie
    alice.frozen_at = database_now() if whose == "alice" else None
    alice.save()
    Account.objects.filter(pk=charlie.pk).update(frozen_at=database_now() if whose == "parent" else None)
    accept_mail(alice, draft(3))
    deliverer.deliver_due(seconds=1)
    sweep()
    assert peer.ledger == []
    Account.objects.update(frozen_at=None)
    sweep()
    assert deliverer.deliver_due(seconds=5) == 3


def test_a_refused_message_is_final_and_its_neighbours_are_not_harmed(
    alice: Account, batch: Batch, peer: CountingPeer, deliverer: Deliverer
) -> None:
    peer.replies["to1@example.com"] = "550 5.1.1 no such user"
    accept_mail(alice, draft(3, batch_id=batch.public_id))
    deliverer.deliver_due(seconds=5)
    assert nonzero(count_batch(batch.pk)) == {"sent": 2, "refused": 1}
    event = Event.objects.get(kind=EventKind.REFUSED)
    assert event.reply == "550 5.1.1 no such user"
    assert Message.objects.get(pk=event.message_id).recipient == "to1@example.com"


def test_a_deferred_message_is_tried_again_until_its_end_of_life(
    alice: Account, batch: Batch, peer: CountingPeer, deliverer: Deliverer, clock: Clock
) -> None:
    peer.replies["to1@example.com"] = "451 4.7.1 later"
    accept_mail(alice, draft(3, batch_id=batch.public_id))
    deliverer.deliver_due(seconds=5)
    assert nonzero(count_batch(batch.pk)) == {"sent": 2, "scheduled": 1}
    clock.advance(seconds=django_settings.RETRY_FIRST_SECONDS + 1)
    sweep()
    deliverer.deliver_due(seconds=5)
    assert nonzero(count_batch(batch.pk)) == {"sent": 2, "scheduled": 1}
    clock.advance(hours=73)
    sweep()
    deliverer.deliver_due(seconds=5)
    assert nonzero(count_batch(batch.pk)) == {"sent": 2, "refused": 1}
    assert len(peer.ledger) == 2


@further
def test_a_deferred_message_is_sent_once_the_peer_takes_it(
    alice: Account, batch: Batch, peer: CountingPeer, deliverer: Deliverer, clock: Clock
) -> None:
    peer.replies["to1@example.com"] = "451 4.7.1 later"
    accept_mail(alice, draft(3, batch_id=batch.public_id))
    deliverer.deliver_due(seconds=5)
    del peer.replies["to1@example.com"]
    clock.advance(seconds=django_settings.RETRY_FIRST_SECONDS + 1)
    sweep()
    assert deliverer.deliver_due(seconds=5) == 1
    assert nonzero(count_batch(batch.pk)) == {"sent": 3}
    assert peer.doubled == []


@further
def test_of_several_recipients_only_the_deferred_ones_are_tried_again(
    alice: Account, batch: Batch, peer: CountingPeer, deliverer: Deliverer, clock: Clock
) -> None:
    peer.replies["slow@example.com"] = "451 later"
    several = Personalization(
        to=(Address("a@example.com"), Address("slow@example.com")), bcc=(Address("b@example.com"),)
    )
    plain = draft(1, batch_id=batch.public_id)
    accept_mail(
        alice,
        MailDraft(
            sender=plain.sender,
            content=plain.content,
            subject="x",
            personalizations=(several,),
            batch_id=plain.batch_id,
        ),
    )
    deliverer.deliver_due(seconds=5)
    assert sorted(peer.recipients) == ["a@example.com", "b@example.com"]
    assert nonzero(count_batch(batch.pk)) == {"sent": 1}
    del peer.replies["slow@example.com"]
    clock.advance(seconds=django_settings.RETRY_FIRST_SECONDS + 1)
    sweep()
    deliverer.deliver_due(seconds=5)
    assert sorted(peer.recipients) == ["a@example.com", "b@example.com", "slow@example.com"]
    assert count_batch(batch.pk).accepted == count_batch(batch.pk).sent == 1
    assert peer.doubled == []


def test_a_peer_that_is_down_uses_up_no_attempt(
    alice: Account, batch: Batch, peer: CountingPeer, deliverer: Deliverer
) -> None:
    accept_mail(alice, draft(3, batch_id=batch.public_id))
    peer.close()
    assert deliverer.deliver_due(seconds=2) == 0
    assert nonzero(count_batch(batch.pk)) == {"due": 3}
    assert Event.objects.count() == 0


def test_a_session_lost_while_composing_uses_up_no_attempt(
    alice: Account, batch: Batch, peer: CountingPeer, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_session(_: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(pg_backend_pid())")

    accept_mail(alice, draft(3, batch_id=batch.public_id))
    with monkeypatch.context() as patch:
        patch.setattr(deliverer.composers, "get", lose_session)
        assert deliverer.deliver_due(seconds=5) == 0
    assert nonzero(count_batch(batch.pk)) == {"due": 3}
    assert deliverer.deliver_due(seconds=5) == 3
    assert nonzero(count_batch(batch.pk)) == {"sent": 3}


def test_a_dead_workers_parcel_is_taken_over_and_only_its_open_slice_is_in_doubt(
    alice: Account, batch: Batch, peer: CountingPeer, deliverer: Deliverer
) -> None:
    accept_mail(alice, draft(60, batch_id=batch.public_id))
    dead = Claimer()
    (claim,) = dead.claim_next(Lane.BULK)
    Parcel.objects.filter(pk=claim.parcel_id).update(slice_no=1, slice_from=10, slice_to=20)
    watch = Watch(lease_seconds=0)
    assert rescue(watch) == 1
    assert Worker.objects.get(pk=dead.worker_id).dead_at is not None
    assert nonzero(count_batch(batch.pk)) == {"due": 50, "in_doubt": 10}
    deliverer.deliver_due(seconds=10)
    assert nonzero(count_batch(batch.pk)) == {"sent": 50, "in_doubt": 10}
    assert len(peer.ledger) == 50
    assert len(stored_events(EventKind.IN_DOUBT)) == 10


def test_a_worker_that_looks_again_within_its_lease_is_not_dead(alice: Account) -> None:
    accept_mail(alice, draft(3))
    claimer = Claimer()
    claims = claimer.claim_next(Lane.TRANSACTIONAL)
    watch = Watch(lease_seconds=0.0)
    watch.lease_seconds = 1e9
    assert watch.mark_dead() == []
    claimer.glance([claims[0].parcel_id])
    watch.lease_seconds = 0.001
    assert watch.mark_dead() == [], "a new look starts the lease again"


def test_a_look_between_the_observers_two_reads_and_its_mark_wins(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept_mail(alice, draft(3))
    claimer = Claimer()
    (claim,) = claimer.claim_next(Lane.TRANSACTIONAL)
    mark = Watch._mark

    def mark_after_a_look(watch: Watch, worker: int) -> bool:
        claimer.glance([claim.parcel_id])
        return mark(watch, worker)

    monkeypatch.setattr(Watch, "_mark", mark_after_a_look)
    assert Watch(lease_seconds=0).mark_dead() == []
    assert Worker.objects.get(pk=claimer.worker_id).dead_at is None


def test_totals_survive_folding(alice: Account, batch: Batch, peer: CountingPeer, deliverer: Deliverer) -> None:
    peer.replies["to1@example.com"] = "550 no"
    accept_mail(alice, draft(5, batch_id=batch.public_id))
    deliverer.deliver_due(seconds=5)
    before = count_batch(batch.pk)
    fold_final()
    assert BatchTotals.objects.get(pk=batch.pk).accepted == 5
    assert count_batch(batch.pk) == before
    fold_final()
    assert count_batch(batch.pk) == before


def test_mail_for_another_accounts_batch_is_not_stored(alice: Account, charlie: Account, batch: Batch) -> None:
    from batches.errors import UnknownBatch

    with pytest.raises(UnknownBatch):
        accept_mail(charlie, draft(1, batch_id=batch.public_id))
    assert Mail.objects.count() == Message.objects.count() == Parcel.objects.count() == 0


@further
def test_history_is_pruned_when_it_is_old_and_not_before(
    scheduled_batch: Batch, deliverer: Deliverer, clock: Clock
) -> None:
    clock.advance(hours=1)
    sweep()
    deliverer.deliver_due(seconds=20)
    counts = count_batch(scheduled_batch.pk)
    clock.advance(hours=2)
    sweep()
    assert Parcel.objects.count() == 2
    clock.advance(hours=24 * django_settings.HISTORY_DAYS)
    sweep()
    assert Parcel.objects.count() == Mail.objects.count() == 0
    assert count_batch(scheduled_batch.pk) == counts


def test_one_accounts_million_messages_do_not_delay_anothers_single_mail(alice: Account, charlie: Account) -> None:
    for _ in range(3):
        accept_mail(alice, draft(2000))
    accept_mail(charlie, draft(60))
    claimer = Claimer()
    first, second = claimer.claim_next(Lane.BULK), claimer.claim_next(Lane.BULK)
    assert {claim.account_id for claim in (*first, *second)} == {alice.pk, charlie.pk}


def test_small_parcels_are_claimed_together(alice: Account) -> None:
    for _ in range(30):
        accept_mail(alice, draft(1))
    claimer = Claimer()
    sizes = []
    while claims := claimer.claim_next(Lane.TRANSACTIONAL):
        sizes.append(len(claims))
    assert sum(sizes) == 30
    assert max(sizes) > 10
    assert Parcel.objects.filter(state=ParcelState.CLAIMED).count() == 30


def test_big_mail_is_sent_a_few_messages_at_a_time(
    alice: Account, batch: Batch, peer: CountingPeer, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slice is composed before it is sent, and five hundred copies of thirty megabytes do not fit into memory."""
    monkeypatch.setattr("mailer.pipeline.cargo.SLICE_BYTES", 2000)
    sizes = []
    send = deliverer.transport.send_slice
    monkeypatch.setattr(
        deliverer.transport,
        "send_slice",
        lambda envelopes, guard, **options: sizes.append(len(envelopes)) or send(envelopes, guard, **options),
    )
    accept_mail(alice, replace(draft(8, batch_id=batch.public_id), content=(ContentPart("text/plain", "x" * 900),)))
    deliverer.deliver_due(seconds=5)
    assert len(peer.ledger) == 8
    assert max(sizes) == 2


def test_a_text_that_substitutions_blow_up_is_refused(
    alice: Account, batch: Batch, peer: CountingPeer, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.compose.template.LONGEST", 5000)
    bomb = replace(draft(2, batch_id=batch.public_id), content=(ContentPart("text/plain", "-n-" * 2501),))
    first, second = bomb.personalizations
    bomb = replace(bomb, personalizations=(first._replace(substitutions={"-n-": "xx"}), second))
    accept_mail(alice, bomb)
    deliverer.deliver_due(seconds=5)
    assert nonzero(count_batch(batch.pk)) == {"sent": 1, "refused": 1}
    assert peer.recipients == ["to1@example.com"]


def test_a_message_that_cannot_be_composed_is_refused_and_logged_without_content(
    alice: Account, batch: Batch, peer: CountingPeer, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose = Composer.compose

    def compose_badly(composer: Composer, message_id: int, recipient: str, *args: Any, **kwargs: Any) -> Envelope:
        envelope = compose(composer, message_id, recipient, *args, **kwargs)
        if recipient == "to0@example.com":
            raise ValueError("secret of to0@example.com")
        return envelope._replace(data=b"X: secret\n" * (recipient == "to1@example.com") + envelope.data)

    accept_mail(alice, draft(3, batch_id=batch.public_id))
    monkeypatch.setattr(Composer, "compose", compose_badly)
    with capture_logs() as logs:
        deliverer.deliver_due(seconds=5)
    assert nonzero(count_batch(batch.pk)) == {"sent": 1, "refused": 2}
    assert peer.recipients == ["to2@example.com"]
    replies = Event.objects.filter(kind=EventKind.REFUSED).order_by("message_id").values_list("message_id", "reply")
    (first, uncomposed), (second, malformed) = replies
    assert uncomposed == "cannot be composed: ValueError"
    assert malformed.startswith("554 5.6.0 not sent, because the message is malformed: ")
    stored = Event.objects.order_by("message_id").values_list("is_encrypted", flat=True)
    assert list(stored) == [None, None, False], "only the last message was sent to a peer, which has no TLS"
    assert [(log["event"], log["message"]) for log in logs] == [
        ("message cannot be composed", first),
        ("malformed message refused", second),
    ]
    assert "secret" not in str(logs)
    assert "@" not in str(logs)
