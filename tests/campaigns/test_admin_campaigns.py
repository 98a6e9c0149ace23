"""Test campaigns in the admin: the same steps as in SendGrid's pages, counted at the SMTP peer."""

from __future__ import annotations

import re
from html import unescape

from django.db import transaction
from django.test import Client

from accounts.models import Account
from batches.models import Receipt
from batches.stop.freeze import freeze_account, freeze_installation
from campaigns.lifecycle import pause_campaign, schedule_campaign, send_now
from campaigns.models import AccountTerms, Campaign
from campaigns.states import RUNNING, CampaignStatus
from foundation.clock import database_now
from mailer.pipeline.deliver import Deliverer
from tests.campaigns.admin_pages import CAMPAIGNS, HOUR, change_page, links, press, typed
from tests.campaigns.building import again, ready_campaign, run_fleet
from tests.conftest import Clock
from tests.examples import further
from tests.peer import CountingPeer

PAGES = (CAMPAIGNS, f"{CAMPAIGNS}add/", f"{CAMPAIGNS}{{pk}}/change/", f"{CAMPAIGNS}{{pk}}/send/")


def test_every_page_opens_for_operators_only(operator: Client, client: Client, draft: Campaign) -> None:
    for path in PAGES:
        assert operator.get(path.format(pk=draft.pk)).status_code == 200, path
        answer = client.get(path.format(pk=draft.pk))
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/admin/login/"), path


