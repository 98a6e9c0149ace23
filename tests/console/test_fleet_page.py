"""Test the page Fleet: what is wrong is red and says what to do, and the figures are those of the rows."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags

from accounts.models import Account
from batches.claims import Claimer, Slice
from batches.models import Mark, Node, NodeMinute, Worker, WorkerReport
from batches.states import Lane
from foundation.clock import Now, database_now
from foundation.version import VERSION
from mailer.pipeline.accept import accept_mail
from mailer.sweep import BEAT_DUTY
from mailer.tasks import sweep as sweep_from_beat
from monitoring import fleet
from monitoring.fleet import read_fleet
from tests.drafts import draft
from tests.operators import logged_in

FLEET = "/admin/fleet/"


def text_of(operator: Client, path: str = FLEET) -> str:
    return operator.get(path).content.decode()


def sending(node: str, account: Account, **report: Any) -> None:
    """Let a worker process be in the middle of a slice of seven messages, and report it. It stays so for a minute."""
    accept_mail(account, draft(7))
    claimer = Claimer()
    (claim,) = claimer.claim_next(*Lane)
    claimer.look([Slice(claim, 0, 7)])
    soon = database_now() + dt.timedelta(minutes=1)
    Worker.objects.update(seen_at=soon)
    WorkerReport.objects.create(worker_id=claimer.worker_id, node=node, at=soon, **report)


def test_a_healthy_fleet_shows_nodes_connections_and_versions(operator: Client, alice: Account) -> None:
    now = database_now()
    this_minute = now.replace(second=0, microsecond=0)
    Node.objects.create(name="worker@one", concurrency=2)
    for ago, beats in ((1, 60), (2, 58), (3, 20)):
        NodeMinute.objects.create(node="worker@one", minute=this_minute - dt.timedelta(minutes=ago), beats=beats)
    Mark.objects.create(duty=BEAT_DUTY, at=Now())
    sending("worker@one", alice, connections=5, connections_used=3, reply_p50=0.0123, reply_p95=1.5)
    page = text_of(operator)
    assert "12 ms / 1.5 s" in strip_tags(page)
    for shown in ("worker@one", "3 of 5 busy", "Heartbeats in 2 of 10 minutes", "33 % of the heart"):
        assert shown in page, shown
    assert "1 of 2 busy" in page
    assert 'aria-label="What is wrong"' not in page
    assert f"Sluice {VERSION}, PostgreSQL {read_fleet().versions.postgresql}, " in page
    (node,) = read_fleet().nodes
    assert (node.claimed, node.connections_used, node.connections) == (7, 3, 5)


@pytest.mark.usefixtures("database")
def test_what_is_wrong_is_red_and_says_what_to_do(operator: Client, alice: Account) -> None:
    now = database_now()
    Node.objects.create(name="worker@gone", concurrency=2, seen_at=now - dt.timedelta(minutes=50))
    page = text_of(operator)
    assert "The node worker@gone is silent. Its last heartbeat was 50 min ago." in page
    assert "No node with delivering worker processes is alive." in page
    assert "No task of beat has arrived yet." in page
    Node.objects.create(name="worker@here", concurrency=2, seen_at=now + dt.timedelta(minutes=1))
    sweep_from_beat()
    sending("worker@here", alice, silent_since=database_now() - dt.timedelta(hours=3))
    page = text_of(operator, f"{FLEET}?live=1")
    assert "The peer has not answered for 10,80" in page
    assert "One process waits for it." in page
    assert "a firewall drops its replies" in page
    assert "waits for the peer for 10,80" in page
    assert "peer hangs" in page
    assert "No task of beat" not in page
    assert "No node with" not in page


def test_a_broker_that_is_away_is_reported(operator: Client, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(fleet, "_redis", lambda: fleet.client_for("redis://127.0.0.1:1/0", timeout_seconds=0.1))
    page = text_of(operator)
    assert "Redis does not answer." in page
    assert "Redis unknown" in page


@pytest.mark.usefixtures("database")
def test_only_operators_who_may_see_batches_see_the_fleet() -> None:
    with logged_in("oscar", may=()) as client:
        assert client.get(FLEET).status_code == 403


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION
