"""Operators enter and read the times of campaigns in the time zone of the account."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from accounts.models import Account
from campaigns.lifecycle import schedule_campaign
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from foundation.clock import database_now
from foundation.zones import UnclearTime, read_wall_clock, write_zoned
from tests.campaigns.admin_pages import CAMPAIGNS, change_page, press, typed
from tests.campaigns.building import again, ready_campaign
from tests.examples import further

KIRITIMATI = ZoneInfo("Pacific/Kiritimati")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def draft(alice: Account) -> Campaign:
    """Create a complete draft of Alice, whose time zone is 14 hours ahead of UTC."""
    Account.objects.filter(pk=alice.pk).update(time_zone=KIRITIMATI.key)
    alice.refresh_from_db()
    return ready_campaign(alice)


def test_a_time_is_entered_and_shown_in_the_time_zone_of_the_account(operator: Client, draft: Campaign) -> None:
    moment = (database_now() + dt.timedelta(hours=3)).replace(second=0, microsecond=0)
    there = f"{moment.astimezone(KIRITIMATI):%Y-%m-%dT%H:%M}"
    shown = f"{moment.astimezone(KIRITIMATI):%Y-%m-%d %H:%M:%S} Pacific/Kiritimati"
    assert "Time (Pacific/Kiritimati)" in operator.get(change_page(draft)).text

    question = operator.post(change_page(draft), typed(draft, scheduling="at", send_at=there, _send=""), follow=True)
    assert f"It will be sent at {shown}." in question.text
    assert f"it will be sent at {shown}" in press(operator, draft, "send").text
    assert again(draft).send_at == moment
    assert f"will be sent at {shown}" in operator.get(CAMPAIGNS).text

    reschedule = operator.get(f"{CAMPAIGNS}{draft.pk}/reschedule/").text
    assert "Time (Pacific/Kiritimati)" in reschedule
    assert f'value="{there}"' in reschedule
    later = moment + dt.timedelta(days=1)
    press(operator, draft, "reschedule", send_at=f"{later.astimezone(KIRITIMATI):%Y-%m-%dT%H:%M}")
    assert again(draft).send_at == later


def test_a_time_that_was_not_changed_keeps_its_seconds(operator: Client, draft: Campaign, alice: Account) -> None:
    moment = database_now() + dt.timedelta(hours=3)
    Campaign.objects.filter(pk=draft.pk).update(send_at=moment)
    there = f"{moment.astimezone(KIRITIMATI):%Y-%m-%dT%H:%M}"
    operator.post(change_page(draft), typed(draft, title="June", scheduling="at", send_at=there))
    assert (again(draft).title, again(draft).send_at) == ("June", moment)


@further
def test_local_time_is_meant_in_the_time_zone_in_which_it_was_entered(operator: Client, draft: Campaign) -> None:
    operator.post(change_page(draft), typed(draft, is_local_time="on"))
    assert again(draft).time_zone == KIRITIMATI.key

    moment = dt.datetime(2030, 7, 1, 7, tzinfo=dt.UTC)
    Campaign.objects.filter(pk=draft.pk).update(time_zone=BERLIN.key, send_at=moment)
    page = operator.get(change_page(draft)).text
    assert "Time (Europe/Berlin)" in page
    assert 'value="2030-07-01T09:00"' in page
    assert "planned for 2030-07-01 09:00:00 in the time zone of each contact" in page


@further
def test_a_new_campaign_and_its_window_have_the_time_zone_of_the_account(operator: Client, draft: Campaign) -> None:
    page = operator.post(f"{CAMPAIGNS}add/", {"account": draft.account_id, "title": "June"}, follow=True).text
    assert Campaign.objects.get(title="June").time_zone == KIRITIMATI.key
    assert 'name="window_time_zone" value="Pacific/Kiritimati"' in page


@further
def test_a_time_that_the_clocks_skip_or_repeat_is_refused(operator: Client, alice: Account) -> None:
    skipped, repeated = _changes_of_clock()
    Account.objects.filter(pk=alice.pk).update(time_zone=BERLIN.key)
    campaign = ready_campaign(alice)
    for day, reason in ((skipped, "skip 02:30"), (repeated, "show 02:30 twice")):
        answer = operator.post(change_page(campaign), typed(campaign, scheduling="at", send_at=f"{day}T02:30"))
        assert f"The clocks of Europe/Berlin {reason} on this day" in answer.text
    assert again(campaign).send_at is None

    # An API may schedule for such a time. It is explained, and stays as it is.
    first = dt.datetime.combine(repeated, dt.time(0, 30), dt.UTC)
    schedule_campaign(alice, campaign.pk, first)
    assert f"{repeated} 02:30:00 Europe/Berlin (UTC+0200)" in operator.get(change_page(campaign)).text
    press(operator, campaign, "reschedule", send_at=f"{repeated}T02:30")
    assert (again(campaign).status, again(campaign).send_at) == (CampaignStatus.SCHEDULED, first)


def _changes_of_clock() -> tuple[dt.date, dt.date]:
    """Return the next days on which clocks in Berlin are put forward and back."""
    today = database_now().date()
    sundays = [day for n in range(1, 366) if (day := today + dt.timedelta(days=n)).weekday() == 6]
    last = {day.month: day for day in sundays if (day + dt.timedelta(days=7)).month != day.month}
    return last[3], last[10]


@further
def test_the_time_zone_is_set_on_the_page_of_the_account(operator: Client, alice: Account) -> None:
    page = f"/admin/accounts/account/{alice.pk}/change/"
    assert '<option value="Europe/Berlin">' in operator.get(page).text
    form = {"username": "alice", "doubt_policy": 0, "keys-TOTAL_FORMS": 0, "keys-INITIAL_FORMS": 0}
    refused = operator.post(page, form | {"time_zone": "Mars/Olympus"})
    assert "There is no time zone with this name." in refused.text
    assert operator.post(page, form | {"time_zone": BERLIN.key}).status_code == 302
    alice.refresh_from_db()
    assert alice.zone == BERLIN


def test_wall_clocks_are_read_and_written_in_a_time_zone() -> None:
    summer, winter = (dt.datetime(2026, 10, 25, hour, 30, tzinfo=dt.UTC) for hour in (0, 1))
    assert write_zoned(summer, BERLIN) == "2026-10-25 02:30:00 Europe/Berlin (UTC+0200)"
    assert write_zoned(winter, BERLIN) == "2026-10-25 02:30:00 Europe/Berlin (UTC+0100)"
    assert write_zoned(dt.datetime(2026, 7, 1, 7, tzinfo=dt.UTC), BERLIN) == "2026-07-01 09:00:00 Europe/Berlin"
    assert write_zoned(None, BERLIN) == ""
    assert read_wall_clock(dt.datetime.fromisoformat("2026-07-01 09:00"), BERLIN) == dt.datetime(
        2026, 7, 1, 7, tzinfo=dt.UTC
    )
    with pytest.raises(UnclearTime, match="Enter 01:30 or 03:30"):
        read_wall_clock(dt.datetime.fromisoformat("2026-03-29 02:30"), BERLIN)
    with pytest.raises(UnclearTime, match="at 00:30 and at 01:30 UTC"):
        read_wall_clock(dt.datetime.fromisoformat("2026-10-25 02:30"), BERLIN)
