"""The pages of campaigns refuse wrong forms, users without a permission, and changes that come too late."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from accounts.models import Account
from campaigns.admin.moves import MOVES
from campaigns.lifecycle import pause_campaign, send_now
from campaigns.models import Campaign, Launch
from campaigns.states import CampaignStatus
from foundation.clock import database_now
from tests.campaigns.admin_pages import CAMPAIGNS, HOUR, VIEW, change_page, links, press, typed
from tests.campaigns.building import again, ready_campaign
from tests.examples import few_by_default, further
from tests.operators import logged_in

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
    ({"custom_unsubscribe_url": "javascript:alert(1)"}, ("Enter an http or https address of at most 900",)),
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
def test_a_move_that_comes_second_changes_nothing(operator: Client, sending: Campaign, alice: Account) -> None:
    pause_campaign(alice, sending.pk, actor="key Website")
    answer = press(operator, sending, "pause")
    assert "Nothing was changed: the campaign is paused." in unescape(answer.text)
