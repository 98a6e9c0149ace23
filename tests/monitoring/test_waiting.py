"""Each batch with mail that is due and unsent has exactly one reason, and it is the first one that applies."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from batches.admit import admit_batch
from batches.claims import Claimer, Slice
from batches.handles import create_batch, default_batch
from batches.models import Batch, Node, Parcel, Worker, WorkerReport
from batches.states import FINAL_STATES, BatchStatus, Lane, ParcelState
from batches.stop.control import resume_batch, stop_batch
from batches.stop.freeze import freeze_account, freeze_installation, thaw_account, thaw_installation
from campaigns.lifecycle import send_now
from campaigns.models import AccountTerms, Campaign
from foundation.clock import Now, database_now
from mailer.pipeline.accept import accept_mail
from mailer.sweep import sweep
from monitoring.waiting import PARCELS_READ, Reason, WaitKind, why_waiting
from tests.campaigns.building import expand_all, ready_campaign, sweep_campaigns
from tests.conftest import Clock
from tests.drafts import draft
from tests.examples import further

MINUTE = dt.timedelta(minutes=1)


def batch_of(account: Account, messages: int = 3, *, is_scheduled: bool = False) -> Batch:
    """Create a batch with mail that is due, or due in an hour."""
    batch = create_batch(account)
    send_at = database_now() + dt.timedelta(hours=1) if is_scheduled else None
    accept_mail(account, draft(messages, batch_id=batch.public_id, send_at=send_at))
    return batch


def reason_of(batch: Batch) -> Reason:
    return why_waiting([batch])[batch.pk]


def kind_of(batch: Batch) -> str:
    return reason_of(batch).kind


def start_node() -> None:
    Node.objects.create(name="node@here", concurrency=2, seen_at=database_now() + MINUTE / 12)


def report_of(worker_id: int, **report: Any) -> None:
    """Write the report of a worker process, which is made if it does not exist. It counts as new for a minute."""
    Worker.objects.get_or_create(id=worker_id, defaults={"node": "node@here"})
    WorkerReport.objects.update_or_create(
        worker_id=worker_id, defaults={"node": "node@here", "at": database_now() + MINUTE, "error": "", **report}
    )
    Worker.objects.update(seen_at=database_now() + MINUTE)


def claim_all(*lanes: Lane) -> Claimer:
    """Let a worker be in the middle of a slice with everything that is due."""
    claimer = Claimer()
    claims = claimer.claim_next(*lanes or Lane, messages=10_000)
    claimer.look([Slice(claim, 0, claim.size) for claim in claims])
    return claimer


# --- the precedence ---------------------------------------------------------------------------------------------------


def test_each_reason_gives_way_to_the_next_one(alice: Account, clock: Clock) -> None:
    parent = Account.objects.create(username="parent")
    Account.objects.filter(pk=alice.pk).update(parent=parent)
    alice.refresh_from_db()
    batch = batch_of(alice)
    held_parcel = parcel_of(batch, ParcelState.HELD, due_at=database_now() - MINUTE)
    held_parcel.save()
    other = batch_of(alice)
    Parcel.objects.filter(batch=other).update(due_at=database_now() - MINUTE)
    freeze_installation(actor="test", reason="")
    freeze_account(parent, actor="test", reason="")
    freeze_account(alice, actor="test", reason="")
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="test", allowed_from=set(BatchStatus))
    assert reason_of(batch) == Reason(WaitKind.FROZEN, "The installation is frozen.")
    thaw_installation(actor="test", reason="")
    assert reason_of(batch).text == "The account parent, to which its account belongs, is frozen."
    thaw_account(parent, actor="test", reason="")
    assert reason_of(batch).text == "The account alice is frozen."
    thaw_account(alice, actor="test", reason="")
    assert reason_of(batch) == Reason(WaitKind.PAUSED, "It is paused.")
    resume_batch(alice, batch.public_id, actor="test")
    assert kind_of(batch) == WaitKind.HELD
    held_parcel.delete()
    sweep()  # releases what was retained
    assert kind_of(batch) == WaitKind.NO_WORKER
    start_node()
    now = database_now()
    report_of(1, error="no connection: connection refused", error_at=now)
    assert reason_of(batch).kind == WaitKind.PEER_AWAY
    assert "connection refused" in reason_of(batch).text
    report_of(1, error_at=None, slow_batches=[batch.pk])
    assert kind_of(batch) == WaitKind.PEER_SLOW
    report_of(1, slow_batches=[])
    assert reason_of(batch) == Reason(WaitKind.QUEUE, "3 messages of its account are before it.")
    claimer = claim_all()
    assert kind_of(batch) == WaitKind.SENDING
    report_of(claimer.worker_id, silent_since=now - MINUTE)
    assert kind_of(batch) == WaitKind.PEER_SILENT
    assert reason_of(batch).text.startswith("The peer has not answered for 6")
    report_of(claimer.worker_id, silent_since=None, slow_batches=[batch.pk])
    assert kind_of(batch) == WaitKind.PEER_SLOW
    report_of(claimer.worker_id, slow_batches=[])
    assert kind_of(batch) == WaitKind.SENDING
    Parcel.objects.update(state=ParcelState.DONE, sent=3, worker_id=None, finalized_at=Now())
    assert why_waiting([batch, other]) == {}


def test_cancelled_mail_is_not_reported_as_frozen(alice: Account) -> None:
    """The gate's own order: a cancelled batch is discarded, whatever is frozen."""
    batch = batch_of(alice)
    freeze_account(alice, actor="test", reason="")
    Batch.objects.filter(pk=batch.pk).update(status=BatchStatus.CANCELLED, stopped_at=Now())
    assert kind_of(batch) == WaitKind.CANCELLED


