"""Test the list of campaigns and the page of a campaign: what they show, and how they refresh."""

from __future__ import annotations

import re
from html import unescape

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from accounts.models import Account
from audience.lists import delete_list
from audience.models import ContactList
from campaigns.lifecycle import schedule_campaign, send_now
from campaigns.models import Campaign
from foundation.clock import database_now
from mailer.pipeline.deliver import Deliverer
from tests.campaigns.admin_pages import CAMPAIGNS, HOUR, VIEW, change_page, press, typed
from tests.campaigns.building import add_list, again, ready_campaign, run_fleet
from tests.examples import further
from tests.operators import logged_in
from tests.peer import CountingPeer

HOSTILE = "<script>alert(1)</script>"


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


def test_the_lists_of_a_campaign_keep_their_order_and_a_deleted_one_is_not_shown(
    operator: Client, alice: Account
) -> None:
    first, deleted, last = (add_list(alice, [], f"list of {name}") for name in ("Ann", "Bob", "Cleo"))
    campaign = ready_campaign(alice, lists=[last.pk, deleted.pk, first.pk])
    # PostgreSQL stores a changed row behind the others.
    ContactList.objects.filter(pk=first.pk).update(contact_count=1)
    delete_list(alice, deleted.pk)
    send_now(alice, campaign.pk)

    shown = operator.get(change_page(campaign)).text

    assert again(campaign).chosen_lists == [first, last]
    assert "list of Ann, list of Cleo" in shown
    assert "list of Bob" not in shown


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

    Campaign.objects.filter(pk=draft.pk).update(finished_at=database_now() - HOUR)
    assert "It began." not in operator.get(change_page(draft)).text, "it was cancelled before its time"

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
    cost_of_one = cost()
    for _ in range(5):
        send_now(alice, ready_campaign(alice, recipients=0, is_to_all=True).pk)
    assert cost() == cost_of_one


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
