"""A campaign's audience becomes messages: one for each contact, none for excluded ones, at the campaign's pace."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts.models import Account
from audience.models import Contact, FieldDefinition, Segment
from audience.query.condition_json import to_json
from audience.query.conditions import And
from batches.models import Parcel
from campaigns import launch as launching
from campaigns import pacer
from campaigns.editing import edit_campaign
from campaigns.launch import expand, expand_page
from campaigns.lifecycle import cancel_campaign, pause_campaign, resume_campaign, schedule_campaign, send_now
from campaigns.models import Campaign, Launch
from campaigns.states import CampaignStatus
from campaigns.statistics import days_of, statistics_of
from campaigns.terms import change_account_terms, change_terms
from content.settings import change_setting
from foundation.clock import database_now
from mailer.models import Message, Suppression, SuppressionKind
from mailer.pipeline.deliver import Deliverer
from tests.campaigns.building import add_contacts, add_list, again, expand_all, ready_campaign, run_fleet
from tests.conftest import Clock
from tests.examples import further
from tests.peer import CountingPeer


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use pages of four contacts, in parcels of up to three."""
    monkeypatch.setattr(pacer, "PAGE", 4)
    monkeypatch.setattr(pacer, "PARCEL_SIZE", 3)


def launched(campaign: Campaign, account: Account) -> Launch:
    launch = send_now(account, campaign.pk).launch
    assert launch is not None
    return launch


def test_an_audience_of_several_lists_gets_it_once_each(alice: Account, small_pages: None) -> None:
    campaign = ready_campaign(alice, recipients=9)
    members = list(Contact.objects.order_by("id"))
    more = add_contacts(alice, ["x@example.com"])
    others = add_list(alice, [*members[3:6], *more], "others")
    edit_campaign(alice, campaign.pk, {"lists": [*(each.pk for each in campaign.lists.all()), others.pk]})

    expand(launched(campaign, alice).pk)

    recipients = list(Message.objects.order_by("id").values_list("recipient", flat=True))
    assert sorted(recipients) == sorted([*(f"r{n}@example.com" for n in range(9)), "x@example.com"])
    assert [parcel.size for parcel in Parcel.objects.order_by("id")] == [3, 1, 3, 1, 2]
    launch = Launch.objects.get()
    assert (launch.recipients, launch.is_complete) == (10, True)


@pytest.mark.parametrize("audience", ["everybody", "a segment of everybody"])
def test_no_contact_of_another_account_is_in_the_audience(alice: Account, charlie: Account, audience: str) -> None:
    add_contacts(charlie, ["his@example.com"])
    campaign = ready_campaign(alice, lists=[], is_to_all=audience == "everybody")
    campaign.segments.add(Segment.objects.create(account=alice, name="all", condition=to_json(And()), written=""))

    expand(launched(campaign, alice).pk)

    assert sorted(Message.objects.values_list("recipient", flat=True)) == [f"r{n}@example.com" for n in range(3)]


