"""Test the recipients that a campaign would reach, those it was sent to, and where its links lead."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID, uuid5

import pytest

from accounts.models import Account
from audience.models import Contact, Engagement, EngagementKind
from campaigns import engaging
from campaigns.lifecycle import cancel_campaign, send_now
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from content.settings import change_setting
from foundation.clock import database_now
from mailer.models import Message, SuppressionKind
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.lists import New, suppress
from mailer.tracking.tokens import TrackedLink, TrackedMessage
from mailer.tracking.writing import Hit, write_hits
from tests.api.conftest import ApiClient
from tests.api.easymail.calls import data, details, made, path_of
from tests.campaigns.building import add_contacts, again, expand_all, ready_campaign, run_fleet
from tests.examples import further
from tests.peer import CountingPeer

ROW = ["uuid", "email", "first_name", "last_name", "status", "sent_at"]


def emails(answer: Any) -> list[str]:
    return [each["email"] for each in data(answer)]


@further
def test_contacts_are_those_that_mail_would_reach_now(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice, recipients=5)
    path = path_of(campaign, "/contacts")
    Contact.objects.filter(email="r0@example.com").update(first_name="Zoe", last_name="Ray", phone_number="555")
    suppress([New(alice.pk, "r1@example.com", SuppressionKind.GLOBAL)])
    suppress([New(alice.pk, "r2@example.com", SuppressionKind.BOUNCE)])
    answer = client_of_alice.get(path)
    assert emails(answer) == ["r4@example.com", "r3@example.com", "r0@example.com"]
    assert answer.json()["pagination"] == {"current_page": 1, "per_page": 100, "total": 3}
    assert data(answer)[2]["first_name"] == "Zoe"
    second = client_of_alice.get(f"{path}?per_page=2&page=2")
    assert (emails(second), second.json()["pagination"]["total"]) == (["r0@example.com"], 3)
    for search, expected in (
        ("zoe%20r", 1),
        ("R3@EXAMPLE", 1),
        ("555", 1),
        ("example", 3),
        ("_", 0),
        ("%25", 0),
        ("r1", 0),
    ):
        assert client_of_alice.get(f"{path}?search={search}").json()["pagination"]["total"] == expected
    assert emails(client_of_alice.get(f"{path}?page=7")) == []
    assert list(details(client_of_alice.get(f"{path}?search={'x' * 256}&per_page=0"))) == ["per_page", "search"]


def test_a_campaign_without_an_audience_reaches_nobody(client_of_alice: ApiClient) -> None:
    path = path_of(made(client_of_alice, list_uuid=None)["uuid"])
    assert client_of_alice.get(f"{path}/contacts").json()["pagination"]["total"] == 0


def test_recipients_exist_once_the_campaign_is_sent(
    alice: Account, client_of_alice: ApiClient, deliverer: Deliverer, peer: CountingPeer
) -> None:
    campaign = ready_campaign(alice, recipients=5)
    path = path_of(campaign, "/recipients")
    assert client_of_alice.get(path).json() == {
        "data": [],
        "pagination": {"current_page": 1, "per_page": 100, "total": 0},
    }
    Contact.objects.filter(email="r0@example.com").update(first_name="Zoe", last_name="Ray")
    send_now(alice, campaign.pk)
    expand_all()
    assert {row["status"] for row in data(client_of_alice.get(path))} == {"pending"}
    peer.replies["r1@example.com"] = "550 5.1.1 nobody"
    run_fleet(deliverer)
    assert again(campaign).status == CampaignStatus.SENT
    rows = data(client_of_alice.get(path))
    assert [list(row) for row in rows] == [ROW] * 5
    assert [row["status"] for row in rows] == ["sent", "failed", "sent", "sent", "sent"]
    assert rows[0]["uuid"] == str(Contact.objects.get(email="r0@example.com").uuid)
    assert (rows[0]["sent_at"] is None, rows[1]["sent_at"]) == (False, None)

    engage(campaign, "r0@example.com", EngagementKind.OPENED, EngagementKind.CLICKED)
    engage(campaign, "r2@example.com", EngagementKind.OPENED)
    queries = {
        "status=failed": 1,
        "status=sent": 4,
        "status=pending": 0,
        "opened=true": 2,
        "opened=0": 3,
        "clicked=1&opened=true": 1,
        "clicked=false&status=sent": 3,
        "search=ZOE": 1,
        "search=r3@": 1,
        "per_page=2&status=sent": 4,
    }
    totals = {query: client_of_alice.get(f"{path}?{query}").json()["pagination"]["total"] for query in queries}
    assert totals == queries
    assert emails(client_of_alice.get(f"{path}?per_page=3&page=2&status=sent")) == ["r4@example.com"]
    row = data(client_of_alice.get(f"{path}?per_page=1&include=delivery,engagement,purchases,foo"))[0]
    assert list(row) == [*ROW, "delivery", "engagement", "purchases"]
    assert (row["delivery"]["delivered"], row["engagement"]["opened"], row["engagement"]["clicked"]) == (True,) * 3
    refused = data(client_of_alice.get(f"{path}?status=failed&include=delivery"))[0]["delivery"]
    assert refused["delivered"] is False
    assert "nobody" in refused["response"]
    stats = data(client_of_alice.get(f"{path_of(campaign)}?include=stats"))["stats"]
    assert (stats["recipients"], stats["sent"], stats["bounced"], stats["opened"]) == (5, 4, 1, 2)
    assert stats["open_rate"] == 50.0
    Contact.objects.filter(email="r0@example.com").delete()
    recipient = data(client_of_alice.get(path))[0]
    assert (recipient["uuid"], recipient["email"], recipient["status"]) == (None, "r0@example.com", "sent")


def engage(campaign: Campaign, email: str, *kinds: EngagementKind) -> None:
    contact = Contact.objects.get(email=email)
    for kind in kinds:
        Engagement.objects.create(contact_id=contact.pk, campaign_id=campaign.pk, kind=kind, at=database_now())


@further
def test_recipients_of_a_cancelled_campaign_stay_pending(alice: Account, client_of_alice: ApiClient) -> None:
    campaign = ready_campaign(alice)
    send_now(alice, campaign.pk)
    expand_all()
    cancel_campaign(alice, campaign.pk, actor="a test")
    assert {row["status"] for row in data(client_of_alice.get(path_of(campaign, "/recipients")))} == {"pending"}


@further
def test_pages_of_recipients_go_over_several_parcels(alice: Account, client_of_alice: ApiClient) -> None:
    add_contacts(alice, [f"r{n}@example.com" for n in range(520)])
    campaign = ready_campaign(alice, lists=[], is_to_all=True)
    send_now(alice, campaign.pk)
    expand_all()
    path = path_of(campaign, "/recipients")
    seen = [email for page in range(1, 7) for email in emails(client_of_alice.get(f"{path}?page={page}"))]
    assert len(seen) == len(set(seen)) == 520
    answer = client_of_alice.get(f"{path}?per_page=7&page=72")
    assert emails(answer) == seen[71 * 7 : 72 * 7], "a page on both sides of a parcel's end"
    assert answer.json()["pagination"]["total"] == 520
    assert emails(client_of_alice.get(f"{path}?page=7")) == []


@further
def test_a_query_that_is_wrong_is_refused(
    alice: Account, client_of_alice: ApiClient, subtests: pytest.Subtests
) -> None:
    path = path_of(ready_campaign(alice), "/recipients")
    for query in ["status=bounced", "opened=maybe", "clicked=2", "per_page=101", "search=%00"]:
        with subtests.test(query=query):
            assert list(details(client_of_alice.get(f"{path}?{query}"))) == [query.partition("=")[0]]


@further
def test_links_of_the_content_are_listed_without_clicks(client_of_alice: ApiClient) -> None:
    content = (
        "[a](https://a.example/?x=1&y=2) [m](mailto:me@a.example) [b](http://b.example) [a](https://a.example/?x=1&y=2)"
    )
    uuid = made(client_of_alice, content=content)["uuid"]
    path = path_of(uuid, "/link-clicks")
    answer = client_of_alice.get(path).json()
    assert [row["url"] for row in answer["data"]] == ["https://a.example/?x=1&y=2", "http://b.example"]
    assert answer["data"][0] == {
        "uuid": str(uuid5(UUID(uuid), "https://a.example/?x=1&y=2")),
        "url": "https://a.example/?x=1&y=2",
        "clicks": 0,
        "unique_clicks": 0,
    }
    assert data(client_of_alice.get(f"{path}?per_page=1&page=2"))[0]["url"] == "http://b.example"
    assert client_of_alice.get(f"{path}?page=3").json() == {
        "data": [],
        "pagination": {"current_page": 3, "per_page": 100, "total": 2},
    }
    assert list(details(client_of_alice.get(f"{path}?per_page=x"))) == ["per_page"]
    assert data(client_of_alice.get(path_of(made(client_of_alice, content=None)["uuid"], "/link-clicks"))) == []


def test_clicks_are_counted_for_each_link_of_the_content(
    alice: Account, client_of_alice: ApiClient, deliverer: Deliverer
) -> None:
    change_setting(alice, "google_analytics", {"enabled": True, "utm_source": "news"})
    html = '<a href="https://a.example/?x=1">a</a><a href="https://b.example/">b</a><a href="[unsubscribe]">c</a>'
    campaign = ready_campaign(alice, recipients=2, html_content=html)
    path = path_of(campaign, "/link-clicks")
    assert [row["clicks"] for row in data(client_of_alice.get(path))] == [0, 0]
    send_now(alice, campaign.pk)
    run_fleet(deliverer)
    first, second = Message.objects.order_by("pk")
    for message, url in (
        (first, "https://b.example/?utm_source=news"),
        (first, "https://b.example/?utm_source=news"),
        (second, "https://b.example/?utm_source=news"),
        (second, "https://own.example/"),
    ):
        tracked = TrackedMessage(alice.pk, message.mail_id, message.pk, 0)
        link = TrackedLink(url, 1, is_html=True)
        write_hits([Hit(dt.datetime.now(dt.UTC), tracked, link, None, "Firefox", is_machine=False)])
    rows = data(client_of_alice.get(path))
    assert [(row["url"], row["clicks"], row["unique_clicks"]) for row in rows] == [
        ("https://a.example/?x=1", 0, 0),
        ("https://b.example/", 3, 2),
        ("https://own.example/", 1, 1),
    ]
    engaging.engage()
    stats = data(client_of_alice.get(path_of(campaign, "?include=stats")))["stats"]
    assert (stats["clicked"], stats["unique_clicks"], stats["click_rate"]) == (4, 2, 100.0)
