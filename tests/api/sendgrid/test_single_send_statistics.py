"""Test statistics of Single Sends: in total, by day, and as CSV."""

from __future__ import annotations

import csv
import datetime as dt
import io
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from audience.models import Contact, Engagement, EngagementKind
from campaigns.lifecycle import send_now
from campaigns.models import Campaign
from foundation.clock import database_now
from mailer.models import Message, Suppression, SuppressionKind
from mailer.pipeline.deliver import Deliverer
from mailer.tracking.tokens import TrackedLink, TrackedMessage
from mailer.tracking.writing import Hit, write_hits
from tests.api.conftest import ApiClient
from tests.campaigns.building import again, expand_all, ready_campaign, run_fleet
from tests.conftest import Clock
from tests.examples import further
from tests.peer import CountingPeer

STATS = "/v3/marketing/stats/singlesends"
NAMES = [
    *("bounce_drops", "bounces", "clicks", "delivered", "invalid_emails", "opens", "requests", "spam_report_drops"),
    *("spam_reports", "unique_clicks", "unique_opens", "unsubscribes"),
]
NOTHING = dict.fromkeys(NAMES, 0)
HAPPENED = NOTHING | {
    "requests": 5,
    "delivered": 4,
    "bounces": 1,
    "opens": 2,
    "unique_opens": 2,
    "clicks": 1,
    "unique_clicks": 1,
    "unsubscribes": 1,
}


@pytest.fixture
def sent(alice: Account, deliverer: Deliverer, peer: CountingPeer) -> Campaign:
    """Send a campaign to five contacts: one refused it, two opened it, one clicked, one left the group."""
    campaign = ready_campaign(alice, recipients=5)
    peer.replies["r4@example.com"] = "550 5.7.1 no"
    send_now(alice, campaign.pk)
    run_fleet(deliverer)
    stored = again(campaign)
    assert stored.launch is not None
    opened, clicked = Contact.objects.order_by("pk")[:2]
    for contact, kind in (
        (opened, EngagementKind.OPENED),
        (clicked, EngagementKind.OPENED),
        (clicked, EngagementKind.CLICKED),
    ):
        Engagement.objects.create(contact_id=contact.pk, campaign_id=campaign.pk, kind=kind, at=database_now())
    Suppression.objects.create(
        account=alice,
        email="r0@example.com",
        kind=SuppressionKind.GROUP,
        group=campaign.suppression_group,
        batch_id=stored.launch.batch_id,
    )
    return stored


def lines(client: ApiClient, query: str) -> list[dict[str, Any]]:
    answer = client.get(f"{STATS}{query}")
    assert answer.status_code == 200, answer.content
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


@further
def test_statistics_are_those_of_all_single_sends_or_of_some(
    sent: Campaign, charlie: Account, alice: Account, client_of_alice: ApiClient
) -> None:
    draft = Campaign.objects.create(account=alice, title="draft")
    his = Campaign.objects.create(account=charlie, title="his")
    both = lines(client_of_alice, "")
    assert [(each["id"], each["stats"]) for each in both] == [(str(draft.uuid), NOTHING), (str(sent.uuid), HAPPENED)]
    assert {key: value for key, value in both[1].items() if key not in {"id", "stats"}} == {
        "ab_variation": "all",
        "ab_phase": "all",
        "aggregation": "total",
    }
    assert list(both[1]["stats"]) == NAMES
    some = lines(client_of_alice, f"?singlesend_ids={sent.uuid},{his.uuid},{uuid.uuid4()}")
    assert [each["id"] for each in some] == [str(sent.uuid)]
    page = client_of_alice.get(f"{STATS}?page_size=1").json()
    assert page["_metadata"]["count"] == 2
    assert client_of_alice.get(page["_metadata"]["next"]).json()["results"][0]["id"] == str(sent.uuid)