def test_suppressed_contacts_and_those_without_an_address_are_left_out_and_counted(
    alice: Account, charlie: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    campaign = ready_campaign(alice, recipients=6)
    contacts = list(Contact.objects.order_by("id"))
    nameless = Contact.objects.create(account=alice, external_id="7")
    edit_campaign(
        alice, campaign.pk, {"lists": [add_list(alice, [*contacts, nameless], "with one who has no address").pk]}
    )
    suppress(alice, "r0@example.com", SuppressionKind.GLOBAL)
    suppress(alice, "r1@example.com", SuppressionKind.BOUNCE)
    suppress(alice, "r2@example.com", SuppressionKind.BLOCK)
    suppress(alice, "r3@example.com", SuppressionKind.GROUP, group=campaign.suppression_group)
    suppress(charlie, "r4@example.com", SuppressionKind.GLOBAL)

    send_now(alice, campaign.pk)
    run_fleet(deliverer)

    assert sorted(peer.recipients) == ["r2@example.com", "r4@example.com", "r5@example.com"]
    launch = Launch.objects.get()
    assert (launch.recipients, launch.unsubscribed, launch.invalid) == (3, 3, 1)
    statistics = statistics_of([again(campaign)])[campaign.pk]
    assert (statistics.recipients, statistics.left_out, statistics.sent) == (3, 4, 3)
    assert sum(day.sent for day in days_of(again(campaign), ZoneInfo("UTC"))) == 3


@further
def test_an_exempt_contact_is_sent_mail_in_spite_of_a_suppression(
    alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    campaign = ready_campaign(alice)
    for email in ("r0@example.com", "r1@example.com"):
        suppress(alice, email, SuppressionKind.BOUNCE)
    change_setting(alice, "address_whitelist", {"enabled": True, "list": ["r0@example.com"]})

    send_now(alice, campaign.pk)
    run_fleet(deliverer)

    assert sorted(peer.recipients) == ["r0@example.com", "r2@example.com"]


def test_a_contact_who_unsubscribes_after_the_launch_gets_no_mail(
    alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    campaign = ready_campaign(alice)
    send_now(alice, campaign.pk)
    expand_all()
    suppress(alice, "r1@example.com", SuppressionKind.GLOBAL)

    run_fleet(deliverer)

    assert sorted(peer.recipients) == ["r0@example.com", "r2@example.com"]
    assert statistics_of([again(campaign)])[campaign.pk].dropped == 1


def suppress(account: Account, email: str, kind: SuppressionKind, **fields: Any) -> None:
    Suppression.objects.create(account=account, email=email, kind=kind, **fields)


def test_contacts_made_after_the_launch_do_not_belong_to_it(alice: Account) -> None:
    campaign = ready_campaign(alice, is_to_all=True)
    send_now(alice, campaign.pk)
    add_contacts(alice, ["late@example.com"])

    expand_all()

    assert Message.objects.count() == 3


def test_texts_are_filled_in_with_the_contacts_values_as_they_were_at_the_launch(
    alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    city = FieldDefinition.objects.create(account=alice, name="Favourite city", type="text")
    campaign = ready_campaign(
        alice,
        subject="For [%first_name%]",
        html_content="<p>{{first_name}} [%favourite city | nowhere%] [unsubscribe]</p>",
        plain_content="{{{first_name}}} [%favourite city | nowhere%] [unsubscribe]",
    )
    Contact.objects.filter(email="r0@example.com").update(
        first_name="<b>Ann</b>\r\nBcc: x@example.com", custom={str(city.pk): "Köln"}
    )
    send_now(alice, campaign.pk)
    expand_all()
    Contact.objects.update(first_name="Later")

    deliverer.deliver_due(seconds=5)

    data = {taken.recipient: taken.data for taken in peer.ledger}
    mine = data["r0@example.com"].decode()
    assert "Subject: For <b>Ann</b> Bcc: x@example.com\r\n" in mine
    assert "&lt;b&gt;Ann" in mine
    assert "K=C3=B6ln" in mine
    assert "nowhere" in data["r1@example.com"].decode()
    assert len(peer.recipients) == 3


@further
def test_messengers_and_the_unique_name_are_filled_in(alice: Account, deliverer: Deliverer, peer: CountingPeer) -> None:
    campaign = ready_campaign(alice, plain_content="{{unique_name}}: [%line | no line%] {{facebook}} [unsubscribe]")
    Contact.objects.filter(email="r0@example.com").update(unique_name="Annie", line="ann.l", first_name="Ann")
    Contact.objects.filter(email="r1@example.com").update(first_name="Bob", last_name="Ray", facebook="ray.fb")
    send_now(alice, campaign.pk)
    expand_all()
    deliverer.deliver_due(seconds=5)
    data = {taken.recipient: taken.data.decode() for taken in peer.ledger}
    assert "Annie: ann.l" in data["r0@example.com"]
    assert "Bob Ray: no line ray.fb" in data["r1@example.com"], "who has no unique name has the two names"


def test_an_expansion_killed_anywhere_continues_after_its_last_page(
    alice: Account, small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = ready_campaign(alice, recipients=10)
    launch = launched(campaign, alice)
    expand_page(launch.pk)

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(pacer.Pacer, "note", die)
        with pytest.raises(Killed):
            expand_page(launch.pk)
    with monkeypatch.context() as dying:
        dying.setattr(launching, "_give_hints", die)
        with pytest.raises(Killed):
            expand_page(launch.pk)
    expand(launch.pk)

    recipients = list(Message.objects.values_list("recipient", flat=True))
    assert sorted(recipients) == sorted(f"r{n}@example.com" for n in range(10))


def test_while_one_worker_expands_another_finds_nothing_to_do(alice: Account) -> None:
    launch = launched(ready_campaign(alice), alice)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("begin")
            cursor.execute("select from campaigns_launch where id = %s for update", [launch.pk])
            assert expand_page(launch.pk) is None
            cursor.execute("rollback")
    finally:
        other.close()
    assert expand(launch.pk) == 3
    assert expand(launch.pk) == 0


def test_a_paused_campaign_does_not_expand_and_a_resumed_one_does(alice: Account, small_pages: None) -> None:
    campaign = ready_campaign(alice, recipients=6)
    launch = launched(campaign, alice)
    expand_page(launch.pk)

    pause_campaign(alice, campaign.pk, actor="test")
    assert expand(launch.pk) == 0
    resume_campaign(alice, campaign.pk, actor="test")

    assert expand(launch.pk) == 2


# --- pace -------------------------------------------------------------------------------------------------------------


def arrivals(peer: CountingPeer) -> int:
    return len(peer.recipients)


@further
def test_a_rate_holds_and_can_be_changed_while_it_runs(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    campaign = ready_campaign(alice, recipients=30, rate_per_minute=6)
    send_now(alice, campaign.pk)

    run_fleet(deliverer)
    assert arrivals(peer) == 1
    clock.advance(seconds=60)
    run_fleet(deliverer)
    assert 6 <= arrivals(peer) <= 7

    before = arrivals(peer)
    change_terms(alice, campaign.pk, {"rate_per_minute": 12})
    clock.advance(seconds=50)
    run_fleet(deliverer)
    assert 10 <= arrivals(peer) - before <= 12

    change_terms(alice, campaign.pk, {"rate_per_minute": None})
    run_fleet(deliverer)
    assert arrivals(peer) == 30
    assert not peer.doubled


@further
def test_a_spread_reaches_over_its_time(alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock) -> None:
    campaign = ready_campaign(alice, recipients=20, spread_seconds=3600)
    send_now(alice, campaign.pk)
    run_fleet(deliverer)

    clock.advance(seconds=1800)
    run_fleet(deliverer)
    assert 10 <= arrivals(peer) <= 11
    clock.advance(seconds=1800)
    run_fleet(deliverer)

    assert arrivals(peer) == 20
    times = list(Parcel.objects.order_by("send_at").values_list("send_at", flat=True))
    assert abs((times[-1] - times[0]).total_seconds() - 3600 * 19 / 20) < 2


@further
@pytest.mark.parametrize("terms", [{"spread_seconds": 3600}, {"rate_per_minute": 1}])
def test_a_spread_can_be_changed_and_begun_while_it_runs(
    terms: dict[str, int], alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    campaign = ready_campaign(alice, recipients=20, **terms)
    send_now(alice, campaign.pk)
    run_fleet(deliverer)
    before = arrivals(peer)
    assert before == 1

    change_terms(alice, campaign.pk, {"spread_seconds": 1200, "rate_per_minute": None})
    clock.advance(seconds=601)
    run_fleet(deliverer)
    assert 10 <= arrivals(peer) - before <= 11
    clock.advance(seconds=600)
    run_fleet(deliverer)

    assert arrivals(peer) == 20
    assert not peer.doubled


def test_outside_its_window_a_campaign_waits_and_a_changed_window_counts(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    now = database_now()
    opens = now + dt.timedelta(hours=2)
    campaign = ready_campaign(alice, window=window_from(opens, hours=3))

    send_now(alice, campaign.pk)
    run_fleet(deliverer)
    assert arrivals(peer) == 0
    assert again(campaign).begins_at is not None
    change_terms(alice, campaign.pk, {"window": window_from(opens + dt.timedelta(hours=1), hours=3)})
    clock.advance(hours=2.5)
    run_fleet(deliverer)
    assert arrivals(peer) == 0
    clock.advance(hours=1)
    run_fleet(deliverer)

    assert arrivals(peer) == 3


def window_from(opens: dt.datetime, *, hours: int) -> dict[str, Any]:
    opens = opens.replace(second=0, microsecond=0)
    closes = opens + dt.timedelta(hours=hours)
    return {
        "time_zone": "UTC",
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "from": opens.strftime("%H:%M"),
        "to": closes.strftime("%H:%M"),
    }


@further
def test_each_contact_gets_it_when_it_is_as_late_where_they_are(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    campaign = ready_campaign(alice, recipients=4, is_local_time=True, time_zone="UTC")
    for n, zone in enumerate(["Etc/GMT-3", "Etc/GMT+2", "", "no zone"]):
        Contact.objects.filter(email=f"r{n}@example.com").update(time_zone=zone)
    schedule_campaign(alice, campaign.pk, database_now() + dt.timedelta(hours=20))

    def arrived_after(hours: float) -> set[str]:
        clock.advance(hours=hours)
        run_fleet(deliverer)
        return set(peer.recipients)

    assert arrived_after(16.9) == set()
    assert arrived_after(0.2) == {"r0@example.com"}
    change_terms(alice, campaign.pk, {"rate_per_minute": 600})
    assert arrived_after(2.8) == {"r0@example.com"}
    assert arrived_after(0.2) == {"r0@example.com", "r2@example.com", "r3@example.com"}
    assert arrived_after(1.8) == {"r0@example.com", "r2@example.com", "r3@example.com"}
    assert len(arrived_after(0.3)) == 4


def test_an_accounts_rate_holds_for_all_its_campaigns_together(
    alice: Account, charlie: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    change_account_terms(alice, rate_per_minute=6, undo_seconds=0)
    for _ in range(2):
        campaign = ready_campaign_of_others(alice)
        send_now(alice, campaign.pk)
    send_now(charlie, ready_campaign(charlie, recipients=2).pk)

    run_fleet(deliverer)
    assert arrivals(peer) == 1 + 2
    clock.advance(seconds=60)
    run_fleet(deliverer)
    assert 6 <= arrivals(peer) - 2 <= 7
    change_account_terms(alice, rate_per_minute=None, undo_seconds=0)
    run_fleet(deliverer)

    assert arrivals(peer) == 22
    assert not peer.doubled


@further
def test_a_campaign_gives_back_the_times_it_had_under_its_accounts_rate(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    change_account_terms(alice, rate_per_minute=1, undo_seconds=0)
    campaign = ready_campaign(alice)
    send_now(alice, campaign.pk)
    run_fleet(deliverer)
    assert arrivals(peer) == 1
    pause_campaign(alice, campaign.pk, actor="a test")
    resume_campaign(alice, campaign.pk, actor="a test")
    change_terms(alice, campaign.pk, {"rate_per_minute": 5})

    clock.advance(seconds=61)
    run_fleet(deliverer)

    assert arrivals(peer) == 3


@further
def test_a_campaign_is_paced_after_the_other_campaigns_of_its_account(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    change_account_terms(alice, rate_per_minute=1, undo_seconds=0)
    first, second = ready_campaign(alice), ready_campaign(alice)
    for campaign in (first, second):
        send_now(alice, campaign.pk)
    expand_all()

    change_terms(alice, first.pk, {"rate_per_minute": 1})

    ours, theirs = (Parcel.objects.filter(batch__launch__campaign=each) for each in (first, second))
    assert ours.earliest("send_at").send_at - theirs.latest("send_at").send_at == dt.timedelta(minutes=1)


@further
@pytest.mark.parametrize("is_prepared", [False, True])
def test_a_scheduled_campaign_whose_window_changes_begins_when_the_new_one_opens(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock, is_prepared: bool
) -> None:
    send_at = database_now().replace(second=0, microsecond=0) + dt.timedelta(hours=2, minutes=1)
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, send_at)
    if is_prepared:
        clock.advance(hours=1.99)
        run_fleet(deliverer)
        assert again(campaign).launch is not None

    change_terms(alice, campaign.pk, {"window": window_from(send_at + dt.timedelta(hours=3), hours=4)})

    assert again(campaign).begins_at == send_at + dt.timedelta(hours=3)
    clock.advance(hours=2.5)
    run_fleet(deliverer)
    assert arrivals(peer) == 0
    clock.advance(hours=3)
    run_fleet(deliverer)
    assert arrivals(peer) == 3


def test_a_prepared_campaign_that_is_edited_is_sent_with_the_changes(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, database_now() + dt.timedelta(minutes=1))
    run_fleet(deliverer)
    assert again(campaign).launch is not None

    edit_campaign(alice, campaign.pk, {"subject": "Corrected"}, allowed_from={CampaignStatus.SCHEDULED})
    clock.advance(seconds=61)
    run_fleet(deliverer)

    assert len(peer.ledger) == 3
    assert all(b"Subject: Corrected" in taken.data for taken in peer.ledger)


def ready_campaign_of_others(account: Account) -> Campaign:
    """Create a campaign to ten contacts that no other campaign of the test has."""
    taken = Contact.objects.count()
    contacts = add_contacts(account, [f"other{taken + n}@example.com" for n in range(10)])
    own = add_list(account, contacts, f"others {taken}")
    campaign = ready_campaign(account, recipients=0)
    return edit_campaign(account, campaign.pk, {"lists": [own.pk]})


@further
def test_a_paced_campaign_keeps_its_rate_after_a_pause(
    alice: Account, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    campaign = ready_campaign(alice, recipients=30, rate_per_minute=6)
    send_now(alice, campaign.pk)
    run_fleet(deliverer)
    pause_campaign(alice, campaign.pk, actor="test")
    clock.advance(seconds=180)
    run_fleet(deliverer)
    assert arrivals(peer) == 1

    resume_campaign(alice, campaign.pk, actor="test")
    run_fleet(deliverer)

    assert arrivals(peer) == 2
    clock.advance(seconds=60)
    run_fleet(deliverer)
    assert 7 <= arrivals(peer) <= 9
    receipt = cancel_campaign(alice, campaign.pk, actor="test")
    assert receipt is not None
    assert receipt.sent == arrivals(peer)
    assert receipt.sent + receipt.stopped == 30
