"""Refusals are reported by day, by their reason and by the recipients' domains, and fill the lists."""

from __future__ import annotations

import datetime as dt
from urllib.parse import quote

import pytest

from accounts.models import Account
from foundation.clock import database_now
from mailer.draft import Address, Personalization
from mailer.models import Classification, CounterDelta
from mailer.outcomes import refusals
from mailer.outcomes.folding import fold_counters
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from tests.api.conftest import ApiClient, NewClient
from tests.conftest import Clock
from tests.mailer.suppressions.conftest import draft_to
from tests.peer import CountingPeer

PATH = "/v3/suppression/bounces/classifications"
REPLIES = {
    "gone@example.com": "550 5.1.1 no such user",
    "gone@EXAMPLE.com": "550 5.1.1 no such user",
    "gone@example.org": "550 5.1.1 no such user",
    "full@example.com": "552 5.2.2 mailbox full",
    "fast@example.com": "550 5.7.28 unusual rate of mail",
    "spam@example.com": "554 5.7.1 spam message rejected",
    "odd@example.com": "501 5.1.3 bad address syntax",
    "later@example.com": "450 4.1.1 user unknown",
}


@pytest.fixture
def refused(alice: Account, peer: CountingPeer, deliverer: Deliverer) -> dt.date:
    """Let a peer refuse mail of Alice to eight recipients, and take mail to one; return the day."""
    peer.replies |= REPLIES
    accept_mail(alice, draft_to(*REPLIES, "here@example.com"))
    while deliverer.deliver_due(seconds=10):
        pass
    return database_now().date()