def test_statistics_of_one_single_send_are_in_total_or_by_day(
    sent: Campaign, client_of_alice: ApiClient, clock: Clock
) -> None:
    (total,) = lines(client_of_alice, f"/{sent.uuid}")
    assert (total["aggregation"], total["stats"]) == ("total", HAPPENED)

    today = database_now().date().isoformat()
    (day,) = lines(client_of_alice, f"/{sent.uuid}?aggregated_by=day")
    assert (day["aggregation"], day["stats"]) == (today, HAPPENED)
    (span,) = lines(client_of_alice, f"/{sent.uuid}?start_date={today}&end_date=9999-12-31")
    assert (span["aggregation"], span["stats"]) == ("total", HAPPENED)
    (none,) = lines(client_of_alice, f"/{sent.uuid}?end_date=2020-01-01")
    assert none["stats"] == NOTHING
    assert lines(client_of_alice, f"/{sent.uuid}?aggregated_by=day&start_date=9000-01-01") == []

    clock.advance(hours=48)
    late = Contact.objects.order_by("pk")[2]
    Engagement.objects.create(contact_id=late.pk, campaign_id=sent.pk, kind=EngagementKind.OPENED, at=database_now())
    days = lines(client_of_alice, f"/{sent.uuid}?aggregated_by=day")
    assert [(each["aggregation"], each["stats"]["opens"]) for each in days] == [
        (today, 2),
        (database_now().date().isoformat(), 1),
    ]
    page = client_of_alice.get(f"{STATS}/{sent.uuid}?aggregated_by=day&page_size=1").json()
    assert (page["results"], page["_metadata"]["count"]) == (days[:1], 2)
    page = client_of_alice.get(page["_metadata"]["next"]).json()
    assert (page["results"], "prev" in page["_metadata"]) == (days[1:], True)


@further
def test_days_are_those_of_a_time_zone(sent: Campaign, client_of_alice: ApiClient) -> None:
    for name in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata", "America/Chicago"):
        here = database_now().astimezone(ZoneInfo(name)).date().isoformat()
        days = lines(client_of_alice, f"/{sent.uuid}?aggregated_by=day&timezone={name}")
        assert [(each["aggregation"], each["stats"]) for each in days] == [(here, HAPPENED)]


def test_a_draft_has_no_days(alice: Account, client_of_alice: ApiClient) -> None:
    draft = Campaign.objects.create(account=alice, title="draft")
    assert lines(client_of_alice, f"/{draft.uuid}?aggregated_by=day") == []
    assert lines(client_of_alice, f"/{draft.uuid}")[0]["stats"] == NOTHING


def test_opens_and_clicks_are_counted_in_all_and_for_each_link(
    alice: Account, sent: Campaign, client_of_alice: ApiClient
) -> None:
    path = f"{STATS}/{sent.uuid}/links"
    answer = client_of_alice.get(path).json()
    assert (answer["results"], answer["total_clicks"], answer["_metadata"]["count"]) == ([], 0, 0)
    first, second = Message.objects.order_by("pk")[:2]
    for message, place in ((first, None), (first, None), (first, 0), (first, 1), (second, None), (second, 1)):
        link = None if place is None else TrackedLink(f"https://shop.example/{place}", place, is_html=True)
        tracked = TrackedMessage(alice.pk, message.mail_id, message.pk, 0)
        write_hits([Hit(dt.datetime.now(dt.UTC), tracked, link, None, "Firefox", is_machine=False)])
    write_hits([Hit(dt.datetime.now(dt.UTC), tracked, link, None, "bot", is_machine=True)])
    answer = client_of_alice.get(path).json()
    whole = {"ab_variation": "all", "ab_phase": "all"}
    assert answer["results"] == [
        {"url": "https://shop.example/1", "url_location": 1, "clicks": 2, **whole},
        {"url": "https://shop.example/0", "url_location": 0, "clicks": 1, **whole},
    ]
    assert answer["total_clicks"] == 3
    expected = HAPPENED | {"opens": 3, "clicks": 3}
    for query in ("", f"/{sent.uuid}", f"/{sent.uuid}?aggregated_by=day"):
        assert [line["stats"] for line in lines(client_of_alice, query)] == [expected], query


