"""List what needs a person: each kind of problem appears with its figures, and ends with its cause."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import Account
from audience.models import Job, JobKind, JobStatus
from batches.claims import Claimer
from batches.handles import create_batch
from batches.models import Batch, Installation, Node, Parcel, Worker
from batches.states import BatchStatus, Lane, ParcelState
from batches.stop.control import stop_batch
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.sweep import sweep
from monitoring.problems import Kind, Problem, Severity, list_problems
from monitoring.scope import EVERYTHING, scope_of
from tests.campaigns.building import campaign_in
from tests.conftest import Clock
from tests.drafts import draft

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def node(database: None) -> Node:
    """Create a node that is at work."""
    return Node.objects.create(name="node-1", concurrency=2)


@pytest.fixture
def batch(alice: Account, node: Node) -> Batch:
    """Create a batch of Alice with three due messages."""
    batch = create_batch(alice)
    Batch.objects.filter(pk=batch.pk).update(label="May sale")
    accept_mail(alice, draft(3, batch_id=batch.public_id))
    return batch


def problems(account: Account | None = None) -> dict[Kind, Problem]:
    found = list_problems(EVERYTHING if account is None else scope_of(account))
    assert found == sorted(found, key=lambda problem: problem.severity is not Severity.CRITICAL)
    return {problem.kind: problem for problem in found}


def beat(node: Node) -> None:
    Node.objects.filter(pk=node.pk).update(seen_at=database_now())


def test_without_trouble_there_are_no_problems(alice: Account, batch: Batch) -> None:
    assert list_problems(EVERYTHING) == list_problems(scope_of(alice)) == []


def test_a_silent_node_is_named_with_the_mail_that_its_workers_have_claimed(
    alice: Account, batch: Batch, node: Node, clock: Clock
) -> None:
    Node.objects.create(name="node-2", concurrency=2)
    claimer = Claimer()
    for lane in Lane:
        claimer.claim_next(lane)
    Worker.objects.update(node="node-1")
    clock.advance(seconds=20)
    Node.objects.filter(name="node-2").update(seen_at=database_now())
    silent = problems()[Kind.NODE_SILENT]
    assert silent.text == "The node node-1 is silent. Its workers have claimed 3 messages."
    assert silent.since is not None
    assert Kind.NO_WORKER not in problems()
    assert problems(alice) == {}
    Node.objects.filter(name="node-2").update(concurrency=0)
    assert problems()[Kind.NO_WORKER].severity is Severity.CRITICAL


def test_due_mail_that_nothing_stops_waits_too_long(alice: Account, batch: Batch, node: Node, clock: Clock) -> None:
    charlie = Account.objects.create(username="charlie")
    clock.advance(seconds=59)
    beat(node)
    assert problems() == {}
    clock.advance(seconds=2)
    beat(node)
    assert problems()[Kind.OVERDUE].text == "Due mail of alice waits, although nothing stops it."
    assert problems(charlie) == {}
    Account.objects.filter(pk=alice.pk).update(lateness_limit=60)
    assert "later than its limit" in problems(alice)[Kind.LATE].text
    for frozen in (Account.objects.filter(pk=alice.pk), Installation.objects.all()):
        frozen.update(frozen_at=database_now())
        assert problems() == {}
        frozen.update(frozen_at=None)
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="a test", allowed_from=set(BatchStatus))
    assert Kind.OVERDUE not in problems()


def test_mail_in_hand_is_counted(alice: Account, batch: Batch) -> None:
    Parcel.objects.update(state=ParcelState.HELD)
    held = problems()[Kind.HELD]
    assert held.text.startswith("3 messages of alice must be replayed or dropped.")
    assert held.link.query == {"why": "held", "account": str(alice.pk)}
    Parcel.objects.update(state=ParcelState.DONE, in_doubt=2, sent=1, finalized_at=database_now())
    assert problems(alice)[Kind.IN_DOUBT].text.startswith("2 messages of alice must be replayed or dropped.")


def test_retained_mail_expires_soon(alice: Account, batch: Batch, node: Node, clock: Clock) -> None:
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="a test", allowed_from=set(BatchStatus))
    sweep()
    assert Parcel.objects.get().state == ParcelState.RETAINED
    assert problems() == {}
    Batch.objects.update(retention_seconds=3600 * 13)
    assert problems() == {}
    clock.advance(hours=2)
    beat(node)
    expiring = problems()[Kind.EXPIRING]
    assert expiring.text == "3 retained messages of May sale (alice) will expire within 12 hours."
    assert Kind.EXPIRING in problems(alice)
    Batch.objects.update(paused_until=database_now() + HOUR)
    assert problems() == {}
    Batch.objects.update(paused_until=None)
    Account.objects.filter(pk=alice.pk).update(frozen_at=database_now())
    assert problems() == {}


def test_failed_campaigns_and_jobs_are_shown_for_a_day(alice: Account, node: Node, clock: Clock) -> None:
    campaign = campaign_in(alice, CampaignStatus.FAILED)
    job = Job.objects.create(
        account=alice, kind=JobKind.IMPORT, status=JobStatus.FAILED, message="no header", finished_at=database_now()
    )
    Job.objects.create(account=alice, kind=JobKind.IMPORT, status=JobStatus.ERRORED, finished_at=database_now())
    failure = Campaign.objects.get(pk=campaign.pk).failure
    assert problems()[Kind.FAILED_CAMPAIGN].text == f"The campaign News of May of alice failed: {failure}."
    assert problems()[Kind.FAILED_JOB].text == "The import of alice failed: no header."
    assert problems()[Kind.FAILED_JOB].link.arguments == (job.pk,)
    assert set(problems(alice)) == {Kind.FAILED_CAMPAIGN, Kind.FAILED_JOB}
    clock.advance(hours=24.1)
    beat(node)
    assert problems() == {}
