"""Test the whole web server with the product, while it is saturated, killed and stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from accounts.keys import create_key
from accounts.models import Account
from batches.handles import create_batch
from mailer.models import LateEvent, Mail, Message
from mailer.pipeline.accept import accept_mail
from mailer.tracking.tokens import TrackedLink, sealer
from stack import ROOT
from stack.processes import die_with_parent
from stack.programs import is_healthy
from stack.running import free_port
from tests.database import database_url
from tests.drafts import draft
from tests.examples import further
from tests.waiting import wait_until
from tests.web.serving import Client, request

THREADS = 2
SETTINGS = {"WEB_PROCESSES": "1", "WEB_THREADS": str(THREADS), "WEB_WAITING": "1", "WEB_STOP_THREADS": "1"}
CONTACTS = "/v3/marketing/contacts"
"""A path that reads contacts, and so waits while they are locked."""


class Product:
    """A running web server."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def client(self) -> Client:
        return Client(self.port)

    def children(self) -> set[int]:
        pid = self.process.pid
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    def is_healthy(self) -> bool:
        return is_healthy(f"http://127.0.0.1:{self.port}")

    def is_listening(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True


@pytest.fixture
def product(database: None) -> Iterator[Product]:
    port = free_port(0)
    process = subprocess.Popen(
        [sys.executable, "-m", "config.web", "--bind", f"127.0.0.1:{port}"],
        cwd=ROOT,
        env={**os.environ, **SETTINGS, "DATABASE_URL": database_url()},
        preexec_fn=die_with_parent(signal.SIGKILL),
    )
    product = Product(process, port)
    try:
        wait_until(product.is_healthy, seconds=90, why="the web server")
        yield product
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def key(alice: Account) -> dict[str, str]:
    """Return the headers of a caller with all scopes."""
    return {"Authorization": f"Bearer {create_key(alice, 'all')[1]}", "Content_Type": "application/json"}


@contextmanager
def contacts_locked() -> Iterator[psycopg.Connection]:
    """Make reads of contacts wait in the database until the end of the block."""
    with psycopg.connect(database_url()) as lock:
        lock.execute("lock table campaigns_contact")
        yield lock


def waiters(lock: psycopg.Connection) -> int:
    """Return how many sessions wait for a lock of this one."""
    row = lock.execute(
        "select count(*) from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))"
    )
    return int((row.fetchone() or [0])[0])


@pytest.mark.large
def test_a_saturated_web_server_answers_stops_and_finishes_waiting_requests(
    product: Product, alice: Account, key: dict[str, str]
) -> None:
    kill_all_and_see_others(product)
    batch = create_batch(alice)
    with ExitStack() as stack:
        lock = stack.enter_context(contacts_locked())
        waiting = [stack.enter_context(product.client()) for _ in range(THREADS + 1)]
        for client in waiting[:-1]:
            client.send(request("GET", CONTACTS, **key))
        wait_until(lambda: waiters(lock) == THREADS, why="all threads to be taken")
        waiting[-1].send(request("GET", CONTACTS, **key))
        client = stack.enter_context(product.client())
        refused = client.ask("POST", "/v3/mail/batch", **key)
        assert (refused.status, refused.headers["retry-after"]) == (503, "2")
        paused = client.ask("POST", f"/sluice/v1/batches/{batch.public_id}/pause", b"{}", **key)
        assert (paused.status, paused.headers["x-sluice-settled"]) == (200, "true")
        assert product.is_healthy()
        product.process.terminate()
        wait_until(lambda: not product.is_listening(), why="the end of new connections")
        lock.rollback()
        assert [client.reply().status for client in waiting] == [200] * (THREADS + 1)
    assert product.process.wait(30) == 0


@pytest.mark.large
def test_a_stopped_web_server_stores_the_clicks_that_it_has_noted(product: Product, alice: Account) -> None:
    accept_mail(alice, draft(1))
    mail, message = Mail.objects.get(), Message.objects.get()
    link = sealer().seal_link(mail.pk, *TrackedLink("https://shop.example/", 0, is_html=True))
    token = sealer().seal_message(alice.pk, mail.pk, message.pk, 0)
    with product.client() as client:
        # The first request of a process takes longest, and the clicks have to fall into one burst.
        assert client.ask("GET", f"/c/{link}.{token}x").status == 404
        click = request("GET", f"/c/{link}.{token}", User_Agent="Mozilla/5.0 Firefox/128.0")
        client.send(click * 5)
        answers = [client.reply() for _ in range(5)]
    assert {answer.headers["location"] for answer in answers} == {"https://shop.example/"}
    assert not LateEvent.objects.exists(), "clicks wait for the end of a burst"
    product.process.terminate()
    assert product.process.wait(30) == 0
    assert LateEvent.objects.filter(message_id=message.pk, is_machine=False).count() == 5


def kill_all_and_see_others(product: Product) -> None:
    """Kill every child of the supervisor, and wait until others do their work."""
    killed = product.children()
    assert len(killed) == 3
    for child in killed:
        os.kill(child, signal.SIGKILL)
    wait_until(lambda: len(product.children() - killed) == 3, seconds=30, why="others in their place")
    wait_until(product.is_healthy, seconds=30, why="their work")


@further
def test_a_wrong_setting_ends_it_with_one_message() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "config.web"],
        cwd=ROOT,
        env={**os.environ, "WEB_THREADS": "none"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("Start-up failed: ")
    assert "WEB_THREADS" in ended.stderr
    assert "Traceback" not in ended.stderr