@further
def test_an_export_is_csv_of_those_named(
    sent: Campaign, alice: Account, charlie: Account, client_of_alice: ApiClient
) -> None:
    formula = Campaign.objects.create(account=alice, title='=cmd|"x", y')
    his = Campaign.objects.create(account=charlie, title="his")
    answer = client_of_alice.get(f"{STATS}/export?ids={sent.uuid},{formula.uuid},{his.uuid}&timezone=Asia/Kolkata")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    first, second = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (first["name"], first["send_at"], first["requests"]) == ("'" + '=cmd|"x", y', "", "0")
    assert second["id"] == str(sent.uuid)
    assert second["send_at"].endswith("+05:30")
    assert {name: int(second[name]) for name in NAMES} == HAPPENED


MISTAKES = [
    ("/{id}?aggregated_by=week", "aggregated_by"),
    *(
        (f"/{{id}}?{name}={value}", name)
        for name in ("start_date", "end_date")
        for value in ("x", "2026-02-30", "20260101", "")
    ),
    *(
        (f"/{{id}}?timezone={zone}", "timezone")
        for zone in ("", "Mars/Olympus", "../../etc/passwd", "America", "%00", "a" * 200)
    ),
    ("/{id}?page_size=51", "page_size"),
    ("/{id}?page_token=x", "page_token"),
    ("/{id}/links?page_token=-1", "page_token"),
    ("?singlesend_ids=x", "singlesend_ids"),
    ("?singlesend_ids=" + ",".join(str(uuid.UUID(int=n)) for n in range(26)), "singlesend_ids"),
    ("?page_size=51", "page_size"),
    ("/export", "ids"),
    ("/export?ids=", "ids"),
    ("/export?ids=x", "ids"),
    ("/export?ids={id}&timezone=Nowhere", "timezone"),
]


@further
def test_invalid_parameters_are_refused_with_their_name(
    alice: Account, client_of_alice: ApiClient, subtests: pytest.Subtests
) -> None:
    for query, field in MISTAKES:
        with subtests.test(query=query, field=field):
            campaign = Campaign.objects.create(account=alice, title="x")
            answer = client_of_alice.get(STATS + query.format(id=campaign.uuid))
            assert answer.status_code == 400, answer.content
            assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_page_of_statistics_takes_a_constant_number_of_queries(alice: Account, client_of_alice: ApiClient) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client_of_alice.get(f"{STATS}?page_size=50").status_code == 200
        return len(queries)

    for n in range(2):
        Campaign.objects.create(account=alice, title=f"{n}")
    few = statements()
    for n in range(20):
        Campaign.objects.create(account=alice, title=f"{n}")
    assert statements() == few


@further
def test_recipients_who_were_dropped_are_counted_by_their_suppression(
    alice: Account, client_of_alice: ApiClient, deliverer: Deliverer
) -> None:
    campaign = ready_campaign(alice, recipients=5)
    send_now(alice, campaign.pk)
    expand_all()
    for n, kind in enumerate((SuppressionKind.BOUNCE, SuppressionKind.SPAM, SuppressionKind.INVALID)):
        Suppression.objects.create(account=alice, email=f"r{n}@example.com", kind=kind)
    run_fleet(deliverer)
    expected = NOTHING | {
        "requests": 5,
        "delivered": 2,
        "bounce_drops": 1,
        "spam_report_drops": 1,
        "invalid_emails": 1,
    }
    for query in ("", f"/{campaign.uuid}", f"/{campaign.uuid}?aggregated_by=day"):
        assert [line["stats"] for line in lines(client_of_alice, query)] == [expected], query
    exported = client_of_alice.get(f"{STATS}/export?ids={campaign.uuid}").content.decode()
    (row,) = csv.DictReader(exported.splitlines())
    assert {name: int(row[name]) for name in NAMES} == expected
