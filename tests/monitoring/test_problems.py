"""Test the list of problems: each kind appears with its figures, and ends with its cause."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import Account
from audience.models import Job, JobKind, JobStatus
from batches.claims import Claimer
from batches.handles import create_batch
from batches.models import Batch, Installation, Node, Parcel, Worker
from batches.states import BatchStatus, ParcelState
from batches.states import Lane as BatchLane
from batches.stop.control import stop_batch
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from events.models import Delivery, Dialect, Endpoint, Lane
from events.webhooks.endpoints import create_endpoint, disable, enable
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from mailer.sweep import sweep
from monitoring.problems import Kind, Problem, Severity, list_problems
from monitoring.scope import EVERYTHING, scope_of
from tests.campaigns.building import campaign_in
from tests.conftest import Clock
from tests.drafts import draft
from tests.events.deliveries import store_deliveries

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def node(clock: Clock) -> Node:
    """Stop the clock, since the tests go close to limits, and create a node that is at work."""
    clock.stop()
    return Node.objects.create(name="node-1", concurrency=2)


@pytest.fixture
def batch(alice: Account, node: Node) -> Batch:
    """Create a batch of Alice with three due messages."""
    batch = create_batch(alice)
    Batch.objects.filter(pk=batch.pk).update(label="May sale")
    accept_mail(alice, draft(3, batch_id=batch.public_id))
    return batch


def problems(account: Account | None = None) -> dict[Kind, Problem]:
    listed = list_problems(EVERYTHING if account is None else scope_of(account))
    assert listed == sorted(listed, key=lambda problem: problem.severity is not Severity.CRITICAL)
    return {problem.kind: problem for problem in listed}


def beat(node: Node) -> None:
    Node.objects.filter(pk=node.pk).update(seen_at=database_now())


def test_without_trouble_there_are_no_problems(alice: Account, batch: Batch) -> None:
    assert list_problems(EVERYTHING) == list_problems(scope_of(alice)) == []


def test_a_silent_node_is_named_with_the_mail_that_its_workers_have_claimed(
    alice: Account, batch: Batch, node: Node, clock: Clock
) -> None:
    Node.objects.create(name="node-2", concurrency=2)
    claimer = Claimer()
    for lane in BatchLane:
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
    problem = problems()[Kind.HELD]
    assert problem.text.startswith("3 messages of alice must be replayed or dropped.")
    assert problem.link.query == {"why": "held", "account": str(alice.pk)}
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
        account=alice,
        kind=JobKind.IMPORT,
        status=JobStatus.FAILED,
        message="The file is empty.",
        finished_at=database_now(),
    )
    Job.objects.create(account=alice, kind=JobKind.IMPORT, status=JobStatus.ERRORED, finished_at=database_now())
    failure = Campaign.objects.get(pk=campaign.pk).failure
    assert problems()[Kind.FAILED_CAMPAIGN].text == f"The campaign News of May of alice failed: {failure}."
    assert problems()[Kind.FAILED_JOB].text == "The import of alice failed: The file is empty."
    assert problems()[Kind.FAILED_JOB].link.arguments == (job.pk,)
    assert set(problems(alice)) == {Kind.FAILED_CAMPAIGN, Kind.FAILED_JOB}
    clock.advance(hours=24.1)
    beat(node)
    assert problems() == {}


def test_an_endpoint_that_fails_and_one_that_sluice_has_disabled_are_named(
    alice: Account, charlie: Account, node: Node, clock: Clock
) -> None:
    failing = create_endpoint(alice, Dialect.NATIVE, "https://shop:s3cret@hooks.example.com/1?token=t0ken")
    others = [create_endpoint(alice, Dialect.NATIVE, f"https://example.com/{number}") for number in range(3)]
    Endpoint.objects.filter(pk=failing.pk).update(failing_since=database_now())
    for lane_number, events in ((1, 7), (0, 5)):
        Delivery.objects.filter(pk=store_deliveries(failing, events=events).pk).update(lane_number=lane_number)
    clock.advance(seconds=590)
    beat(node)
    assert problems() == {}
    clock.advance(seconds=20)
    beat(node)
    text = "The endpoint “hooks.example.com” of alice fails. It still has to get 12 events or more."
    for listed in (problems(), problems(alice)):
        assert listed[Kind.FAILING_ENDPOINT].text == text
        assert listed[Kind.FAILING_ENDPOINT].link.arguments == (failing.pk,)
        assert listed[Kind.FAILING_ENDPOINT].since is not None
    assert problems(charlie) == {}
    # One body that is never accepted, while others are.
    Lane.objects.filter(endpoint=others[0], number=2).update(failing_since=database_now())
    clock.advance(seconds=660)
    beat(node)
    assert problems()[Kind.FAILING_ENDPOINT].text == f"{text} The same goes for 1 other endpoint."

    disable(others[1])
    assert set(problems()) == {Kind.FAILING_ENDPOINT}
    for endpoint in (failing, others[0], others[2]):
        disable(endpoint, reason="It has failed for 3 days. Last: the response was 500.")
        clock.advance(seconds=1)
    disabled = problems(alice)
    assert set(disabled) == {Kind.DISABLED_ENDPOINT}
    assert problems(charlie) == {}
    assert disabled[Kind.DISABLED_ENDPOINT].text == (
        "Sluice has disabled the endpoint “example.com” of alice: "
        "“It has failed for 3 days. Last: the response was 500.” It has disabled 2 other endpoints within 24 hours."
    )
    enable(failing)
    others[0].delete()
    assert "other" not in problems()[Kind.DISABLED_ENDPOINT].text
    enable(others[2])
    assert problems() == {}
    disable(failing, reason="The receiver has answered that it is gone (410).")
    assert set(problems()) == {Kind.DISABLED_ENDPOINT}
    clock.advance(hours=24.1)
    beat(node)
    assert problems() == {}
