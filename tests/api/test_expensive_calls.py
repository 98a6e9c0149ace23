"""Expensive calls: an account may have a few at a time in all APIs; other accounts and stops do not wait."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from rest_framework.test import APIClient as ApiClient

from accounts.models import Account
from audience.errors import TooManyCalls
from audience.locks import limit_and_take_place
from audience.query.conditions import EVERYBODY
from audience.segments import count_matching, counted, create_segment, find_matching
from campaigns.lifecycle import cancel_campaign, pause_campaign, send_now
from campaigns.states import CampaignStatus
from tests.api.easymail.calls import ROOT as EASYMAIL
from tests.api.soap.envelopes import PARTNER, SoapCaller
from tests.campaigns.building import add_contacts, again, ready_campaign

ROOT = Path(__file__).parent.parent.parent
TAKE_PLACE = "select pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
EXPENSIVE = {
    "api/sendgrid/stats/views.py": {"get"},
    "audience/activity.py": {"search_activity"},
    "audience/contacts.py": {"search_contacts", "members_of"},
    "audience/segments.py": {"find_matching", "count_matching"},
    "campaigns/lifecycle.py": {"send_now"},
    "campaigns/link_clicks.py": {"_read"},
    "campaigns/preview.py": {"offer_contacts"},
    "campaigns/reach.py": {"count_reach"},
    "campaigns/recipients.py": {"list_reachable", "list_recorded"},
    "campaigns/statistics.py": {"_responses_by_day"},
}
"""The functions that execute a long statement while a caller waits. Every API calls those of the core."""


@pytest.fixture
def soap_of_alice(alice: Account) -> SoapCaller:
    return SoapCaller(alice)


@contextmanager
def places_taken(account: Account, *places: int) -> Iterator[None]:
    """Hold places of an account, both unless some are named, on a connection of each."""
    others = [(place, connection.copy()) for place in places or (0, 1)]
    try:
        for place, other in others:
            other.set_autocommit(False)
            with other.cursor() as cursor:
                cursor.execute(TAKE_PLACE, [f"sluice expensive call {account.pk} {place}"])
                assert cursor.fetchone() == (True,)
        yield
    finally:
        for _, other in others:
            # A session that is closed keeps its locks until its process has ended.
            other.rollback()
            other.close()


def test_a_third_call_is_refused_until_one_of_two_ends(alice: Account, charlie: Account) -> None:
    with places_taken(alice, 0):
        assert count_matching(alice, EVERYBODY) == 0
        with places_taken(alice, 1):
            with pytest.raises(TooManyCalls):
                count_matching(alice, EVERYBODY)
            with pytest.raises(TooManyCalls):
                find_matching(alice, EVERYBODY, limit=1)
            assert count_matching(charlie, EVERYBODY) == 0
    assert count_matching(alice, EVERYBODY) == 0


def test_a_place_ends_with_its_transaction(alice: Account, settings: LazySettings) -> None:
    settings.EXPENSIVE_CALLS = 1
    with transaction.atomic():
        limit_and_take_place(alice.pk)
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute(TAKE_PLACE, [f"sluice expensive call {alice.pk} 0"])
            assert cursor.fetchone() == (False,)
    with other.cursor() as cursor:
        cursor.execute(TAKE_PLACE, [f"sluice expensive call {alice.pk} 0"])
        assert cursor.fetchone() == (True,)
    other.close()


def test_a_list_of_segments_keeps_its_old_counts_meanwhile(alice: Account) -> None:
    segment = create_segment(alice, "all", EVERYBODY, dialect="sgql", written="")
    with places_taken(alice):
        assert counted([segment])[0].contact_count is None
    assert counted([segment])[0].contact_count == 0


def test_stops_of_the_account_take_no_place(alice: Account) -> None:
    campaign = ready_campaign(alice)
    send_now(alice, campaign.pk)
    other = ready_campaign(alice)
    with places_taken(alice):
        pause_campaign(alice, campaign.pk, actor="test")
        cancel_campaign(alice, campaign.pk, actor="test")
        with pytest.raises(TooManyCalls):
            send_now(alice, other.pk)
        assert again(other).status == CampaignStatus.DRAFT, "nothing was done"
    send_now(alice, other.pk)


def test_every_api_returns_when_to_retry(alice: Account, client_of_alice: ApiClient, soap_of_alice: SoapCaller) -> None:
    add_contacts(alice, ["a@example.com"])
    draft = ready_campaign(alice)
    calls: list[Any] = [
        lambda: client_of_alice.post("/v3/marketing/contacts/search", {"query": "email = 'a@example.com'"}),
        lambda: client_of_alice.post(
            "/v3/contactdb/recipients/search",
            {"conditions": [{"field": "email", "operator": "eq", "value": "a", "and_or": ""}]},
        ),
        lambda: client_of_alice.get("/v3/messages"),
        lambda: client_of_alice.get(f"{EASYMAIL}/contacts?search=ann"),
    ]
    with places_taken(alice):
        for call in calls:
            response = call()
            assert (response.status_code, int(response["Retry-After"]) > 0) == (429, True), response.content
        lists = "".join(f"<List><ID>{each.pk}</ID></List>" for each in draft.lists.all())
        send = f'<Objects xsi:type="Send"><Email><ID>{draft.pk}</ID></Email>{lists}</Objects>'
        create = f'<CreateRequest xmlns="{PARTNER}"><Options/>{send}</CreateRequest>'
        ((status, code, message),) = soap_of_alice.ask(create).results
        assert (status, code) == ("Error", "17")
        assert "try again" in message
    for call in calls:
        assert call().status_code == 200


def test_every_function_with_a_long_statement_is_in_the_list() -> None:
    """Every function that bounds its statements for a caller takes a place, and no other function does."""
    marked: dict[str, set[str]] = {}
    for file in [
        *ROOT.glob("audience/**/*.py"),
        *ROOT.glob("campaigns/**/*.py"),
        *ROOT.glob("api/**/*.py"),
        *ROOT.glob("mailer/**/*.py"),
    ]:
        name = ""
        for line in file.read_text().splitlines():
            if match := re.match(r"\s*def (\w+)\(", line):
                name = match[1]
            if re.search(r"with .*expensive_call\(", line):
                marked.setdefault(str(file.relative_to(ROOT)), set()).add(name)
    assert marked == EXPENSIVE


def test_an_account_without_a_limit_takes_no_place(alice: Account, settings: LazySettings) -> None:
    with places_taken(alice):
        settings.EXPENSIVE_CALLS = 0
        assert count_matching(alice, EVERYBODY) == 0