def test_a_campaign_is_written_sent_immediately_and_seen_to_arrive(
    operator: Client, alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    parts = ready_campaign(alice)
    added = operator.post(f"{CAMPAIGNS}add/", {"account": alice.pk, "title": "News of June"}, follow=True)
    campaign = Campaign.objects.get(title="News of June")
    assert added.redirect_chain[-1][0] == change_page(campaign)
    for lacked in ("a subject", "a sender", "content", "a list or a segment", "an unsubscribe group or a custom link"):
        assert lacked in added.text
    early = operator.get(f"{CAMPAIGNS}{campaign.pk}/send/", follow=True)
    assert "It cannot be sent yet. It needs a subject, a sender" in early.text
    assert "Nothing was changed: the campaign needs a subject" in press(operator, campaign, "send").text

    question = operator.post(
        change_page(campaign),
        typed(parts, title="News of June", subject="It is [%first_name | you%]", _send=""),
        follow=True,
    )
    assert question.redirect_chain[-1][0] == f"{CAMPAIGNS}{campaign.pk}/send/"
    assert "It is sent at once" in question.text
    assert again(campaign).status == CampaignStatus.DRAFT, "nothing is sent before it is confirmed"
    done = press(operator, campaign, "send")

    assert "is being sent" in done.text
    run_fleet(deliverer)
    assert sorted(peer.recipients) == [f"r{n}@example.com" for n in range(3)]
    assert b"Subject: It is you" in peer.ledger[0].data
    page = operator.get(change_page(campaign)).text
    assert ">Sent<" in re.sub(r"\s", "", page)
    assert "3 sent" in re.sub(r"\s+", " ", unescape(re.sub("<[^>]*>", " ", page)))


@further
def test_a_time_is_chosen_and_taken_back_from_the_action_menu(
    operator: Client, draft: Campaign, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    moment = (database_now() + HOUR).replace(second=0, microsecond=0)
    form = typed(draft, scheduling="at", send_at=f"{moment:%Y-%m-%dT%H:%M}", _send="")
    question = operator.post(change_page(draft), form, follow=True)
    assert f"It will be sent at {moment:%Y-%m-%d %H:%M:%S} UTC" in question.text
    press(operator, draft, "send")
    assert (again(draft).status, again(draft).send_at) == (CampaignStatus.SCHEDULED, moment)
    listed = operator.get(CAMPAIGNS).text
    assert {"unschedule", "delete"} <= links(listed, draft)
    assert "Cancel this campaign" not in listed, "it does not run yet"

    back = press(operator, draft, "unschedule", "?list=1")

    assert back.redirect_chain[-1][0] == CAMPAIGNS
    assert (again(draft).status, again(draft).send_at) == (CampaignStatus.DRAFT, None)
    clock.advance(hours=2)
    run_fleet(deliverer)
    assert peer.recipients == []
    assert "unschedule" not in links(operator.get(CAMPAIGNS).text, draft)


@further
def test_a_scheduled_campaign_is_sent_at_its_time(
    operator: Client, draft: Campaign, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    moment = database_now() + HOUR
    operator.post(change_page(draft), typed(draft, scheduling="at", send_at=f"{moment:%Y-%m-%dT%H:%M}"))
    press(operator, draft, "send")
    run_fleet(deliverer)
    assert peer.recipients == []
    clock.advance(seconds=3601)
    run_fleet(deliverer)
    assert len(peer.recipients) == 3


@further
def test_a_scheduled_campaign_is_rescheduled_or_sent_now(
    operator: Client, draft: Campaign, deliverer: Deliverer, peer: CountingPeer
) -> None:
    schedule_campaign(draft.account, draft.pk, database_now() + HOUR)
    moment = (database_now() + 2 * HOUR).replace(second=0, microsecond=0)
    press(operator, draft, "reschedule", send_at=f"{moment:%Y-%m-%dT%H:%M}")
    assert (again(draft).status, again(draft).send_at) == (CampaignStatus.SCHEDULED, moment)
    past = press(operator, draft, "reschedule", send_at="2020-01-01T10:00")
    assert "the scheduled time has passed" in past.text
    assert again(draft).send_at == moment

    press(operator, draft, "now")

    run_fleet(deliverer)
    assert len(peer.recipients) == 3


@further
def test_a_frozen_account_is_reported(operator: Client, sending: Campaign) -> None:
    assert "is frozen" not in operator.get(change_page(sending)).text
    freeze_account(sending.account, actor="test")
    warning = "No mail of it is sent before the thaw: the account alice is frozen."
    assert warning in operator.get(change_page(sending)).text
    pause_campaign(sending.account, sending.pk, actor="test")
    assert warning in operator.get(f"{CAMPAIGNS}{sending.pk}/resume/").text
    freeze_installation(actor="test")
    warning = "No mail of it is sent before the thaw: the account alice and the whole installation are frozen."
    assert warning in operator.get(change_page(sending)).text


@further
def test_the_red_cross_asks_in_a_window_and_turns_the_status_to_cancelled(
    operator: Client, alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    campaign = ready_campaign(alice, recipients=300, rate_per_minute=1200)
    send_now(alice, campaign.pk)
    run_fleet(deliverer, rounds=1)
    sent = len(peer.recipients)
    assert 0 < sent < 300
    listed = operator.get(CAMPAIGNS).text
    cross = f"{CAMPAIGNS}{campaign.pk}/cancel/?list=1"
    assert f'hx-get="{cross}" hx-target="#modal-content" hx-select="#dialog"' in listed

    window = operator.get(cross).text
    assert 'id="dialog"' in window
    assert f'action="{cross}"' in window, "the window's form does not post to the list that it lies on"
    assert "Confirm" in window
    assert again(campaign).status in RUNNING, "asking changes nothing"
    done = press(operator, campaign, "cancel", "?list=1")

    assert done.redirect_chain[-1][0] == CAMPAIGNS
    assert f"{sent:,} messages were sent" in done.text
    assert again(campaign).status == CampaignStatus.CANCELLED
    assert "Cancelled" in done.text
    assert "Cancel this campaign" not in done.text
    run_fleet(deliverer)
    assert len(peer.recipients) == sent
    assert Receipt.objects.get().actor == "operator olga"


@further
def test_delete_in_the_menu_of_a_running_campaign_stops_it_and_hides_it(
    operator: Client, sending: Campaign, deliverer: Deliverer, peer: CountingPeer
) -> None:
    assert "delete" in links(operator.get(CAMPAIGNS).text, sending)

    done = press(operator, sending, "delete", "?list=1")

    assert done.redirect_chain[-1][0] == CAMPAIGNS
    run_fleet(deliverer)
    assert peer.recipients == []
    assert again(sending).deleted_at is not None
    assert links(operator.get(CAMPAIGNS).text, sending) == set()
    assert operator.get(change_page(sending)).status_code == 302
    assert press(operator, sending, "pause").status_code == 404


@further
def test_a_paused_and_resumed_campaign_reaches_every_contact_once(
    operator: Client, sending: Campaign, deliverer: Deliverer, peer: CountingPeer
) -> None:
    press(operator, sending, "pause", reason="wait for the lawyer")
    run_fleet(deliverer)
    assert peer.recipients == []
    page = operator.get(change_page(sending)).text
    assert {"resume", "cancel"} <= links(page, sending)
    assert "wait for the lawyer" in page

    press(operator, sending, "resume")

    run_fleet(deliverer)
    assert len(peer.recipients) == 3
    assert not peer.doubled


@further
def test_the_pace_is_changed_while_a_campaign_is_sending(operator: Client, sending: Campaign) -> None:
    press(
        operator,
        sending,
        "pace",
        rate_per_minute="60",
        window_weekdays=["1", "2"],
        window_from="08:00",
        window_to="20:00",
        window_time_zone="Europe/Berlin",
    )
    assert again(sending).rate_per_minute == 60
    assert again(sending).window == {"time_zone": "Europe/Berlin", "weekdays": [1, 2], "from": "08:00", "to": "20:00"}

    wrong = press(operator, sending, "pace", window_from="08:00", window_time_zone="Mars/Olympus")

    assert "There is no time zone with this name." in wrong.text
    assert again(sending).rate_per_minute == 60


@further
def test_test_mail_is_sent_to_the_named_addresses(
    operator: Client, draft: Campaign, deliverer: Deliverer, peer: CountingPeer
) -> None:
    assert "This is not an e-mail address: nobody" in press(operator, draft, "test", to="a@example.com, nobody").text
    many = ",".join(f"t{n}@example.com" for n in range(11))
    assert "one to ten addresses" in press(operator, draft, "test", to=many).text
    press(operator, draft, "test", to="a@example.com; b@example.com")
    run_fleet(deliverer)
    assert sorted(peer.recipients) == ["a@example.com", "b@example.com"]
    assert again(draft).status == CampaignStatus.DRAFT


@further
def test_a_copy_is_a_draft_and_is_opened(operator: Client, sending: Campaign) -> None:
    opened = press(operator, sending, "duplicate", "?list=1")
    copy = Campaign.objects.get(title="Copy of News of May")
    assert (copy.status, copy.launch) == (CampaignStatus.DRAFT, None)
    assert opened.redirect_chain[-1][0] == change_page(copy)


@further
def test_the_undo_window_is_returned_and_observed(operator: Client, draft: Campaign, alice: Account) -> None:
    operator.post("/admin/campaigns/accountterms/add/", {"account": alice.pk, "undo_seconds": 30})
    assert AccountTerms.objects.get().undo_seconds == 30
    assert "It will be sent in 30 seconds" in operator.get(f"{CAMPAIGNS}{draft.pk}/send/").text
    press(operator, draft, "send")
    assert again(draft).status == CampaignStatus.SCHEDULED


@further
def test_a_failed_campaign_has_the_reason_and_can_be_sent_again(
    operator: Client, draft: Campaign, deliverer: Deliverer, peer: CountingPeer
) -> None:
    with transaction.atomic():
        Campaign.objects.filter(pk=draft.pk).update(status=CampaignStatus.FAILED, failure="there is nobody")
    page = operator.get(change_page(draft)).text
    assert "there is nobody" in page
    assert 'name="_send"' in page
    press(operator, draft, "send")
    run_fleet(deliverer)
    assert len(peer.recipients) == 3