def test_a_pause_says_when_it_ends(alice: Account) -> None:
    batch = batch_of(alice)
    until = dt.datetime(2100, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    Batch.objects.filter(pk=batch.pk).update(status=BatchStatus.PAUSED, stopped_at=Now(), paused_until=until)
    assert reason_of(batch).text == "It is paused until 2100-01-02 03:04:05 UTC."


def test_mail_for_later_and_ended_mail_has_no_reason(alice: Account) -> None:
    scheduled, empty = batch_of(alice, is_scheduled=True), create_batch(alice)
    stop_batch(alice, scheduled.public_id, BatchStatus.PAUSED, actor="test", allowed_from=set(BatchStatus))
    assert why_waiting([scheduled, empty, default_batch(alice)]) == {}


def test_mail_without_a_batch_has_a_reason_too(alice: Account) -> None:
    accept_mail(alice, draft(1))
    assert kind_of(default_batch(alice)) == WaitKind.NO_WORKER


def test_a_silent_node_and_one_without_delivering_processes_are_no_workers(alice: Account, clock: Clock) -> None:
    batch = batch_of(alice)
    start_node()
    assert kind_of(batch) == WaitKind.QUEUE
    clock.advance(seconds=21)
    assert kind_of(batch) == WaitKind.NO_WORKER
    Node.objects.update(seen_at=Now(), concurrency=0)
    assert kind_of(batch) == WaitKind.NO_WORKER


def test_mail_that_becomes_due_is_about_to_be_released(alice: Account, clock: Clock) -> None:
    batch = batch_of(alice, is_scheduled=True)
    clock.advance(hours=1.01)
    start_node()
    assert kind_of(batch) == WaitKind.RELEASE
    admit_batch(batch.pk)
    assert reason_of(batch) == Reason(WaitKind.QUEUE, "It is the next to be sent.")


def test_a_retry_says_when(alice: Account) -> None:
    batch = batch_of(alice)
    retry_at = dt.datetime(2100, 1, 1, 12, tzinfo=dt.UTC)
    Parcel.objects.update(state=ParcelState.SCHEDULED, due_at=retry_at, attempts=1)
    assert reason_of(batch) == Reason(
        WaitKind.RETRY, "The peer refused it temporarily. It is tried again at 2100-01-01 12:00:00 UTC."
    )


def test_the_queue_counts_messages_of_the_account_and_accounts_in_turn(alice: Account, charlie: Account) -> None:
    start_node()
    now = database_now()
    batches = [batch_of(alice, 10), batch_of(alice, 5), batch_of(charlie, 1)]
    for minutes, batch in zip((9, 5, 1), batches, strict=True):
        Parcel.objects.filter(batch=batch).update(due_at=now - minutes * MINUTE)
    texts = [why_waiting(batches)[batch.pk].text for batch in batches]
    assert texts == [
        "It is the next of its account; 2 accounts take turns.",
        "10 messages of its account are before it; 2 accounts take turns.",
        "It is the next of its account; 2 accounts take turns.",
    ]


def test_a_long_queue_is_not_counted_to_its_end(alice: Account, monkeypatch: Any) -> None:
    monkeypatch.setattr("monitoring.waiting.QUEUE_READ", 3)
    start_node()
    first, last = batch_of(alice, 1), batch_of(alice, 1)
    due_at = database_now() - MINUTE
    rows = [parcel_of(first, ParcelState.DUE, due_at=due_at, lane=Lane.TRANSACTIONAL) for _ in range(5)]
    Parcel.objects.bulk_create(rows)
    assert reason_of(last).text == "3 or more messages of its account are before it."


# --- campaigns --------------------------------------------------------------------------------------------------------


def launched(account: Account, **fields: Any) -> tuple[Campaign, Batch]:
    campaign = send_now(account, ready_campaign(account, **fields).pk)
    assert campaign.launch is not None
    return campaign, campaign.launch.batch


def test_a_campaign_waits_for_its_audience_and_then_for_its_rate(alice: Account, clock: Clock) -> None:
    clock.stop()
    start_node()
    _, batch = launched(alice, rate_per_minute=60)
    assert kind_of(batch) == WaitKind.AUDIENCE
    expand_all()
    sweep_campaigns()
    assert reason_of(batch) == Reason(WaitKind.RATE, "It sends at most 60 messages a minute.")
    AccountTerms.objects.create(account=alice, rate_per_minute=30)
    assert reason_of(batch).text == "Its account sends at most 30 messages a minute."
    clock.advance(seconds=20)
    Node.objects.update(seen_at=Now())
    assert kind_of(batch) == WaitKind.QUEUE, "what has been due for so long does not wait for its pace"


@further
def test_a_campaign_without_workers_does_not_wait_for_its_rate(alice: Account, clock: Clock) -> None:
    _, batch = launched(alice, rate_per_minute=60)
    expand_all()
    clock.advance(seconds=1)
    sweep()
    first = Parcel.objects.filter(batch=batch).order_by("due_at").first()
    assert first is not None
    Parcel.objects.filter(pk=first.pk).update(due_at=database_now() - MINUTE)
    assert kind_of(batch) == WaitKind.NO_WORKER


def test_a_campaign_waits_for_its_window(alice: Account, clock: Clock) -> None:
    start_node()
    now, hour = database_now(), dt.timedelta(hours=1)
    opens, closes = (f"{moment:%H:%M}" for moment in (now - hour, now + hour))
    window = {"time_zone": "UTC", "weekdays": [1, 2, 3, 4, 5, 6, 7], "from": opens, "to": closes}
    _, batch = launched(alice, window=window)
    expand_all()
    tomorrow = now + 23 * hour
    Parcel.objects.filter(batch=batch).update(state=ParcelState.SCHEDULED, send_at=tomorrow, due_at=tomorrow)
    clock.advance(hours=2)
    opening = f"{tomorrow:%Y-%m-%d} {opens}:00"
    assert reason_of(batch) == Reason(WaitKind.WINDOW, f"Its sending window is closed until {opening} UTC.")


def test_a_campaign_with_local_time_waits_for_its_next_zone(alice: Account, clock: Clock) -> None:
    start_node()
    campaign, batch = launched(alice)
    expand_all()
    later = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
    Parcel.objects.filter(batch=batch).update(state=ParcelState.SCHEDULED, send_at=later, due_at=later)
    assert reason_of(batch) == Reason(WaitKind.LATER, "Its next mail is due at 2100-01-01 00:00:00 UTC.")
    Campaign.objects.filter(pk=campaign.pk).update(spread_seconds=3600)
    assert reason_of(batch).text == "It is spread over 60 minutes."


# --- every batch ------------------------------------------------------------------------------------------------------


def parcel_of(batch: Batch, state: ParcelState, **fields: Any) -> Parcel:
    """Return a parcel with one message that is in this state."""
    now = database_now()
    values = {"send_at": fields.get("due_at", now), "due_at": now, "base": 1, "size": 1, "lane": Lane.BULK} | fields
    if state in FINAL_STATES:
        values |= {"finalized_at": now, "sent": int(state == ParcelState.DONE)}
    if state == ParcelState.CLAIMED:
        values |= {"worker_id": 1}
    return Parcel(batch=batch, account_id=batch.account_id, state=state, **values)


def test_every_batch_with_due_and_unsent_mail_has_exactly_one_reason(alice: Account, charlie: Account) -> None:
    """Random parcels, statuses and freezes. The reason of a batch does not depend on the others that are asked for."""
    start_node()
    chance, now = random.Random(18), database_now()
    Account.objects.filter(pk=charlie.pk).update(frozen_at=now)
    statuses = [BatchStatus.OPEN, BatchStatus.OPEN, BatchStatus.PAUSED, BatchStatus.CANCELLED]
    batches: list[Batch] = []
    parcels: list[Parcel] = []
    for number in range(60):
        status = chance.choice(statuses)
        stopped_at = None if status == BatchStatus.OPEN else now
        account = chance.choice([alice, alice, charlie])
        batches.append(Batch(account=account, public_id=f"b{number}", status=status, stopped_at=stopped_at))
    Batch.objects.bulk_create(batches)
    for batch in batches:
        for _ in range(chance.randrange(4)):
            send_at = now + chance.choice([-2, -1, 1]) * MINUTE
            state = chance.choice(list(ParcelState))
            if send_at > now and state not in FINAL_STATES:
                state = ParcelState.SCHEDULED
            is_retry = state == ParcelState.SCHEDULED and send_at < now and chance.random() < 0.5
            due_at = now + 5 * MINUTE if is_retry else send_at
            parcels.append(parcel_of(batch, state, send_at=send_at, due_at=due_at))
    Parcel.objects.bulk_create(parcels)
    expected = {
        parcel.batch_id for parcel in parcels if parcel.state not in FINAL_STATES and parcel.send_at <= database_now()
    }
    with CaptureQueriesContext(connection) as statements:
        reasons = why_waiting(batches)
    assert len(statements) <= 3
    assert set(reasons) == expected
    assert 20 < len(expected) < 60
    assert len({reason.kind for reason in reasons.values()}) >= 6
    assert all(reason.text.endswith(".") for reason in reasons.values())
    for batch in batches[::5]:
        assert why_waiting([batch]).get(batch.pk) == reasons.get(batch.pk)


def test_ended_mail_that_is_not_folded_hides_no_due_mail(alice: Account) -> None:
    start_node()
    batch = create_batch(alice)
    now = database_now()
    ended = [parcel_of(batch, ParcelState.DONE, due_at=now - 2 * MINUTE) for _ in range(2 * PARCELS_READ)]
    Parcel.objects.bulk_create([*ended, parcel_of(batch, ParcelState.DUE, due_at=now - MINUTE)])
    assert kind_of(batch) == WaitKind.QUEUE
