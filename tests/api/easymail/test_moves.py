"""Test send, test, schedule, unschedule and cancel: from which status each is allowed, and what it answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from accounts.models import Account
from api.campaign_words import ALLOWED, Dialect, Move, may, word_for
from batches.models import Parcel, Receipt
from campaigns import testing
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from mailer.models import Message
from tests.api.conftest import ApiClient
from tests.api.easymail.calls import CAMPAIGNS, LATER, data, details, made, path_of, refused
from tests.campaigns.building import again, campaign_in, ready_campaign
from tests.examples import few_by_default, further
from tests.fleet import DeliveringThread
from tests.peer import CountingPeer

Status = CampaignStatus
CALLS: dict[Move, tuple[str, str, Any, str]] = {
    Move.EDIT: ("PATCH", "", {"subject": "Other"}, "CAMPAIGN_NOT_EDITABLE"),
    Move.SCHEDULE: ("POST", "/schedule", {"scheduled_at": LATER}, "CAMPAIGN_NOT_SENDABLE"),
    Move.UNSCHEDULE: ("POST", "/unschedule", None, "CAMPAIGN_NOT_UNSCHEDULABLE"),
    Move.SEND_NOW: ("POST", "/send", None, "CAMPAIGN_NOT_SENDABLE"),
    Move.CANCEL: ("POST", "/cancel", None, "CAMPAIGN_NOT_CANCELABLE"),
    Move.DELETE: ("DELETE", "", None, "CAMPAIGN_NOT_DELETABLE"),
}
BECOMES = {
    Move.SCHEDULE: "scheduled",
    Move.UNSCHEDULE: "draft",
    Move.SEND_NOW: "queued",
    Move.CANCEL: "canceled",
}


@pytest.mark.parametrize("status", few_by_default(Status, Status.DRAFT, Status.SENDING))
def test_each_status_allows_the_moves_of_the_table(
    status: CampaignStatus, alice: Account, client_of_alice: ApiClient
) -> None:
    assert set(CALLS) == set(ALLOWED[Dialect.EASYMAIL])
    campaign = campaign_in(alice, status)
    allowed = [move for move in CALLS if status in may(move, Dialect.EASYMAIL)]
    for move in CALLS.keys() - set(allowed):
        method, behind, body, code = CALLS[move]
        refused(client_of_alice.ask(method, path_of(campaign, behind), body), 409, code)
        after = again(campaign)
        assert (after.status, after.subject, after.send_at) == (status, campaign.subject, campaign.send_at)
        assert after.updated_at == campaign.updated_at
    for move in allowed:
        if move is not allowed[0]:
            campaign = campaign_in(alice, status)
        method, behind, body, _ = CALLS[move]
        answer = client_of_alice.ask(method, path_of(campaign, behind), body)
        if move is Move.DELETE:
            assert answer.status_code == 204
        else:
            expected = BECOMES.get(move, word_for(status, Dialect.EASYMAIL))
            assert data(answer)["status"] == expected
            assert data(client_of_alice.get(path_of(campaign)))["status"] == expected


TEXTS = {
    "/cancel": "Campaign cannot be canceled because it is not queued or sending",
    "/unschedule": "Campaign cannot be unscheduled because it is not scheduled",
}


def test_refusals_have_the_documents_texts(
    alice: Account, client_of_alice: ApiClient, subtests: pytest.Subtests
) -> None:
    path = path_of(ready_campaign(alice))
    for behind in TEXTS:
        with subtests.test(behind=behind):
            assert client_of_alice.post(f"{path}{behind}").json()["error"]["message"] == TEXTS[behind]


def test_an_incomplete_campaign_is_neither_sent_nor_scheduled(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = made(client_of_alice, subject=None, list_uuid=None)
    path = path_of(campaign["uuid"])
    for behind, body in (("/send", None), ("/schedule", {"scheduled_at": LATER})):
        error = refused(client_of_alice.post(f"{path}{behind}", body), 422, "CAMPAIGN_NOT_READY")
        assert error["details"] == {"missing": ["subject", "audience"]}
        assert error["details"]["missing"] == campaign["readiness"]["missing"]
    assert data(client_of_alice.get(path))["status"] == "draft"


def test_a_status_is_looked_at_before_readiness(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = campaign_in(alice, Status.SENT)
    Campaign.objects.filter(pk=campaign.pk).update(subject="")
    refused(client_of_alice.post(path_of(campaign, "/send")), 409, "CAMPAIGN_NOT_SENDABLE")


TIMES = {
    "none": {},
    "null": {"scheduled_at": None},
    "naive": {"scheduled_at": "2090-01-31T08:30:00"},
    "past": {"scheduled_at": "2020-01-31T08:30:00Z"},
    "a number": {"scheduled_at": 3_789_534_600},
    "words": {"scheduled_at": "tomorrow"},
    "no such day": {"scheduled_at": "2090-02-31T08:30:00Z"},
    "a day": {"scheduled_at": "2090-01-31"},
    "very far": {"scheduled_at": "9999-12-31T23:59:59-23:59"},
}


@further
def test_an_impossible_time_is_refused(alice: Account, client_of_alice: ApiClient) -> None:
    for status in (Status.DRAFT, Status.SCHEDULED):
        campaign = campaign_in(alice, status)
        for name, body in TIMES.items():
            refusal = details(client_of_alice.post(path_of(campaign, "/schedule"), body))
            assert list(refusal) == ["scheduled_at"], name
            assert again(campaign).send_at == campaign.send_at, name


@further
def test_a_time_with_an_offset_is_returned_in_utc(alice: Account, client_of_alice: ApiClient) -> None:
    path = path_of(ready_campaign(alice), "/schedule")
    for written, shown in (
        ("2090-01-31T09:30:00+01:00", LATER),
        ("2090-01-31t08:30:00.250z", LATER),
        ("2090-02-01T00:00:00-05:00", "2090-02-01T05:00:00Z"),
    ):
        assert data(client_of_alice.post(path, {"scheduled_at": written}))["scheduled_at"] == shown


def test_a_body_is_looked_at_before_the_status(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = campaign_in(alice, Status.CANCELLED)
    details(client_of_alice.post(path_of(campaign, "/schedule"), {}))
    details(client_of_alice.patch(path_of(campaign), {"name": None}))
    details(client_of_alice.patch(path_of(campaign), {"list_uuid": str(campaign.uuid)}))


@contextmanager
def another_change_of(campaign: Campaign) -> Iterator[None]:
    """Lock the row of the campaign on another connection."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute("select from campaigns_campaign where id = %s for update", [campaign.pk])
        try:
            yield
        finally:
            cursor.execute("rollback")
    other.close()


