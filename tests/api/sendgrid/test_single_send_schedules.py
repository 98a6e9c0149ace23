"""Test the schedules of Single Sends, and test mail."""

from __future__ import annotations

from accounts.models import Account
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from mailer.models import Mail, Message
from tests.api.conftest import ApiClient
from tests.api.sendgrid.single_send_calls import (
    EVEN_LATER,
    LATER,
    UNKNOWN,
    path_of,
    problems,
)
from tests.campaigns.building import add_sender, again, campaign_in, ready_campaign
from tests.examples import further

TEST = "/v3/marketing/test/send_email"


def test_a_single_send_is_scheduled_rescheduled_unscheduled_and_sent(
    alice: Account, client_of_alice: ApiClient
) -> None:
    campaign = ready_campaign(alice, html_content="<p>no tag</p>", plain_content="")
    path = path_of(campaign, "/schedule")
    for at in (LATER, EVEN_LATER):
        answer = client_of_alice.put(path, {"send_at": at})
        assert (answer.status_code, answer.json()) == (201, {"send_at": at, "status": "scheduled"})
    assert client_of_alice.put(path, {"send_at": "2090-01-31T09:30:00+01:00"}).json()["send_at"] == LATER
    answer = client_of_alice.delete(path)
    assert (answer.status_code, answer.json()) == (200, {"send_at": None, "status": "draft"})
    answer = client_of_alice.put(path, {"send_at": "now"})
    assert (answer.status_code, answer.json()["status"]) == (201, "scheduled")
    assert client_of_alice.get(path_of(campaign)).json()["status"] == "triggered"
    assert problems(client_of_alice.delete(path), 400) == [
        (None, "This cannot be done now: the Single Send is triggered.", "campaign_conflict")
    ]


def test_a_malformed_time_is_refused(alice: Account, client_of_alice: ApiClient) -> None:
    path = path_of(ready_campaign(alice), "/schedule")
    text = "send_at must be a time like 2030-01-31T08:30:00Z, or now"
    for send_at in (None, "", "NOW", "tomorrow", 7, True, "2030-01-31", "2030-01-31T08:30:00", ["now"]):
        answer = client_of_alice.put(path, {"send_at": send_at})
        assert problems(answer, 400) == [("send_at", text, "bad_request")], send_at


def test_a_time_must_be_in_the_future(alice: Account, client_of_alice: ApiClient) -> None:
    answer = client_of_alice.put(path_of(ready_campaign(alice), "/schedule"), {"send_at": "2020-01-31T08:30:00Z"})
    assert problems(answer, 400) == [
        ("send_at", "Please choose a future time for sending your campaign.", "time_is_past")
    ]


def test_every_missing_field_of_an_empty_single_send_is_named(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = Campaign.objects.create(account=alice, title="empty")
    for send_at in ("now", LATER):
        errors = problems(client_of_alice.put(path_of(campaign, "/schedule"), {"send_at": send_at}), 400)
        assert {code for _, _, code in errors} == {"not_ready"}
        assert [field for field, _, _ in errors] == [
            *("email_config.subject", "email_config.sender_id", "email_config.plain_content", "send_to.list_ids"),
            "email_config.suppression_group_id",
        ]
    assert again(campaign).status == CampaignStatus.DRAFT


def test_everybody_is_an_audience(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice, lists=[], is_to_all=True)
    assert client_of_alice.put(path_of(campaign, "/schedule"), {"send_at": "now"}).status_code == 201


def test_a_failed_single_send_has_the_reason(alice: Account, client_of_alice: ApiClient) -> None:
    shown = client_of_alice.get(path_of(campaign_in(alice, CampaignStatus.FAILED))).json()
    assert shown["status"] == "triggered"
    assert shown["warnings"] == [{"message": "its audience is empty", "field": None, "warning_id": "failed"}]


@further
def test_test_mail_names_its_sender_by_id_or_address(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    for sender in ({"sender_id": campaign.sender_id}, {"from_address": "News@example.com"}):
        answer = client_of_alice.post(TEST, {"template_id": str(campaign.uuid), "emails": ["a@b.c", "d@e.f"], **sender})
        assert (answer.status_code, answer.json()) == (202, {})
    assert Message.objects.count() == 4
    link = "https://example.com/leave"
    answer = client_of_alice.post(
        TEST,
        {
            "template_id": str(campaign.uuid),
            "emails": ["a@b.c"],
            "sender_id": campaign.sender_id,
            "custom_unsubscribe_url": link,
        },
    )
    assert answer.status_code == 202
    newest = Mail.objects.latest("pk")
    assert (newest.unsubscribe_url, newest.unsubscribe_group_id) == (link, None)
    assert again(campaign).custom_unsubscribe_url == "", "it is only tried out"


@further
def test_invalid_test_mail_is_refused_with_the_reason(
    alice: Account, charlie: Account, client_of_alice: ApiClient
) -> None:
    campaign, his = ready_campaign(alice), ready_campaign(charlie)
    good = {"template_id": str(campaign.uuid), "emails": ["a@b.c"], "sender_id": campaign.sender_id}
    for change, field in (
        *(({"template_id": value}, "template_id") for value in (None, 7, "x", UNKNOWN, str(his.uuid))),
        *(({"emails": value}, "emails") for value in (None, [], ["x"], [f"{n}@b.c" for n in range(11)])),
        *(({"sender_id": value}, "sender_id") for value in (None, "1", 2**31, his.sender_id)),
        ({"sender_id": add_sender(alice, is_verified=False).pk}, "sender_id"),
        ({"sender_id": None, "from_address": "stranger@example.com"}, "sender_id"),
        ({"from_address": "x"}, "from_address"),
        ({"suppression_group_id": his.suppression_group_id}, "suppression_group_id"),
        (
            {"suppression_group_id": campaign.suppression_group_id, "custom_unsubscribe_url": "https://a.b"},
            "unsubscribes",
        ),
        ({"version_id_override": UNKNOWN}, "version_id_override"),
    ):
        answer = client_of_alice.post(TEST, {**good, **change})
        assert problems(answer, 400)[0][0] == field, change
    assert not Mail.objects.exists()
