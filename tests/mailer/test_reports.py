"""Test what a worker process reports about its connections, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from batches.models import NodeMinute, Parcel, Worker, WorkerReport
from batches.sweep import forget_workers
from foundation.clock import Now, database_now
from mailer.node import _beat, do_round
from mailer.pipeline import reports
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.pipeline.reports import WorkerReports, without_addresses
from mailer.transports import reply_times
from mailer.transports.reply_times import ReplyTimes
from monitoring import fleet
from monitoring.fleet import connections_in_use, find_peer_trouble, read_processes
from tests.conftest import Clock
from tests.drafts import draft
from tests.fleet import DeliveringThread
from tests.peer import CountingPeer
from tests.waiting import wait_until


@contextmanager
def held_slice(alice: Account, peer: CountingPeer, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeliveringThread]:
    """Let a worker be in the middle of a slice that its peer does not answer, with messages on all four connections."""
    monkeypatch.setattr(reports, "EVERY_SECONDS", 0.05)
    monkeypatch.setattr(fleet, "HANG", dt.timedelta(seconds=0.2))
    peer.hold = True
    accept_mail(alice, draft(12))
    with DeliveringThread(peer) as worker:
        try:
            wait_until(lambda: WorkerReport.objects.filter(connections_used=4).exists())
            yield worker
        finally:
            peer.hold = False


def test_a_process_reports_after_a_slice_and_at_most_once_a_second(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reports.EVERY_SECONDS == 1
    # A busy machine may need more than a second for the mail after the first report.
    monkeypatch.setattr(reports, "EVERY_SECONDS", 60.0)
    accept_mail(alice, draft(6))
    deliverer.deliver_due(seconds=5)
    first = WorkerReport.objects.get()
    assert (first.worker_id, first.connections, first.connections_used) == (deliverer.claimer.worker_id, 4, 4)
    assert 0 < (first.reply_p50 or 0) <= (first.reply_p95 or 0) < 5
    assert first.replied_at is not None
    assert (first.silent_since, first.error, first.error_at, first.slow_batches) == (None, "", None, [])
    for _ in range(3):
        accept_mail(alice, draft(1))
        deliverer.deliver_due(seconds=5)
    assert WorkerReport.objects.get().at == first.at
    deliverer.reports._next_at = 0.0
    deliverer.slow.learn(sent=set(), slow={77})
    accept_mail(alice, draft(1))
    deliverer.deliver_due(seconds=5)
    last = WorkerReport.objects.get()
    assert last.at > first.at
    assert last.connections_used == 1, "of the four that are open"
    assert 77 in last.slow_batches
    assert connections_in_use() == 0, "whatever it reported, it has no claim"


def test_a_peer_that_does_not_answer_is_distinguished_from_an_idle_process(
    alice: Account, peer: CountingPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_slice(alice, peer, monkeypatch) as worker:
        wait_until(find_peer_trouble)
        (trouble,) = find_peer_trouble()
        assert trouble.kind == "hangs"
        (process,) = read_processes()
        assert process.is_hanging
        assert process.claimed == 12
        assert connections_in_use() == 4
        silences, report_waiting = list[float](), WorkerReports.report_waiting

        def note_silence(reports: WorkerReports, worker_id: int, silent_since: float) -> None:
            silences.append(silent_since)
            report_waiting(reports, worker_id, silent_since)

        monkeypatch.setattr(WorkerReports, "report_waiting", note_silence)
        reported = WorkerReport.objects.get()
        wait_until(lambda: len(silences) > 1, why="it goes on reporting while it waits")
        wait_until(lambda: WorkerReport.objects.get().at > reported.at, why="another report")
        later = WorkerReport.objects.get()
        assert later.silent_since is not None
        assert len(set(silences)) == 1, "since the same moment"
        assert worker.deliverer.claimer.worker_id == later.worker_id
        peer.hold = False
        wait_until(lambda: not find_peer_trouble())
        wait_until(lambda: connections_in_use() == 0)


def test_a_dead_process_uses_no_connections(
    alice: Account, peer: CountingPeer, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    with held_slice(alice, peer, monkeypatch):
        assert connections_in_use() == 4
        Worker.objects.update(dead_at=Now())
        assert connections_in_use() == 0, "declared dead"
        Worker.objects.update(dead_at=None)
    wait_until(lambda: len(peer.ledger) == 12)


def test_a_process_that_no_longer_looks_uses_no_connections(alice: Account, deliverer: Deliverer, clock: Clock) -> None:
    accept_mail(alice, draft(3))
    assert deliverer.claim_next()
    Parcel.objects.update(slice_from=0, slice_to=3)
    now = database_now()
    Worker.objects.update(seen_at=now + dt.timedelta(minutes=1))
    WorkerReport.objects.create(
        worker_id=deliverer.claimer.worker_id,
        node="n",
        at=now + dt.timedelta(minutes=1),
        connections=4,
        connections_used=3,
        silent_since=now,
    )
    assert connections_in_use() == 3
    clock.advance(seconds=65)
    WorkerReport.objects.update(at=Now())
    (process,) = read_processes()
    assert process.is_silent
    assert (process.connections, process.connections_used, process.silent_since) == (0, 0, None)


def test_a_peer_that_refuses_connections_is_a_trouble_while_it_is_tried(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    peer.close()
    accept_mail(alice, draft(2))
    deliverer.deliver_due(seconds=5)
    (trouble,) = find_peer_trouble()
    assert (trouble.kind, trouble.text) == ("refuses", "No connection to the peer: no connection: connection refused.")
    clock.advance(seconds=61)
    assert not find_peer_trouble(), "nothing has been tried lately"


def test_a_reply_heard_by_another_process_ends_the_refusal(alice: Account, clock: Clock) -> None:
    now = database_now()
    for number, seen in enumerate(({"error": "no", "error_at": now}, {"replied_at": now - dt.timedelta(seconds=1)})):
        Worker.objects.create(id=number, node="n")
        WorkerReport.objects.create(worker_id=number, node="n", at=now, **seen)
    assert [trouble.kind for trouble in find_peer_trouble()] == ["refuses"]
    WorkerReport.objects.filter(worker_id=1).update(replied_at=now + dt.timedelta(seconds=1))
    assert not find_peer_trouble()


def test_replies_that_take_longer_than_a_slice_are_a_trouble(alice: Account) -> None:
    Worker.objects.create(id=1, node="n")
    WorkerReport.objects.create(worker_id=1, node="n", at=database_now(), reply_p50=0.99, reply_p95=3.0)
    assert not find_peer_trouble()
    WorkerReport.objects.update(reply_p50=1.5)
    (trouble,) = find_peer_trouble()
    assert (trouble.kind, trouble.nodes) == ("slow", ("n",))
    assert "1.5 s" in trouble.text


def test_a_report_names_no_recipient() -> None:
    for reply, shown in (
        ("421 4.7.0 too much mail", "421 4.7.0 too much mail"),
        ("450 <ada@example.com>: busy", "450 [address] busy"),
        ("x to=ada@example.com,bob@example.com", "x [address]"),
    ):
        assert without_addresses(reply) == shown


def test_the_times_of_replies_are_those_of_the_last_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(reply_times, "monotonic", lambda: now)
    times = ReplyTimes()
    assert times.percentiles() is None
    times.end(now - 50)
    now += 59
    for hundredths in range(100):
        times.end(now - (hundredths + 1) / 100)
    assert times.percentiles() == pytest.approx((0.51, 0.96))
    now += 2
    assert times.percentiles() == pytest.approx((0.50, 0.95)), "the first is older than a minute"
    now += 60
    assert times.percentiles() is None


def test_a_report_that_cannot_be_written_stops_nothing(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports.queries, "REPORT", "select 1 from no_such_table")
    accept_mail(alice, draft(2))
    assert deliverer.deliver_due(seconds=5) == 2
    assert len(peer.ledger) == 2


def test_a_node_counts_its_heartbeats_by_the_minute_and_the_sweeper_deletes_old_ones(
    database: None, clock: Clock
) -> None:
    for _ in range(3):
        do_round("node@here", 0)
    rows = NodeMinute.objects.filter(node="node@here")
    assert sum(rows.values_list("beats", flat=True)) == 3
    WorkerReport.objects.create(worker_id=1, node="n", at=database_now())
    forget_workers()
    assert rows.exists()
    assert WorkerReport.objects.exists()
    clock.advance(seconds=3700)
    forget_workers()
    assert not rows.exists()
    assert not WorkerReport.objects.exists()


def test_a_heartbeat_is_one_statement(database: None) -> None:
    with CaptureQueriesContext(connection) as statements:
        _beat("node@here", 2)
    assert len(statements) == 1
