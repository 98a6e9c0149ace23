"""Cancel, pause and resume: the answer agrees with the stored state."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Account
from api.campaign_words import Dialect, Move, may, word_for
from api.soap import calls
from batches.claims import Claimer, Slice
from batches.models import Receipt
from batches.states import BatchStatus, Lane
from campaigns.lifecycle import delete_campaign
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from mailer.pipeline.deliver import Deliverer
from tests.api.soap.envelopes import SoapCaller, perform
from tests.campaigns.building import again, campaign_in, ready_campaign
from tests.examples import few_by_default, further

STATUSES = list(CampaignStatus)
USUAL = (CampaignStatus.SENDING, CampaignStatus.PAUSED)
MOVES = {"cancel": Move.CANCEL, "pause": Move.PAUSE, "resume": Move.RESUME}
ENDS = {"cancel": CampaignStatus.CANCELLED, "pause": CampaignStatus.PAUSED, "resume": CampaignStatus.SENDING}
DONE = {"cancel": "canceled", "pause": "paused", "resume": "resumed"}


@pytest.mark.parametrize("action", MOVES)
@pytest.mark.parametrize("status", few_by_default(STATUSES, *USUAL))
def test_each_move_is_done_from_the_statuses_that_the_table_names(
    status: CampaignStatus, action: str, alice: Account, soap_of_alice: SoapCaller
) -> None:
    campaign = campaign_in(alice, status)
    reply = soap_of_alice.ask(perform(action, campaign.pk))
    ((code, error, message),) = reply.results
    after = again(campaign)
    if status in may(MOVES[action], Dialect.SOAP):
        assert (reply.overall, code, error) == ("OK", "OK", "")
        assert message.startswith(f"Send {DONE[action]}")
        assert after.status == ENDS[action]
    elif status is ENDS[action] and action != "resume":
        assert (reply.overall, code) == ("OK", "OK")
        assert message.startswith(f"Send already {DONE[action]}")
    else:
        assert (reply.overall, code, error) == ("Error", "Error", "7052")
        word = word_for(status, Dialect.SOAP)
        assert message == f"Send {campaign.pk} cannot be {DONE[action]}: status is {word}"
        assert after.status == status


@further
def test_a_cancel_is_repeated_with_the_same_numbers(alice: Account, soap_of_alice: SoapCaller) -> None:
    campaign = campaign_in(alice, CampaignStatus.SENDING)
    first = soap_of_alice.ask(perform("cancel", campaign.pk))
    second = soap_of_alice.ask(perform("CANCEL", campaign.pk))
    assert first.results == [("OK", "", "Send canceled: 0 sent, 3 held back")]
    assert second.results == [("OK", "", "Send already canceled: 0 sent, 3 held back")]
    assert first.headers["X-Sluice-Receipt"] == second.headers["X-Sluice-Receipt"]
    assert first.headers["X-Sluice-Receipt"] in first.text("p:StatusMessage")
    assert again(campaign).launch.batch.status == BatchStatus.CANCELLED


def test_a_cancel_after_the_last_message_is_refused(
    alice: Account, soap_of_alice: SoapCaller, deliverer: Deliverer
) -> None:
    campaign = campaign_in(alice, CampaignStatus.SENDING)
    deliverer.deliver_due(seconds=5)
    for _ in range(2):
        reply = soap_of_alice.ask(perform("cancel", campaign.pk))
        assert reply.results == [("Error", "7052", f"Send {campaign.pk} cannot be canceled: all 3 messages were sent")]
        assert reply.headers["X-Sluice-Sent"] == "3"


@further
def test_an_unsettled_stop_shows_how_many_messages_workers_hold(
    alice: Account, soap_of_alice: SoapCaller, settings: Any
) -> None:
    settings.STOP_WAIT_SECONDS = 0.05
    campaign = campaign_in(alice, CampaignStatus.SENDING)
    claimer = Claimer()
    (claim,) = claimer.claim_next(Lane.BULK)
    claimer.look([Slice(claim, 0, 2)])
    reply = soap_of_alice.ask(perform("cancel", campaign.pk))
    assert reply.results[0][2] == "Send canceled: 0 sent, not settled yet: 3 in flight"
    assert (reply.overall, reply.headers["X-Sluice-Settled"]) == ("OK", "false")
    assert again(campaign).status == CampaignStatus.CANCELLED


@further
def test_several_definitions_each_have_their_result(alice: Account, soap_of_alice: SoapCaller) -> None:
    first, second = (campaign_in(alice, CampaignStatus.SENDING) for _ in range(2))
    draft = ready_campaign(alice)
    reply = soap_of_alice.ask(
        perform(
            "cancel",
            first.pk,
            '<Definition xsi:nil="true"/>',
            '<Definition xsi:type="Automation"><ID>1</ID></Definition>',
            "<Definition><ID>1</ID></Definition>",
            '<Definition xsi:type="Send"><ID xsi:nil="1"/></Definition>',
            '<Definition xsi:type="Send"><ID>2147483648</ID></Definition>',
            '<Definition xsi:type="Send"><ID>ten</ID></Definition>',
            draft.pk,
            second.pk,
            second.pk,
        )
    )
    assert reply.overall == "Has Errors"
    assert [(code, error) for code, error, _ in reply.results] == [
        ("OK", ""),
        ("Error", "6"),
        ("Error", "8"),
        ("Error", "8"),
        ("Error", "7050"),
        ("Error", "7050"),
        ("Error", "7050"),
        ("Error", "7052"),
        ("OK", ""),
        ("OK", ""),
    ]
    assert reply.texts("p:OrdinalID") == ["1", "2", "3", "4", "5", "6", "7"]
    assert "index 1" in reply.results[1][2]
    assert "type Automation" in reply.results[2][2]
    assert len(reply.headers["X-Sluice-Receipt"].split(", ")) == 2
    assert [again(each).status for each in (first, second, draft)] == [
        CampaignStatus.CANCELLED,
        CampaignStatus.CANCELLED,
        CampaignStatus.DRAFT,
    ]


@further
def test_a_missing_send_gets_the_answer_for_another_accounts_send(
    alice: Account, soap_of_alice: SoapCaller, soap_of_charlie: SoapCaller
) -> None:
    campaign = campaign_in(alice, CampaignStatus.SENDING)
    deleted = ready_campaign(alice)
    delete_campaign(alice, deleted.pk, actor="a test")
    unknown = 2**31 - 1
    assert soap_of_charlie.ask(perform("cancel", campaign.pk)).results == [
        ("Error", "7051", f"Send {campaign.pk} not found")
    ]
    for number in (unknown, deleted.pk):
        assert soap_of_alice.ask(perform("cancel", number)).results == [("Error", "7051", f"Send {number} not found")]
    assert again(campaign).status == CampaignStatus.SENDING


def test_other_actions_and_no_objects_are_errors(alice: Account, soap_of_alice: SoapCaller) -> None:
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
    assert soap_of_alice.ask(perform("start", campaign.pk)).results[0][:2] == ("Error", "5")
    assert soap_of_alice.ask(perform("", campaign.pk)).results[0][:2] == ("Error", "5")
    for definitions in ([], [campaign.pk] * 101):
        reply = soap_of_alice.ask(perform("cancel", *definitions))
        assert (reply.overall, reply.results) == ("Error", [])
        assert reply.text("p:OverallStatusMessage")
    assert again(campaign).status == CampaignStatus.SCHEDULED


@further
def test_the_reason_for_a_pause_is_on_the_receipt(alice: Account, soap_of_alice: SoapCaller) -> None:
    campaign = campaign_in(alice, CampaignStatus.SENDING)
    body = perform("pause", campaign.pk).replace(
        "<Options/>", "<Options><Explanation>wrong price</Explanation></Options>"
    )
    assert soap_of_alice.ask(body).overall == "OK"
    receipt = Receipt.objects.get()
    assert (receipt.reason, receipt.actor) == ("wrong price", f"key {soap_of_alice.key.key_id} (a test's key)")


def test_another_change_of_the_send_is_waited_for(alice: Account, soap_of_alice: SoapCaller) -> None:
    campaign = campaign_in(alice, CampaignStatus.SENDING)
    is_locked, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Campaign.objects.select_for_update().get(pk=campaign.pk)
            is_locked.set()
            release.wait(5)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert is_locked.wait(5)
    threading.Timer(0.1, release.set).start()
    assert soap_of_alice.ask(perform("cancel", campaign.pk)).overall == "OK"
    thread.join()


def test_a_call_during_a_long_change_gets_an_error(
    alice: Account, soap_of_alice: SoapCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = campaign_in(alice, CampaignStatus.SENDING)
    monkeypatch.setattr(calls, "PATIENCE_SECONDS", 0.05)
    is_locked, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Campaign.objects.select_for_update().get(pk=campaign.pk)
            is_locked.set()
            release.wait(5)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert is_locked.wait(5)
    ((code, error, message),) = soap_of_alice.ask(perform("cancel", campaign.pk)).results
    release.set()
    thread.join()
    assert (code, error) == ("Error", "7052")
    assert "another change" in message
    assert again(campaign).status == CampaignStatus.SENDING
