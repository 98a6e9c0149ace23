"""Campaigns in the admin: the same steps as in SendGrid's pages, counted at the SMTP peer."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from accounts.models import Account
from batches.models import Receipt
from batches.stop.freeze import freeze_account
from campaigns.admin.moves import MOVES
from campaigns.lifecycle import pause_campaign, schedule_campaign, send_now
from campaigns.models import AccountTerms, Campaign, Launch
from campaigns.states import RUNNING, CampaignStatus
from foundation.clock import database_now
from mailer.pipeline.deliver import Deliverer
from tests.campaigns.building import again, expand_all, ready_campaign, run_fleet
from tests.conftest import Clock
from tests.examples import few_by_default, further
from tests.operators import logged_in
from tests.peer import CountingPeer

CAMPAIGNS = "/admin/campaigns/campaign/"
HOUR = dt.timedelta(hours=1)
VIEW = "campaigns.view_campaign"
HOSTILE = "<script>alert(1)</script>"


def change_page(campaign: Campaign) -> str:
    return f"{CAMPAIGNS}{campaign.pk}/change/"


def press(client: Client, campaign: Campaign, move: str, query: str = "", **fields: Any) -> Any:
    return client.post(f"{CAMPAIGNS}{campaign.pk}/{move}/{query}", {"reason": "", **fields}, follow=True)


def links(page: str, campaign: Campaign) -> set[str]:
    """Return the moves that a page offers for a campaign."""
    return set(re.findall(rf"{CAMPAIGNS}{campaign.pk}/(\w+)/(?:\?list=1)?\"", page)) - {"change", "failures", "preview"}


def typed(campaign: Campaign, **changes: Any) -> dict[str, Any]:
    """Return the form of a campaign as a browser submits it, with these changes."""
    return {
        "title": campaign.title,
        "subject": campaign.subject,
        "html_content": campaign.html_content,
        "plain_content": campaign.plain_content,
        "generates_plain": "on",
        "sender": campaign.sender_id or "",
        "lists": [each.pk for each in campaign.lists.all()],
        "suppression_group": campaign.suppression_group_id or "",
        "scheduling": "now",
        "spread_seconds": 0,
        "window_time_zone": campaign.account.time_zone,
        **changes,
    }


@pytest.fixture
def draft(alice: Account) -> Campaign:
    """Create a complete draft of Alice to 3 contacts."""
    return ready_campaign(alice)


@pytest.fixture
def sending(alice: Account, deliverer: Deliverer) -> Campaign:
    """Create a campaign of Alice to 3 contacts, with messages that exist and are not sent."""
    campaign = ready_campaign(alice)
    send_now(alice, campaign.pk)
    expand_all()
    return again(campaign)


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
    assert "is frozen: none of its mail is sent until the thaw" in operator.get(change_page(sending)).text


@further
def test_the_red_cross_asks_in_a_window_and_turns_the_status_to_cancelled(
    operator: Client, alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    campaign = ready_campaign(alice, recipients=300, rate_per_minute=1200)
    send_now(alice, campaign.pk)
    run_fleet(deliverer, rounds=1)
    gone = len(peer.recipients)
    assert 0 < gone < 300
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
    assert f"{gone:,} messages were sent" in done.text
    assert again(campaign).status == CampaignStatus.CANCELLED
    assert "Cancelled" in done.text
    assert "Cancel this campaign" not in done.text
    run_fleet(deliverer)
    assert len(peer.recipients) == gone
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


MISTAKES: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    (
        {"title": "", "scheduling": "at", "rate_per_minute": "0", "lists": ["999999"]},
        ("This field is required.", "Enter a time.", "greater than or equal to 1", "Select a valid choice"),
    ),
    (
        {"scheduling": "at", "send_at": "2020-01-01T10:00", "window_from": "08:00"},
        ("This time has passed.", "Enter both the start and the end."),
    ),
    ({"window_time_zone": "Mars/Olympus"}, ("There is no time zone with this name.",)),
    ({"window_from": "08:00", "window_to": "08:00"}, ("The window would never be open.",)),
    ({"custom_unsubscribe_url": "https://example.com/leave"}, ("an unsubscribe group or a custom link, not both",)),
    ({"html_content": "a\n{{#loop x}}{{/loop}}"}, ("Line 2, column 4: unknown helper &quot;loop&quot;.",)),
]
"""The fields of a form, and the errors that are shown beside each of them."""


@further
def test_errors_are_shown_beside_the_form_fields(operator: Client, draft: Campaign) -> None:
    for changes, messages in MISTAKES:
        answer = operator.post(change_page(draft), typed(draft, **{"subject": "Typed again", **changes}))
        assert answer.status_code == 200
        for message in messages:
            assert message in answer.text, message
        assert "Typed again" in answer.text
        assert again(draft).subject != "Typed again"


def test_objects_of_another_account_cannot_be_chosen(operator: Client, draft: Campaign, charlie: Account) -> None:
    other = ready_campaign(charlie)
    chosen = typed(draft, lists=[each.pk for each in other.lists.all()], sender=other.sender_id)
    assert "Select a valid choice" in operator.post(change_page(draft), chosen).text
    assert again(draft).sender_id == draft.sender_id


@further
def test_only_drafts_and_failed_campaigns_are_edited(operator: Client, sending: Campaign) -> None:
    page = operator.get(change_page(sending)).text
    assert 'name="subject"' not in page
    assert 'name="_send"' not in page
    answer = operator.post(change_page(sending), typed(sending, subject="Too late"))
    assert answer.status_code == 403
    assert again(sending).subject == "News for [%first_name | you%]"


@pytest.mark.parametrize("status", few_by_default(CampaignStatus, CampaignStatus.SENDING))
def test_the_buttons_are_those_of_the_status(operator: Client, draft: Campaign, status: CampaignStatus) -> None:
    launch = Launch.objects.first()
    if status not in {CampaignStatus.DRAFT, CampaignStatus.SCHEDULED, CampaignStatus.FAILED}:
        launch = send_now(draft.account, draft.pk).launch
    Campaign.objects.filter(pk=draft.pk).update(status=status, launch=launch, begins_at=database_now() + HOUR)

    listed = links(operator.get(CAMPAIGNS).text, draft)

    assert listed == {move.name for move in MOVES if status in move.allowed_from}
    for move in MOVES:
        answer = operator.get(f"{CAMPAIGNS}{draft.pk}/{move.name}/")
        assert answer.status_code == (200 if move.name in listed else 302)
    assert again(draft).status == status, "looking changes nothing"


def test_a_user_with_view_permission_has_no_buttons_and_is_refused(draft: Campaign, alice: Account) -> None:
    running = ready_campaign(alice)
    send_now(alice, running.pk)
    with logged_in("vera", may=(VIEW,)) as viewer:
        listed = viewer.get(CAMPAIGNS).text
        assert links(listed, draft) | links(listed, running) == set()
        page = viewer.get(change_page(draft)).text
        assert links(page, draft) == set()
        assert 'name="_send"' not in page
        for campaign in (draft, running):
            for move in MOVES:
                assert viewer.get(f"{CAMPAIGNS}{campaign.pk}/{move.name}/").status_code == 403
                assert press(viewer, campaign, move.name).status_code == 403
        assert viewer.post(change_page(draft), typed(draft, subject="x")).status_code == 403
        assert viewer.get(f"{CAMPAIGNS}add/").status_code == 403
    with logged_in("paul", may=("campaigns.change_campaign",)) as blind:
        assert press(blind, running, "cancel").status_code == 403
    assert {again(draft).status, again(running).status} == {CampaignStatus.DRAFT, CampaignStatus.QUEUED}
    with logged_in("nora", may=("batches.view_batch",)) as stranger:
        assert stranger.get(CAMPAIGNS).status_code == 403
        assert stranger.get(f"{change_page(running)}?live=1").status_code == 403
        assert stranger.get(f"{CAMPAIGNS}?live=1&rows={running.pk}").status_code == 403


def test_a_user_without_the_permission_to_delete_gets_no_delete_button(draft: Campaign) -> None:
    with logged_in("carl", may=(VIEW, "campaigns.change_campaign")) as client:
        offered = links(client.get(CAMPAIGNS).text, draft)
        assert "send" in offered
        assert not offered & {"delete", "duplicate"}
        assert press(client, draft, "delete").status_code == 403


@further
@pytest.mark.parametrize("move", few_by_default(["cancel", "pause", "delete"], "cancel"))
def test_two_changes_at_one_moment_give_a_message(operator: Client, sending: Campaign, move: str) -> None:
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("begin")
            cursor.execute("select id from campaigns_campaign where id = %s for update", [sending.pk])
            answer = press(operator, sending, move)
    finally:
        other.close()
    assert answer.status_code == 200
    assert "another change of this campaign was under way" in answer.text
    assert again(sending).status == sending.status


@further
def test_an_edit_during_another_change_keeps_the_form_fields(operator: Client, draft: Campaign) -> None:
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("begin")
            cursor.execute("select id from campaigns_campaign where id = %s for update", [draft.pk])
            answer = operator.post(change_page(draft), typed(draft, subject="Typed again"))
    finally:
        other.close()
    assert answer.status_code == 200
    assert "Typed again" in answer.text
    assert "Another change of this campaign was under way" in answer.text
    assert again(draft).subject == draft.subject


@further
def test_what_was_saved_with_a_wrong_template_cannot_be_sent(operator: Client, draft: Campaign) -> None:
    Campaign.objects.filter(pk=draft.pk).update(subject="{{#if city}}a")
    page = unescape(operator.get(f"{CAMPAIGNS}{draft.pk}/send/", follow=True).text)
    assert 'It cannot be sent yet. In subject, line 1, column 4: the block "if" has no end.' in page


@further
def test_somebody_was_first(operator: Client, sending: Campaign, alice: Account) -> None:
    pause_campaign(alice, sending.pk, actor="key Website")
    answer = press(operator, sending, "pause")
    assert "Nothing was changed: the campaign is paused." in unescape(answer.text)


@further
def test_the_rows_of_running_campaigns_are_refreshed_together(
    operator: Client, sending: Campaign, draft: Campaign, deliverer: Deliverer
) -> None:
    poll = f"{CAMPAIGNS}?live=1&rows={sending.pk}"
    assert f'hx-get="{poll}"' in unescape(operator.get(CAMPAIGNS).text), "rows of drafts are not refreshed"
    before = operator.get(poll).text
    assert f'id="cross-{sending.pk}" hx-swap-oob="true"' in before
    assert "Cancel this campaign" in before
    assert "3 waiting" in strip_tags(before)
    run_fleet(deliverer)

    ended = operator.get(poll).text

    assert ">Sent<" in re.sub(r"\s", "", ended)
    assert "3 sent" in strip_tags(ended)
    assert "Cancel this campaign" not in ended
    assert "rows=" not in operator.get(CAMPAIGNS).text
    assert operator.get(f"{CAMPAIGNS}?live=1&rows=x,{'9' * 30},-1,{draft.pk},{draft.pk}").status_code == 200


def test_the_page_of_a_running_campaign_refreshes_itself(
    operator: Client, sending: Campaign, deliverer: Deliverer
) -> None:
    poll = f"{change_page(sending)}?live=1"
    page = operator.get(change_page(sending)).text
    assert f'hx-get="{poll}"' in page
    assert "Why it waits" in page
    run_fleet(deliverer)

    ended = operator.get(poll).text

    assert '<div id="live" hx-swap-oob="innerHTML">' in ended
    assert ">Sent<" in re.sub(r"\s", "", ended)
    assert "Why it waits" not in ended
    assert "Pause" not in ended
    assert operator.get(f"{CAMPAIGNS}999999/change/?live=1").status_code == 404


@further
def test_the_timeline_says_what_happened_and_who_did_it(operator: Client, draft: Campaign, alice: Account) -> None:
    operator.post(change_page(draft), typed(draft, title="News of June"))
    moment = database_now() + HOUR
    press(operator, draft, "send")
    press(operator, draft, "pause", reason="wait for the lawyer")
    press(operator, draft, "cancel", reason="withdrawn")
    page = re.sub(r"\s+", " ", unescape(re.sub("<[^>]*>", " ", operator.get(change_page(draft)).text)))
    entries = (
        "It was created.",
        "Changed Title. By operator olga.",
        "It began.",
        "It is being sent. By operator olga.",
        "Pause: 0 messages were sent, 0 were stopped. By operator olga. Reason: wait for the lawyer",
        "Cancel: 0 messages were sent, 0 were stopped. By operator olga. Reason: withdrawn",
        "The campaign ended.",
    )
    places = [page.find(entry) for entry in entries]
    assert -1 not in places, dict(zip(entries, places, strict=True))
    assert sorted(places) == places

    other = ready_campaign(alice)
    schedule_campaign(alice, other.pk, moment)
    assert f"{moment:%Y-%m-%d %H:%M:%S} UTC It will begin." in re.sub(
        r"\s+", " ", re.sub("<[^>]*>", " ", operator.get(change_page(other)).text)
    )


@further
def test_the_figures_lead_to_the_messages(operator: Client, sending: Campaign, deliverer: Deliverer) -> None:
    run_fleet(deliverer)
    assert sending.launch is not None
    batch = sending.launch.batch
    page = unescape(operator.get(change_page(sending)).text)
    messages = f"/admin/mailer/message/?batch={batch.public_id}"
    for link in (messages, f"{messages}&state=sent", f"{messages}&state=waiting"):
        assert f'href="{link}"' in page, link
    assert f"/admin/batches/batch/{batch.pk}/change/" in page
    listed = operator.get(f"{messages}&state=sent").text
    assert listed.count("r1@example.com") == 1


@further
def test_the_list_costs_the_same_for_one_and_for_many(operator: Client, draft: Campaign, alice: Account) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            operator.get(CAMPAIGNS)
        return len(queries)

    send_now(alice, draft.pk)
    operator.get(CAMPAIGNS)
    one = cost()
    for _ in range(5):
        send_now(alice, ready_campaign(alice, recipients=0, is_to_all=True).pk)
    assert cost() == one


@further
def test_the_list_is_searched_and_filtered(operator: Client, draft: Campaign, charlie: Account) -> None:
    other = ready_campaign(charlie, title="Winter sale")
    schedule_campaign(charlie, other.pk, database_now() + HOUR)

    def listed(query: str) -> set[str]:
        page = operator.get(f"{CAMPAIGNS}?{query}").text
        return {campaign.title for campaign in (draft, other) if change_page(campaign) in page}

    assert listed("") == {draft.title, other.title}
    assert listed("q=winter") == {other.title}
    assert listed("status__exact=1") == {other.title}
    assert listed(f"account={charlie.pk}") == {other.title}


def test_hostile_titles_are_harmless(operator: Client, alice: Account) -> None:
    campaign = ready_campaign(alice, title=HOSTILE, subject=HOSTILE)
    for path in (
        CAMPAIGNS,
        change_page(campaign),
        f"{CAMPAIGNS}{campaign.pk}/send/",
        f"{CAMPAIGNS}{campaign.pk}/delete/",
    ):
        assert HOSTILE not in operator.get(path).text
    assert HOSTILE not in press(operator, campaign, "send").text


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


@further
def test_the_failures_of_a_campaign_are_grouped_by_reply(
    operator: Client, alice: Account, draft: Campaign, deliverer: Deliverer, peer: CountingPeer
) -> None:
    failures = f"{CAMPAIGNS}{draft.pk}/failures/"
    assert operator.get(failures).status_code == 404, "it has no messages"
    assert failures not in operator.get(change_page(draft)).text
    peer.replies |= {"r0@example.com": "550 5.7.1 no news", "r1@example.com": "550 5.7.1 no news"}
    send_now(alice, draft.pk)
    run_fleet(deliverer)
    assert failures in operator.get(change_page(draft)).text
    page = operator.get(failures).text
    assert "Failures of campaign News of May" in page
    assert "550 5.7.1 no news" in page
    assert 'name="day"' in page
    assert 'name="batch"' not in page
    reason = re.search(rf'href="({failures}[^"]*reason=[^"]+)"', page)
    assert reason
    assert "r1@example.com" in operator.get(unescape(reason[1])).text
    assert "550 5.7.1" not in operator.get(f"{failures}?day=2020-01-01").text
    assert operator.get(f"{failures}?day=never").status_code == 400
    with logged_in("ivan", may=(VIEW,)) as client:
        assert client.get(failures).status_code == 403
        assert failures not in client.get(change_page(draft)).text
