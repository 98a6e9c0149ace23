"""Test statistics of campaigns over time, which are read from counters."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from accounts.models import Account
from batches.models import Batch, Parcel
from campaigns.lifecycle import send_now
from campaigns.models import Campaign
from campaigns.statistics import NO_DROPS, Day, Drops, days_of, drops_of
from foundation.clock import database_now
from mailer.models import EventKind, SuppressionKind
from mailer.outcomes.writing import Entry, NewEvent, write_events
from tests.campaigns.building import again, expand_all, ready_campaign
from tests.conftest import Clock
from tests.examples import further

REFUSED = NewEvent(0, EventKind.REFUSED, suppression=SuppressionKind.BOUNCE)
REASONS = (SuppressionKind.BOUNCE, SuppressionKind.SPAM, SuppressionKind.SPAM, SuppressionKind.INVALID)
DROPPED = [NewEvent(0, EventKind.DROPPED, suppression=reason) for reason in (*REASONS, SuppressionKind.GLOBAL)]
IN_DOUBT = NewEvent(0, EventKind.IN_DOUBT)


def launched(account: Account) -> tuple[Campaign, Parcel]:
    """Launch a campaign, and return it with its parcel."""
    campaign = ready_campaign(account)
    send_now(account, campaign.pk)
    expand_all()
    return again(campaign), Parcel.objects.latest("pk")


def write(parcel: Parcel, at: dt.datetime, *events: NewEvent, sent: int = 0) -> None:
    """Write events of a parcel, and that messages were sent, at some time."""
    first_id = parcel.base * 512
    own = [event._replace(message_id=first_id) for event in events]
    entry = Entry(parcel, 1, events=own, sent=[(first_id + n, "250 ok") for n in range(sent)])
    write_events([entry], at)


def noon_tomorrow(clock: Clock) -> dt.datetime:
    noon = database_now().replace(hour=12, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)
    clock.advance(hours=72)
    return noon


def test_days_are_those_of_the_events(alice: Account, clock: Clock) -> None:
    campaign, parcel = launched(alice)
    noon = noon_tomorrow(clock)
    write(parcel, noon, REFUSED, sent=2)
    write(parcel, noon + dt.timedelta(minutes=59), *DROPPED, IN_DOUBT, sent=9)
    write(parcel, noon + dt.timedelta(hours=12), sent=1)
    drops = Drops(bounces=1, spam_reports=2, invalid=1)

    days = days_of(campaign, ZoneInfo("UTC"))
    assert days == [
        Day(noon.date(), recipients=17, sent=11, refused=1, drops=drops),
        Day(noon.date() + dt.timedelta(days=1), recipients=1, sent=1),
    ]
    assert drops_of(alice.pk, [campaign]) == {campaign.pk: drops}
    Parcel.objects.all().delete()
    assert days_of(campaign, ZoneInfo("UTC")) == days, "they outlive the parcels"
    only = days_of(campaign, ZoneInfo("UTC"), since=days[1].date, until=days[1].date)
    assert only == days[1:]


@further
def test_a_day_of_any_zone_begins_at_a_quarter_of_an_hour(alice: Account, clock: Clock) -> None:
    campaign, parcel = launched(alice)
    date = noon_tomorrow(clock).date()
    for name in ("Asia/Kathmandu", "Asia/Kolkata", "Australia/Eucla", "America/St_Johns", "Pacific/Kiritimati"):
        zone = ZoneInfo(name)
        before = days_of(campaign, zone, since=date, until=date)
        midnight = dt.datetime.combine(date, dt.time.min, zone)
        write(parcel, midnight, sent=1)
        write(parcel, midnight - dt.timedelta(seconds=1), sent=2)
        after = days_of(campaign, zone, since=date, until=date)
        assert sum(day.sent for day in after) == sum(day.sent for day in before) + 1, name


def test_nothing_of_another_campaign_or_account_is_counted(alice: Account, charlie: Account, clock: Clock) -> None:
    campaign, _ = launched(alice)
    noon = noon_tomorrow(clock)
    for account in (alice, charlie):
        _, parcel = launched(account)
        write(parcel, noon, DROPPED[0], sent=1)
    assert days_of(campaign, ZoneInfo("UTC")) == []
    assert drops_of(alice.pk, [campaign]) == {campaign.pk: NO_DROPS}


def test_a_draft_has_no_statistics(alice: Account) -> None:
    draft = ready_campaign(alice)
    assert days_of(draft, ZoneInfo("UTC")) == []
    assert drops_of(alice.pk, [draft]) == {draft.pk: NO_DROPS}
    assert not Batch.objects.filter(is_campaign=True).exists()
