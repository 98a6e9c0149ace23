"""Test the small loop of a node as a separate process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings

from accounts.models import Account
from batches.claims import Claimer
from batches.counts import count_batch
from batches.handles import create_batch
from batches.models import Node
from batches.states import Lane
from batches.sweep import is_stalled
from config.celery import app
from mailer.node import GOODBYE
from mailer.pipeline.accept import accept_mail
from tests.conftest import Clock
from tests.database import database_url
from tests.drafts import draft
from tests.examples import further
from tests.peer import CountingPeer
from tests.waiting import wait_until

NO_BROKER = "redis+socket:///nonexistent/redis.sock?virtual_host=0"


@contextmanager
def node_loop(peer: CountingPeer, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a node with one delivering process, as its worker would start it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mailer.node", "--name", "node@test", "--concurrency", "1"],
        env={**os.environ, "DATABASE_URL": database_url(), "SMTP_URL": peer.url, **environment},
        stdin=subprocess.PIPE,
    )
    assert process.stdin is not None
    try:
        yield process
    finally:
        if not process.stdin.closed:
            process.stdin.close()
        assert process.wait(20) == 0, "it ends with its parent's pipe"


@pytest.mark.large
def test_mail_is_sent_without_a_broker(alice: Account, peer: CountingPeer) -> None:
    batch = create_batch(alice)
    with node_loop(peer, REDIS_URL=NO_BROKER):
        wait_until(
            lambda: Node.objects.filter(name="node@test", concurrency=1).exists(), seconds=30, why="its heartbeat"
        )
        accept_mail(alice, draft(20, batch_id=batch.public_id))
        wait_until(lambda: count_batch(batch.pk).sent == 20, seconds=30, why="the mail")
    assert len(peer.ledger) == 20


@further
def test_mail_that_no_worker_takes_is_delivered_all_the_same(alice: Account, peer: CountingPeer, clock: Clock) -> None:
    """The broker works but has no consumers, as after a restart of Redis, while workers wait to reconnect."""
    batch = create_batch(alice)
    accept_mail(alice, draft(20, batch_id=batch.public_id))
    clock.advance(seconds=3)
    with node_loop(peer):
        wait_until(lambda: count_batch(batch.pk).sent == 20, seconds=30, why="the mail")
    assert len(peer.ledger) == 20
    assert Node.objects.filter(name="node@test").exists(), "a node that has died is looked for"


@pytest.mark.large
def test_a_node_that_is_stopped_on_purpose_takes_its_row_along(alice: Account, peer: CountingPeer) -> None:
    node = Node.objects.filter(name="node@test")
    with node_loop(peer) as process:
        wait_until(node.exists, seconds=30, why="its heartbeat")
        assert process.stdin is not None
        process.stdin.write(GOODBYE)
        process.stdin.close()
    assert not node.exists()


def test_only_unclaimed_waiting_mail_is_a_stall(alice: Account, clock: Clock) -> None:
    accept_mail(alice, draft(1))
    assert not is_stalled()
    clock.advance(seconds=3)
    assert is_stalled()
    Claimer().claim_next(Lane.TRANSACTIONAL)
    accept_mail(alice, draft(1))
    clock.advance(seconds=3)
    assert not is_stalled(), "a worker is at it"


def test_a_worker_process_that_has_grown_is_replaced() -> None:
    """Celery does this, so only the name and the unit (KiB) of the setting can be wrong."""
    assert app.conf.worker_max_memory_per_child == settings.WORKER_MEMORY_MB * 1024 == 1024 * 1024
