"""Statuses and moves of campaigns in each API's words: both tables are complete, and the APIs follow them."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from api.campaign_words import ALLOWED, WORDS, Dialect, Move, may, statuses_called, word_for
from campaigns.lifecycle import CANCELLABLE, PAUSABLE, RESUMABLE, SCHEDULABLE, SENDABLE, UNSCHEDULABLE
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from tests.api.conftest import ApiClient
from tests.campaigns.building import again, campaign_in
from tests.examples import few_by_default, for_each

CORE_ALLOWS = {
    Move.EDIT: frozenset(CampaignStatus),
    Move.SCHEDULE: SCHEDULABLE,
    Move.RESCHEDULE: SCHEDULABLE,
    Move.UNSCHEDULE: UNSCHEDULABLE,
    Move.SEND_NOW: SENDABLE,
    Move.PAUSE: PAUSABLE,
    Move.RESUME: RESUMABLE,
    Move.CANCEL: CANCELLABLE,
    Move.DELETE: frozenset(CampaignStatus),
}
USUAL = (CampaignStatus.SCHEDULED,)
LATER = "2090-01-31T08:30:00Z"
LATER_SECONDS = 3_789_534_600

LEGACY_CALLS: dict[Move, tuple[str, str, Any, int]] = {
    Move.EDIT: ("PATCH", "", {"subject": "Other"}, 403),
    Move.SCHEDULE: ("POST", "/schedules", {"send_at": LATER_SECONDS}, 403),
    Move.RESCHEDULE: ("PATCH", "/schedules", {"send_at": LATER_SECONDS}, 403),
    Move.UNSCHEDULE: ("DELETE", "/schedules", None, 403),
    Move.SEND_NOW: ("POST", "/schedules/now", None, 403),
    Move.DELETE: ("DELETE", "", None, 403),
}
SINGLE_SEND_CALLS: dict[Move, tuple[str, str, Any, int]] = {
    Move.EDIT: ("PATCH", "", {"email_config": {"subject": "Other"}}, 400),
    Move.SCHEDULE: ("PUT", "/schedule", {"send_at": LATER}, 400),
    Move.UNSCHEDULE: ("DELETE", "/schedule", None, 400),
    Move.SEND_NOW: ("PUT", "/schedule", {"send_at": "now"}, 400),
    Move.DELETE: ("DELETE", "", None, 400),
}


@for_each("dialect", Dialect)
def test_every_status_has_a_word_in_every_dialect(dialect: Dialect) -> None:
    assert set(WORDS[dialect]) == set(CampaignStatus)
    for status, word in WORDS[dialect].items():
        assert word_for(status, dialect) == word
        assert status in statuses_called(word, dialect)
    assert statuses_called("nonsense", dialect) == frozenset()


def test_a_paused_campaign_is_shown_as_paused_only_by_apis_with_this_status() -> None:
    assert {dialect: word_for(CampaignStatus.PAUSED, dialect) for dialect in Dialect} == {
        Dialect.LEGACY: "Paused",
        Dialect.SINGLE_SENDS: "triggered",
        Dialect.EASYMAIL: "sending",
        Dialect.SOAP: "Paused",
    }


@for_each("dialect", Dialect)
def test_no_dialect_allows_what_the_core_does_not(dialect: Dialect) -> None:
    for move in ALLOWED[dialect]:
        assert may(move, dialect) <= frozenset(CORE_ALLOWS[move])
        assert may(move, dialect)


@pytest.mark.parametrize("status", few_by_default(CampaignStatus, *USUAL))
def test_legacy_campaigns_allow_the_moves_of_the_table(
    status: CampaignStatus, alice: Account, client_of_alice: ApiClient
) -> None:
    assert set(LEGACY_CALLS) == set(ALLOWED[Dialect.LEGACY])
    campaign = campaign_in(alice, status)
    for move, (method, behind, body, refused) in LEGACY_CALLS.items():
        answer = client_of_alice.ask(method, f"/v3/campaigns/{campaign.pk}{behind}", body)
        if move is Move.UNSCHEDULE and status is CampaignStatus.DRAFT:
            refused = 404  # it has no schedule
        campaign = check(answer, move, Dialect.LEGACY, campaign, refused)


@pytest.mark.parametrize("status", few_by_default(CampaignStatus, *USUAL))
def test_single_sends_allow_the_moves_of_the_table(
    status: CampaignStatus, alice: Account, client_of_alice: ApiClient
) -> None:
    assert set(SINGLE_SEND_CALLS) == set(ALLOWED[Dialect.SINGLE_SENDS])
    campaign = campaign_in(alice, status)
    for move, (method, behind, body, refused) in SINGLE_SEND_CALLS.items():
        answer = client_of_alice.ask(method, f"/v3/marketing/singlesends/{campaign.uuid}{behind}", body)
        campaign = check(answer, move, Dialect.SINGLE_SENDS, campaign, refused)


def check(answer: Any, move: Move, dialect: Dialect, before: Campaign, refused: int) -> Campaign:
    """Check that an allowed move was made and a refused one changed nothing.

    Return a campaign in the same state as the first one was.
    """
    status = CampaignStatus(before.status)
    if status in may(move, dialect):
        assert answer.status_code < 300, (move, answer.content)
        return campaign_in(before.account, status)
    assert answer.status_code == refused, (move, answer.content)
    after = again(before)
    assert (after.status, after.subject, after.send_at) == (status, before.subject, before.send_at)
    assert after.deleted_at is None
    return before


@pytest.mark.parametrize("status", few_by_default(CampaignStatus, *USUAL))
def test_both_apis_show_the_same_campaign(status: CampaignStatus, alice: Account, client_of_alice: ApiClient) -> None:
    campaign = campaign_in(alice, status)

    legacy = client_of_alice.get(f"/v3/campaigns/{campaign.pk}").json()
    single_send = client_of_alice.get(f"/v3/marketing/singlesends/{campaign.uuid}").json()

    assert (legacy["status"], single_send["status"]) == (
        word_for(status, Dialect.LEGACY),
        word_for(status, Dialect.SINGLE_SENDS),
    )
    assert legacy["title"] == single_send["name"] == "News of May"
    assert legacy["subject"] == single_send["email_config"]["subject"]
    assert legacy["html_content"] == single_send["email_config"]["html_content"]
    assert legacy["sender_id"] == single_send["email_config"]["sender_id"]
    assert legacy["list_ids"] == [each.pk for each in campaign.lists.all()]
    assert single_send["send_to"]["list_ids"] == [str(each.uuid) for each in campaign.lists.all()]
