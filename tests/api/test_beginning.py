"""From its time on, a campaign is shown as sending in every API and in the admin, before a sweeper has noted it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.test import Client

from accounts.models import Account
from api.campaign_words import Dialect, word_for
from batches.states import BatchStatus
from batches.stop.exact import begin_stop, finish_stop, stop_transaction
from campaigns.lifecycle import cancel_campaign, pause_campaign, schedule_campaign, send_now
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from campaigns.sweep import prepare_campaigns
from foundation.clock import database_now
from tests.api.conftest import ApiClient
from tests.api.soap.envelopes import SoapCaller, retrieve, simple
from tests.campaigns.building import again, expand_all, ready_campaign, sweep_campaigns
from tests.conftest import Clock
from tests.examples import few_by_default

SECONDS_AHEAD: Final = 100
"""The time of each campaign, near enough that it is prepared at once."""
ADMIN: Final = "/admin/campaigns/campaign/"


def schedule(campaign: Campaign) -> None:
    schedule_campaign(campaign.account, campaign.pk, database_now() + dt.timedelta(seconds=SECONDS_AHEAD))


def prepare(campaign: Campaign, *, is_expanded: bool = True) -> None:
    """Schedule a campaign and open its launch; its audience becomes messages."""
    schedule(campaign)
    assert prepare_campaigns() == 1
    if is_expanded:
        assert expand_all() == 3


def stop_its_batch(campaign: Campaign, status: BatchStatus) -> None:
    launch = again(campaign).launch
    assert launch is not None
    with stop_transaction():
        receipt = begin_stop(launch.batch, status, actor="a test", allowed_from={BatchStatus.OPEN})
    finish_stop(receipt)


def due(campaign: Campaign, clock: Clock) -> None:
    prepare(campaign)
    clock.advance(seconds=SECONDS_AHEAD)


def due_without_messages(campaign: Campaign, clock: Clock) -> None:
    prepare(campaign, is_expanded=False)
    clock.advance(seconds=SECONDS_AHEAD)


def sent_now(campaign: Campaign, clock: Clock) -> None:
    send_now(campaign.account, campaign.pk)
    assert expand_all() == 3


def before_its_time(campaign: Campaign, clock: Clock) -> None:
    prepare(campaign)


def not_prepared(campaign: Campaign, clock: Clock) -> None:
    schedule(campaign)
    clock.advance(seconds=SECONDS_AHEAD)


def with_a_paused_batch(campaign: Campaign, clock: Clock) -> None:
    prepare(campaign)
    stop_its_batch(campaign, BatchStatus.PAUSED)
    clock.advance(seconds=SECONDS_AHEAD)


def with_a_cancelled_batch(campaign: Campaign, clock: Clock) -> None:
    prepare(campaign)
    stop_its_batch(campaign, BatchStatus.CANCELLED)
    clock.advance(seconds=SECONDS_AHEAD)


def paused_after_its_time(campaign: Campaign, clock: Clock) -> None:
    due(campaign, clock)
    pause_campaign(campaign.account, campaign.pk, actor="a test")


def cancelled_before_its_time(campaign: Campaign, clock: Clock) -> None:
    prepare(campaign)
    cancel_campaign(campaign.account, campaign.pk, actor="a test")
    clock.advance(seconds=SECONDS_AHEAD)


STATUSES: Final[dict[Callable[[Campaign, Clock], None], CampaignStatus]] = {
    due: CampaignStatus.SENDING,
    due_without_messages: CampaignStatus.QUEUED,
    sent_now: CampaignStatus.SENDING,
    before_its_time: CampaignStatus.SCHEDULED,
    not_prepared: CampaignStatus.SCHEDULED,
    with_a_paused_batch: CampaignStatus.SCHEDULED,
    with_a_cancelled_batch: CampaignStatus.SCHEDULED,
    paused_after_its_time: CampaignStatus.PAUSED,
    cancelled_before_its_time: CampaignStatus.CANCELLED,
}
"""Ways to prepare a campaign, and the status that each leads to without a sweep."""


@pytest.mark.parametrize(
    "happened",
    few_by_default(STATUSES, due),
    ids=lambda happened: happened.__name__,
)
def test_every_reader_shows_the_status_of_the_moment(
    happened: Callable[[Campaign, Clock], None],
    alice: Account,
    client_of_alice: ApiClient,
    operator: Client,
    clock: Clock,
) -> None:
    campaign, expected, soap = ready_campaign(alice), STATUSES[happened], SoapCaller(alice)

    happened(campaign, clock)

    compared = {expected, CampaignStatus.SCHEDULED, CampaignStatus.SENDING}
    stored = again(campaign).status
    assert dict(words_of(campaign, client_of_alice, soap)) == {
        name: word_for(expected, dialect) for dialect, names in READERS.items() for name in names
    }
    for dialect, find in FILTERS.items():
        for word in {word_for(status, dialect) for status in compared}:
            is_found = word == word_for(expected, dialect)
            assert find(client_of_alice, soap, word) is is_found, (dialect, word)
    assert expected.label.capitalize() in label_of(operator.get(f"{ADMIN}{campaign.pk}/change/").text, campaign)
    for status in compared:
        listed = operator.get(f"{ADMIN}?status__exact={int(status)}").text
        assert (f"{ADMIN}{campaign.pk}/change/" in listed) is (status is expected), status
        assert status is not expected or expected.label.capitalize() in label_of(listed, campaign)
    assert again(campaign).status == stored, "readers write nothing"


@pytest.mark.parametrize(
    "happened",
    few_by_default(
        [due, due_without_messages, sent_now, before_its_time, with_a_paused_batch], due, with_a_paused_batch
    ),
)
def test_the_sweeper_stores_the_status_that_readers_already_show(
    happened: Callable[[Campaign, Clock], None], alice: Account, clock: Clock
) -> None:
    campaign = ready_campaign(alice)
    happened(campaign, clock)
    is_behind = STATUSES[happened] is not CampaignStatus.SCHEDULED
    assert (again(campaign).status != STATUSES[happened]) == is_behind

    sweep_campaigns()

    assert again(campaign).status == STATUSES[happened]


READERS: Final[dict[Dialect, tuple[str, ...]]] = {
    Dialect.LEGACY: ("legacy campaign", "legacy list"),
    Dialect.SINGLE_SENDS: ("Single Send", "Single Sends"),
    Dialect.EASYMAIL: ("Easymail campaign", "Easymail list"),
    Dialect.SOAP: ("SOAP",),
}


def words_of(campaign: Campaign, client: ApiClient, soap: SoapCaller) -> Iterator[tuple[str, Any]]:
    """Yield what each reader calls the campaign's status."""
    yield "legacy campaign", client.get(f"/v3/campaigns/{campaign.pk}").json()["status"]
    yield "legacy list", client.get("/v3/campaigns").json()["result"][0]["status"]
    yield "Single Send", client.get(f"/v3/marketing/singlesends/{campaign.uuid}").json()["status"]
    yield "Single Sends", client.get("/v3/marketing/singlesends").json()["result"][0]["status"]
    yield "Easymail campaign", client.get(f"/api/v1/campaigns/{campaign.uuid}").json()["data"]["status"]
    yield "Easymail list", client.get("/api/v1/campaigns").json()["data"][0]["status"]
    yield "SOAP", soap.ask(retrieve("Status")).text("p:Status")


FILTERS: Final[dict[Dialect, Callable[[ApiClient, SoapCaller, str], bool]]] = {
    Dialect.SINGLE_SENDS: lambda client, _, word: bool(
        client.post("/v3/marketing/singlesends/search", {"status": [word]}).json()["result"]
    ),
    Dialect.EASYMAIL: lambda client, _, word: bool(client.get(f"/api/v1/campaigns?status={word}").json()["data"]),
    Dialect.SOAP: lambda _, soap, word: bool(
        soap.ask(retrieve("Status", simple("Status", "equals", word))).texts("p:Results/p:Status")
    ),
}
"""For each API, a function that returns whether a list filtered by status contains the campaign."""


def label_of(page: str, campaign: Campaign) -> str:
    """Return the label of the campaign's status in a page of the admin."""
    return page.partition(f'id="status-{campaign.pk}"')[2][:500].partition("</span>")[0]
