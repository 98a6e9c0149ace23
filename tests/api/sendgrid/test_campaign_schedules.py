"""Test the schedules of legacy campaigns, and their test mail."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from accounts.models import Account
from api.sendgrid.campaigns import views
from batches.models import Receipt
from campaigns.lifecycle import schedule_campaign
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from campaigns.sweep import prepare_campaigns
from foundation.clock import database_now
from mailer.models import Mail, Message
from tests.api.conftest import ApiClient
from tests.api.sendgrid.campaign_calls import NOT_FOUND, in_an_hour, path_of, problems
from tests.campaigns.building import add_sender, again, campaign_in, expand_all, ready_campaign
from tests.examples import few_by_default, further


def test_a_campaign_is_scheduled_rescheduled_unscheduled_and_sent(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    path, at = path_of(campaign, "/schedules"), in_an_hour()

    answer = client_of_alice.post(path, {"send_at": at})
    assert (answer.status_code, answer.json()) == (201, {"id": campaign.pk, "send_at": at, "status": "Scheduled"})
    assert client_of_alice.get(path).json() == {"send_at": at}
    answer = client_of_alice.patch(path, {"send_at": at + 60})
    assert (answer.status_code, answer.json()) == (200, {"id": campaign.pk, "send_at": at + 60, "status": "Scheduled"})
    answer = client_of_alice.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert client_of_alice.get(path_of(campaign)).json()["status"] == "Draft"
    assert client_of_alice.get(path).json() == NOT_FOUND
    answer = client_of_alice.post(f"{path}/now")
    assert (answer.status_code, answer.json()) == (201, {"id": campaign.pk, "status": "Scheduled"})
    assert client_of_alice.get(path_of(campaign)).json()["status"] == "In Progress"


@pytest.mark.parametrize("call", few_by_default(["legacy", "single send", "delete"], "single send"))
def test_unscheduling_a_prepared_campaign_is_a_stop_with_a_receipt(
    call: str, alice: Account, client_of_alice: ApiClient
) -> None:
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, database_now() + dt.timedelta(minutes=1))
    prepare_campaigns()
    expand_all()
    paths = {
        "legacy": path_of(campaign, "/schedules"),
        "single send": f"/v3/marketing/singlesends/{campaign.uuid}/schedule",
        "delete": path_of(campaign),
    }

    answer = client_of_alice.delete(paths[call])

    assert answer.status_code == (200 if call == "single send" else 204)
    assert (answer["X-Sluice-Settled"], answer["X-Sluice-Sent"]) == ("true", "0")
    assert Receipt.objects.get(public_id=answer["X-Sluice-Receipt"]).stopped == 3


def test_every_missing_field_of_an_empty_campaign_is_named(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = Campaign.objects.create(account=alice, title="empty", html_content="<p>no tag</p>")
    errors = [
        ("subject", "subject can't be blank"),
        ("sender_id", "sender_id can't be blank"),
        ("list_ids", "You must select at least 1 segment or 1 list to send to."),
        (
            "suppression_group_id",
            "Either a suppression_group_id or custom_unsubscribe_url is required to send a campaign.",
        ),
        ("unsubscribe_tag", "An [unsubscribe] tag in both your html and plain content is required to send a campaign."),
    ]
    for behind, body in (("/schedules", {"send_at": in_an_hour()}), ("/schedules/now", None)):
        assert problems(client_of_alice.post(path_of(campaign, behind), body), 400) == errors
    Campaign.objects.filter(pk=campaign.pk).update(html_content="", sender=add_sender(alice, is_verified=False))
    answer = client_of_alice.post(path_of(campaign, "/schedules/now"))
    assert problems(answer, 400)[1:3] == [
        ("sender_id", "sender_id is not a verified sender identity"),
        ("plain_content", "plain_content can't be blank, please provide plain text or html content"),
    ]
    assert again(campaign).status == CampaignStatus.DRAFT


def test_the_tag_must_be_in_each_content_there_is(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice, plain_content="no tag")
    answer = client_of_alice.post(path_of(campaign, "/schedules"), {"send_at": in_an_hour()})
    assert [field for field, _ in problems(answer, 400)] == ["unsubscribe_tag"]
    client_of_alice.patch(path_of(campaign), {"plain_content": None})
    assert client_of_alice.post(path_of(campaign, "/schedules"), {"send_at": in_an_hour()}).status_code == 201


@further
def test_a_time_must_be_in_the_future(alice: Account, client_of_alice: ApiClient, subtests: pytest.Subtests) -> None:
    errors = [("send_at", "Please choose a future time for sending your campaign.")]
    draft, scheduled = ready_campaign(alice), campaign_in(alice, CampaignStatus.SCHEDULED)
    for send_at in [None, "1893456000", True, 1.5, -1, 0, 1_400_000_000, 10**300, [1], {"at": 1}]:
        with subtests.test(send_at=send_at):
            assert problems(client_of_alice.post(path_of(draft, "/schedules"), {"send_at": send_at}), 400) == errors
            assert (
                problems(client_of_alice.patch(path_of(scheduled, "/schedules"), {"send_at": send_at}), 400) == errors
            )
            assert problems(client_of_alice.patch(path_of(scheduled, "/schedules"), {}), 400) == errors
            assert again(scheduled).send_at == scheduled.send_at


NOT_DRAFT = [each for each in CampaignStatus if each is not CampaignStatus.DRAFT]


@pytest.mark.parametrize("status", few_by_default(NOT_DRAFT, CampaignStatus.SCHEDULED, CampaignStatus.SENDING))
def test_only_a_draft_can_be_changed_scheduled_or_sent(
    status: CampaignStatus, alice: Account, client_of_alice: ApiClient
) -> None:
    campaign = campaign_in(alice, status)
    for method, behind, body, text in (
        ("PATCH", "", {"title": "x"}, "You may only update a campaign when it is in draft mode."),
        (
            "POST",
            "/schedules",
            {"send_at": in_an_hour()},
            "You cannot POST to a campaign that has already sent or scheduled. However you can update a scheduled "
            "campaign with a PATCH.",
        ),
        ("POST", "/schedules/now", None, "You may only send a campaign when it is in draft mode."),
    ):
        assert problems(client_of_alice.ask(method, path_of(campaign, behind), body), 403) == [(None, text)]


def test_only_a_scheduled_campaign_can_be_unscheduled_or_rescheduled(
    alice: Account, client_of_alice: ApiClient, subtests: pytest.Subtests, step: int
) -> None:
    for status, text in [
        (CampaignStatus.QUEUED, "This campaign is already In Progress."),
        (CampaignStatus.SENDING, "This campaign is already In Progress."),
        (CampaignStatus.SENT, "This campaign is already Sent."),
        (CampaignStatus.PAUSED, "This campaign is already Paused."),
        (CampaignStatus.CANCELLED, "This campaign is already Canceled."),
        (CampaignStatus.FAILED, "This campaign is already Canceled."),
    ][::step]:
        with subtests.test(status=status, text=text):
            campaign = campaign_in(alice, status)
            path = path_of(campaign, "/schedules")
            assert problems(client_of_alice.delete(path), 403) == [(None, text)]
            assert problems(client_of_alice.patch(path, {"send_at": in_an_hour()}), 403) == [
                ("send_at", "You cannot update the send_at value of non-scheduled campaign.")
            ]
            assert client_of_alice.get(path).json() == {"send_at": int(campaign.send_at.timestamp())}  # type: ignore[union-attr]


def test_a_draft_has_no_schedule(alice: Account, client_of_alice: ApiClient) -> None:
    path = path_of(ready_campaign(alice), "/schedules")
    assert client_of_alice.get(path).json() == NOT_FOUND
    assert client_of_alice.delete(path).json() == NOT_FOUND
    assert problems(client_of_alice.patch(path, {"send_at": in_an_hour()}), 403)[0][0] == "send_at"


def test_an_error_while_sending_has_a_separate_text(
    alice: Account, client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    campaign = ready_campaign(alice)
    monkeypatch.setattr(views, "send_now", fail)
    answer = client_of_alice.post(path_of(campaign, "/schedules/now"), headers={"Idempotency-Key": "once"})
    assert problems(answer, 500) == [(None, "Failed to send your campaign.")]
    monkeypatch.undo()
    answer = client_of_alice.post(path_of(campaign, "/schedules/now"), headers={"Idempotency-Key": "once"})
    assert answer.status_code == 201


TEN = [f"{n}@example.com" for n in range(10)]


@pytest.mark.parametrize("to", few_by_default(["a@example.com", ["a@example.com"], TEN], TEN))
def test_test_mail_is_sent_to_one_to_ten_addresses(to: Any, alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    answer = client_of_alice.post(path_of(campaign, "/schedules/test"), {"to": to})
    assert (answer.status_code, answer.content) == (204, b"")
    recipients = set(Message.objects.values_list("recipient", flat=True))
    assert recipients == {to} if isinstance(to, str) else set(to)
    assert again(campaign).status == CampaignStatus.DRAFT


def test_a_test_needs_addresses(alice: Account, client_of_alice: ApiClient) -> None:
    path = path_of(ready_campaign(alice), "/schedules/test")
    for to, text in (
        *((to, "Please provide an email address to which the test should be sent.") for to in (None, "", [], "x", 7)),
        *((to, "Please provide an email address to which the test should be sent.") for to in ([""], ["a@b.c", 7])),
        ([f"{n}@example.com" for n in range(11)], "You can only send tests to 10 addresses at a time."),
    ):
        assert problems(client_of_alice.post(path, {"to": to}), 400) == [("to", text)], to
        assert not Mail.objects.exists()


def test_a_test_needs_subject_content_and_sender(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = Campaign.objects.create(account=alice, title="empty")
    answer = client_of_alice.post(path_of(campaign, "/schedules/test"), {"to": "a@example.com"})
    assert problems(answer, 400) == [
        ("subject", "Please add a subject to your campaign before sending a test."),
        ("sender_id", "Please assign a sender identity to your campaign before sending a test."),
        (
            "plain_content",
            "Plain content and html content can't both be blank. Please set one of these values before sending a test.",
        ),
    ]
    assert not Mail.objects.exists()