def test_refusals_of_a_day_are_counted_by_their_reason(
    refused: dt.date, client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    answer = client_of_alice.get(PATH)
    assert answer.status_code == 200
    stats = [("Invalid Address", 4), ("Content", 1), ("Frequency or Volume Too High", 1), ("Mailbox Unavailable", 1)]
    assert answer.json() == {
        "result": [
            {
                "date": refused.isoformat(),
                "stats": [{"classification": name, "count": number} for name, number in stats],
            }
        ]
    }
    assert client_of_charlie.get(PATH).json() == {"result": []}


def test_refusals_for_one_reason_are_counted_by_domain(
    refused: dt.date, client_of_alice: ApiClient, client_of_charlie: ApiClient
) -> None:
    stats = [{"domain": "example.com", "count": 3}, {"domain": "example.org", "count": 1}]
    expected = {"result": [{"date": refused.isoformat(), "stats": stats}]}
    assert client_of_alice.get(f"{PATH}/Invalid%20Address").json() == expected
    assert client_of_alice.get(f"{PATH}/Reputation").json() == {"result": []}
    assert client_of_charlie.get(f"{PATH}/Invalid%20Address").json() == {"result": []}


def test_reports_stay_the_same_when_counters_are_folded(
    refused: dt.date, client_of_alice: ApiClient, clock: Clock
) -> None:
    paths = (PATH, f"{PATH}/Invalid%20Address", f"{PATH}/Content")
    before = [client_of_alice.get(path).json() for path in paths]
    assert all(report["result"] for report in before)
    clock.advance(seconds=121)
    assert sum(fold_counters())
    assert not CounterDelta.objects.exists()
    assert [client_of_alice.get(path).json() for path in paths] == before


def test_each_recipient_of_a_refused_message_is_counted(
    alice: Account, peer: CountingPeer, deliverer: Deliverer, client_of_alice: ApiClient
) -> None:
    peer.replies["."] = "554 5.7.1 spam message rejected"
    people = (Address("a@example.com"), Address("b@example.org"), Address("c@example.org"))
    accept_mail(alice, draft_to(Personalization(to=people)))
    while deliverer.deliver_due(seconds=10):
        pass
    stats = client_of_alice.get(PATH).json()["result"][0]["stats"]
    assert stats == [{"classification": "Content", "count": 3}]
    stats = client_of_alice.get(f"{PATH}/Content").json()["result"][0]["stats"]
    assert stats == [{"domain": "example.org", "count": 2}, {"domain": "example.com", "count": 1}]


def test_a_report_is_csv_if_the_caller_prefers_it(refused: dt.date, client_of_alice: ApiClient) -> None:
    for accept in ("text/csv", "text/csv, application/json;q=0.5"):
        answer = client_of_alice.get(f"{PATH}/Invalid%20Address", headers={"Accept": accept})
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        lines = [f"{refused},example.com,3", f"{refused},example.org,1"]
        assert answer.content.decode().split("\r\n") == ["date,domain,count", *lines, ""]
    answer = client_of_alice.get(PATH, headers={"Accept": "text/csv"})
    assert answer.content.decode().split("\r\n")[:2] == ["date,classification,count", f"{refused},Invalid Address,4"]
    for accept in ("application/json", "*/*", "text/html", ""):
        answer = client_of_alice.get(PATH, headers={"Accept": accept})
        assert answer["Content-Type"] == "application/json", accept


def test_days_are_chosen_and_shown_in_order(refused: dt.date, client_of_alice: ApiClient) -> None:
    yesterday, tomorrow = (refused + dt.timedelta(days=days) for days in (-1, 1))
    for delta in list(CounterDelta.objects.all()):
        CounterDelta(
            series=delta.series,
            account_id=delta.account_id,
            key=delta.key,
            measure=delta.measure,
            at=delta.at - dt.timedelta(days=1),
            writer=delta.writer,
            n=2 * delta.n,
        ).save(force_insert=True)
    for path in (PATH, f"{PATH}/Content"):
        for query, days in (
            ("", [yesterday, refused]),
            (f"start_date={yesterday}&end_date={yesterday}", [yesterday]),
            (f"start_date={refused}", [refused]),
            (f"end_date={yesterday}", [yesterday]),
            (f"start_date={yesterday}&end_date=9999-12-31", [yesterday, refused]),
            ("end_date=0001-01-01&start_date=0001-01-01", []),
        ):
            result = client_of_alice.get(f"{path}?{query}").json()["result"]
            assert [each["date"] for each in result] == [day.isoformat() for day in days], query
        for query in (f"start_date={tomorrow}", f"start_date={refused}&end_date={yesterday}"):
            answer = client_of_alice.get(f"{path}?{query}")
            assert answer.status_code == 400
            assert answer.json()["errors"][0]["field"] == "start_date"
        for value in ("", "yesterday", "2026-02-30", "2026-1-1", "20260101", "2026-01-01T00:00:00Z"):
            answer = client_of_alice.get(f"{path}?end_date={value}")
            assert answer.status_code == 400, value
            assert answer.json()["errors"][0]["field"] == "end_date"
    assert client_of_alice.get(f"{PATH}/Content").json()["result"][0]["stats"] == [
        {"domain": "example.com", "count": 2}
    ]


def test_a_day_has_a_bounded_number_of_domains(
    refused: dt.date, client_of_alice: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MOST_DOMAINS", 1)
    stats = client_of_alice.get(f"{PATH}/Invalid%20Address").json()["result"][0]["stats"]
    assert stats == [{"domain": "example.com", "count": 3}]


def test_only_the_seven_names_are_classifications(client_of_alice: ApiClient) -> None:
    for classification in Classification:
        assert client_of_alice.get(f"{PATH}/{quote(classification.label)}").json() == {"result": []}
    for name in ("Technical", "content", "Spam", "a@example.com", "%20"):
        answer = client_of_alice.get(f"{PATH}/{name}")
        assert answer.status_code == 404, name
        assert answer.json()["errors"][0]["field"] == "classification"
        assert "Technical Failure" in answer.json()["errors"][0]["message"]


def test_the_reports_need_a_scope(alice: Account, new_client: NewClient) -> None:
    for scope in ("suppression.read", "suppression.bounces.read", "di.bounce_block_classifications.read"):
        assert new_client(alice, scopes=[scope]).get(PATH).status_code == 200, scope
    for scope in ("suppression.blocks.read", "suppression.bounces.delete"):
        assert new_client(alice, scopes=[scope]).get(PATH).status_code == 403, scope


def test_the_lists_have_the_recipients_by_the_reason(refused: dt.date, client_of_alice: ApiClient) -> None:
    emails = {
        name: {entry["email"] for entry in client_of_alice.get(f"/v3/suppression/{name}").json()}
        for name in ("bounces", "blocks", "invalid_emails")
    }
    assert emails == {
        "bounces": {"gone@example.com", "gone@example.org"},
        "blocks": {"full@example.com", "spam@example.com"},
        "invalid_emails": {"odd@example.com"},
    }
    (block,) = client_of_alice.get("/v3/suppression/blocks/full@example.com").json()
    assert (block["reason"], block["status"]) == ("552 5.2.2 mailbox full", "5.2.2")
