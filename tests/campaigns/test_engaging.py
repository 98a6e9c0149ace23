"""Test engagements: they are recorded once, in sets, and never for the wrong contacts or campaigns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from accounts.models import Account
from audience.contacts import delete_contacts
from audience.models import Contact, Engagement, EngagementKind, LastTimes
from audience.query.sgql import read_query
from audience.query.vocabulary import vocabulary_of
from audience.segments import find_matching
from batches.models import PARCEL_SPAN, Parcel
from batches.states import ParcelState
from campaigns import engaging
from campaigns.engaging import engage, engage_page, hint_engaging
from campaigns.lifecycle import delete_campaign, send_now
from campaigns.models import Campaign
from foundation.clock import database_now
from mailer.models import Event, EventKind, Message, OutcomeNotice, Suppression, SuppressionKind
from mailer.outcomes.writing import Entry, write_events
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.leaving import find_link_holder, leave
from mailer.suppressions.links import Link
from tests.audience.conftest import emails
from tests.campaigns.building import add_contacts, expand_all, ready_campaign
from tests.conftest import Clock
from tests.examples import further
from tests.peer import CountingPeer
from tests.waiting import someone_waits_for_us, wait_until

Recorded = set[tuple[str, str]]


def recorded() -> Recorded:
    """Return the engagements, as the name before the `@` of the contact and the label of the kind."""
    names = {contact.pk: str(contact.email).partition("@")[0] for contact in Contact.objects.all()}
    return {(names[each.contact_id], EngagementKind(each.kind).label) for each in Engagement.objects.all()}


def deliver(campaign: Campaign, deliverer: Deliverer) -> None:
    """Send a campaign, without recording engagements."""
    send_now(campaign.account, campaign.pk)
    expand_all()
    deliverer.deliver_due(seconds=5)


def search(account: Account, query: str) -> set[str]:
    contacts = find_matching(account, read_query(query, vocabulary_of(account)), limit=50)
    return {email.partition("@")[0] for email in emails(contacts)}


@pytest.fixture
def campaign(alice: Account) -> Campaign:
    return ready_campaign(alice, recipients=3)


@pytest.fixture
def sent(campaign: Campaign, deliverer: Deliverer) -> Campaign:
    """Send a campaign to three contacts whose engagements are not recorded yet."""
    deliver(campaign, deliverer)
    assert (OutcomeNotice.objects.count(), Engagement.objects.count()) == (1, 0)
    return campaign


def test_every_outcome_is_recorded_for_its_contact(alice: Account, deliverer: Deliverer, peer: CountingPeer) -> None:
    campaign = ready_campaign(alice, recipients=12)
    send_now(alice, campaign.pk)
    expand_all()
    peer.replies |= {"r1@example.com": "550 5.1.1 unknown", "r2@example.com": "550 5.7.1 not from you"}
    Suppression.objects.create(account=alice, email="r3@example.com", kind=SuppressionKind.GLOBAL)
    deliverer.deliver_due(seconds=5)
    assert Event.objects.filter(members__isnull=False).exists(), "most of the sent messages share a row"
    message, group = Message.objects.get(recipient="r4@example.com"), campaign.suppression_group_id
    leave(find_link_holder(Link(alice.pk, group or 0, message.pk, message.recipient)))

    assert engage() == 13

    delivered = {f"r{n}" for n in range(12)} - {"r1", "r2", "r3"}
    assert recorded() == {(name, "delivered") for name in delivered} | {
        ("r1", "bounced"),
        ("r2", "blocked"),
        ("r3", "dropped"),
        ("r4", "unsubscribed"),
    }
    assert {each.campaign_id for each in Engagement.objects.all()} == {campaign.pk}
    times = LastTimes.objects.select_related("contact")
    assert {str(each.contact.email).partition("@")[0] for each in times} == delivered
    assert {each.last_emailed_at for each in times} == {Event.objects.get(kind=EventKind.SENT).at}
    assert not OutcomeNotice.objects.exists()
    for query, names in (
        ("event_type = 'delivered'", delivered),
        ("event_type = 'processed'", delivered | {"r1", "r2"}),
        ("event_type in ('bounce', 'dropped')", {"r1", "r3"}),
        (f"event_type = 'group_unsubscribe' and singlesend_id = '{campaign.pk}'", {"r4"}),
    ):
        assert search(alice, query) == names, query


def test_events_of_a_few_messages_are_recorded_from_separate_rows(
    alice: Account, charlie: Account, sent: Campaign
) -> None:
    add_contacts(charlie, ["r0@example.com"])
    Contact.objects.filter(email="r1@example.com").update(
        email="other@example.com", alternate_emails=["r1@example.com"]
    )
    assert not Event.objects.filter(members__isnull=False).exists()
    assert engage() == 2
    owners = set(Contact.objects.filter(pk__in=Engagement.objects.values("contact_id")).values_list("account", "email"))
    assert owners == {(alice.pk, "r0@example.com"), (alice.pk, "r2@example.com")}, "an alternate address does not count"


def test_the_last_time_of_a_kind_counts_and_a_repeated_notice_adds_nothing(sent: Campaign, clock: Clock) -> None:
    notice, parcel = OutcomeNotice.objects.get(), Parcel.objects.get()
    engage()
    before = list(Engagement.objects.order_by("contact_id").values_list("contact_id", "kind", "at"))
    clock.advance(hours=1)
    later = database_now()
    again = [(parcel.base * PARCEL_SPAN, "250 once more")]
    write_events([Entry(parcel, parcel.fence + 1, sent=again)], later)
    engage()
    first = before[0][0]
    for _ in range(2):
        after = {each.contact_id: each.at for each in Engagement.objects.all()}
        assert after == {contact_id: at for contact_id, _, at in before} | {first: later}
        assert LastTimes.objects.get(pk=first).last_emailed_at == later
        # Its events are older than what is recorded.
        OutcomeNotice.objects.create(batch_id=notice.batch_id, base=notice.base, fence=notice.fence, at=notice.at)
        assert engage() == 3


def test_two_events_of_one_contact_are_recorded_by_one_page(sent: Campaign, clock: Clock) -> None:
    parcel, ids = Parcel.objects.get(), [message.pk for message in Message.objects.order_by("pk")]
    clock.advance(hours=1)
    later = database_now()
    write_events([Entry(parcel, parcel.fence + 1, sent=[(each, "250 ok") for each in ids])], later)
    assert engage_page() == 6
    assert list(Engagement.objects.values_list("at", flat=True)) == [later] * 3


def test_only_events_of_the_notice_are_read(sent: Campaign) -> None:
    OutcomeNotice.objects.update(fence=99)
    assert engage() == 0
    assert not Engagement.objects.exists()


def test_a_crash_changes_nothing(sent: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(engaging, "int", lambda _: 1 / 0, raising=False)
        with pytest.raises(ZeroDivisionError):
            engage_page()
    assert (OutcomeNotice.objects.count(), Engagement.objects.count(), LastTimes.objects.count()) == (1, 0, 0)
    assert engage() == 3


def test_deleted_contacts_and_unknown_campaigns_are_skipped(alice: Account, sent: Campaign) -> None:
    delete_contacts(alice, [Contact.objects.get(email="r1@example.com").pk])
    OutcomeNotice.objects.create(batch_id=2**40, base=1, fence=1, at=database_now())
    assert engage() == 2
    assert recorded() == {("r0", "delivered"), ("r2", "delivered")}
    assert not OutcomeNotice.objects.exists()


def test_mail_of_a_deleted_campaign_was_delivered_all_the_same(alice: Account, sent: Campaign) -> None:
    delete_campaign(alice, sent.pk, actor="a test")
    engage()
    assert search(alice, "event_type = 'delivered'") == {"r0", "r1", "r2"}


def test_a_contact_that_is_being_deleted_gets_no_engagement(alice: Account, sent: Campaign) -> None:
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            delete_contacts(alice, [Contact.objects.get(email="r1@example.com").pk])
            consumer = pool.submit(in_thread)
            wait_until(someone_waits_for_us)
        consumer.result(10)
    assert set(Engagement.objects.values_list("contact_id", flat=True)) == set(
        Contact.objects.values_list("pk", flat=True)
    )
    assert LastTimes.objects.count() == 2


def in_thread() -> int:
    try:
        return engage()
    finally:
        connection.close()


@further
def test_two_consumers_share_the_notices_and_never_wait_for_each_other(
    alice: Account, charlie: Account, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engaging, "PAGE", 1)
    for account in (alice, charlie):
        deliver(ready_campaign(account, recipients=3), deliverer)
    assert OutcomeNotice.objects.count() == 2
    with transaction.atomic():
        assert engage_page() == 3
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(in_thread).result(10) == 3
    assert (Engagement.objects.count(), OutcomeNotice.objects.count()) == (6, 0)


def test_while_mail_is_under_way_a_task_records_little(
    alice: Account, sent: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = OutcomeNotice.objects.get()
    OutcomeNotice.objects.bulk_create(
        OutcomeNotice(batch_id=notice.batch_id, base=notice.base, fence=n, at=notice.at) for n in range(100, 104)
    )
    monkeypatch.setattr(engaging, "PAGE", 1)
    monkeypatch.setattr(engaging, "SHARED_SECONDS", 0)
    Parcel.objects.update(state=ParcelState.DUE, finalized_at=None)
    engage()
    assert OutcomeNotice.objects.count() == 4
    Parcel.objects.update(state=ParcelState.DONE, finalized_at=database_now())
    engage()
    assert OutcomeNotice.objects.count() == 0


def test_the_sweeper_hints_the_work_and_does_it_while_the_broker_is_away(
    sent: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[str] = []
    monkeypatch.setattr(engaging.hints, "publish", lambda task, *_, **__: not published.append(task))
    assert hint_engaging() == 1
    assert (published, Engagement.objects.count()) == ([engaging.ENGAGE], 0)
    monkeypatch.setattr(engaging.hints, "publish", lambda *_, **__: False)
    assert hint_engaging() == 1
    assert Engagement.objects.count() == 3
    assert hint_engaging() == 0