def test_a_transition_in_progress_is_reported_at_once(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    with another_change_of(campaign):
        for method, behind, body, _ in CALLS.values():
            answer = client_of_alice.ask(method, path_of(campaign, behind), body)
            error = refused(answer, 409, "CAMPAIGN_TRANSITION_IN_PROGRESS")
            assert error["message"] == "Another transition is already in progress for this campaign"
            assert answer["Retry-After"] == "1"
        assert data(client_of_alice.get(path_of(campaign)))["status"] == "draft"
        details(client_of_alice.post(path_of(campaign, "/schedule"), {}))


@further
def test_a_cancel_brings_its_receipt(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = campaign_in(alice, Status.SENDING)
    answer = client_of_alice.post(path_of(campaign, "/cancel"), headers={"Idempotency-Key": "once"})
    assert (answer["X-Sluice-Settled"], answer["X-Sluice-Sent"]) == ("true", "0")
    assert Receipt.objects.get(public_id=answer["X-Sluice-Receipt"]).stopped == 3
    replayed = client_of_alice.post(path_of(campaign, "/cancel"), headers={"Idempotency-Key": "once"})
    assert (replayed.content, replayed["X-Sluice-Receipt"]) == (answer.content, answer["X-Sluice-Receipt"])


# --- test mail --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", few_by_default([Status.DRAFT, Status.SENDING, Status.CANCELLED], Status.DRAFT))
def test_test_mail_is_sent_before_the_call_answers(
    status: CampaignStatus, alice: Account, client_of_alice: ApiClient, peer: CountingPeer
) -> None:
    campaign = ready_campaign(alice)
    Campaign.objects.filter(pk=campaign.pk).update(from_name="Acme", reply_to="us@acme.example", preheader="Look <in>")
    if status != Status.DRAFT:
        campaign = campaign_in(alice, status)
    before = again(campaign)
    with DeliveringThread(peer):
        body = {"email": "me@example.com", "language": "pl"}
        answer = client_of_alice.post(path_of(campaign, "/test"), body)
        assert data(answer)["email"] == "me@example.com"
    assert peer.recipients.count("me@example.com") == 1
    after = again(campaign)
    assert (after.status, after.updated_at) == (before.status, before.updated_at)
    if status == Status.DRAFT:
        text = peer.ledger[0].data.decode()
        assert "From: Acme <news@example.com>" in text
        assert "Reply-To: us@acme.example" in text
        assert "Look &lt;in&gt;</div>" in text


def test_a_test_needs_only_subject_sender_and_content(alice: Account, client_of_alice: ApiClient) -> None:
    path = path_of(made(client_of_alice, list_uuid=None, from_identity=None, subject=None)["uuid"], "/test")
    error = refused(client_of_alice.post(path, {"email": "me@example.com"}), 422, "CAMPAIGN_NOT_TESTABLE")
    assert error["details"] == {"missing": ["subject", "sender_identity"]}


def test_test_mail_is_sent_to_one_address(
    alice: Account, client_of_alice: ApiClient, subtests: pytest.Subtests
) -> None:
    campaign = ready_campaign(alice)
    for body in [
        *({}, {"email": None}, {"email": "x"}, {"email": ["me@example.com"]}, {"email": "a@b.example,c@d.example"}),
        {"email": "me@example.com", "language": "polish"},
    ]:
        with subtests.test(body=body):
            assert len(details(client_of_alice.post(path_of(campaign, "/test"), body))) == 1
            assert not Message.objects.exists()


@pytest.mark.parametrize("reply", few_by_default(["550 5.1.1 no such mailbox", "451 4.7.1 later"], "451 4.7.1 later"))
def test_rejected_test_mail_is_reported_and_never_sent(
    reply: str, alice: Account, client_of_alice: ApiClient, peer: CountingPeer
) -> None:
    campaign = ready_campaign(alice)
    peer.replies["me@example.com"] = reply
    with DeliveringThread(peer):
        answer = client_of_alice.post(path_of(campaign, "/test"), {"email": "me@example.com"})
    assert reply in refused(answer, 409, "TEST_SEND_FAILED")["message"]
    assert not Parcel.objects.filter(finalized_at=None).exists()


def test_test_mail_that_no_worker_delivers_is_withdrawn(
    alice: Account, client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testing, "WAIT_SECONDS", 0.05)
    campaign = ready_campaign(alice)
    refused(client_of_alice.post(path_of(campaign, "/test"), {"email": "me@example.com"}), 409, "TEST_SEND_FAILED")
    assert not Parcel.objects.filter(finalized_at=None).exists()


def test_every_path_checks_the_account(
    alice: Account, client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    """A path that names an object of another account gets the answer for an unknown object."""
    theirs = campaign_in(alice, Status.SENDING)
    reads = ["", "/contacts", "/recipients", "/link-clicks"]
    calls = [("GET", behind, None) for behind in reads] + [call[:3] for call in CALLS.values()]
    for method, behind, body in [*calls, ("POST", "/test", {"email": "me@example.com"})]:
        for uuid in (str(theirs.uuid), "nothing"):
            error = refused(
                client_of_charlie.ask(method, f"{CAMPAIGNS}/{uuid}{behind}", body), 404, "RESOURCE_NOT_FOUND"
            )
            assert error["message"] == f"Campaign with UUID '{uuid}' not found"
    assert again(theirs).status == Status.SENDING
    assert data(client_of_charlie.get(CAMPAIGNS)) == []
    assert dt.datetime.fromisoformat(data(client_of_alice.get(path_of(theirs)))["created_at"])
