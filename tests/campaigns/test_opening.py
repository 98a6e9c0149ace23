"""Test opens and clicks of campaigns: they reach contacts, segments and statistics once, never for a machine."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Account
from audience.contacts import delete_contacts
from audience.models import Contact, Engagement, EngagementKind, LastTimes
from audience.query.sgql import read_query
from audience.query.vocabulary import vocabulary_of
from audience.segments import find_matching
from campaigns import opening
from campaigns.engaging import engage, hint_engaging
from campaigns.lifecycle import send_now
from campaigns.models import Campaign, LatePlace
from campaigns.statistics import days_of, statistics_of
from mailer.models import LateEvent, Mail, Message
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.tracking.tokens import TrackedLink, TrackedMessage
from mailer.tracking.writing import Hit, write_hits
from tests.audience.conftest import emails
from tests.campaigns.building import expand_all, ready_campaign
from tests.drafts import draft


@pytest.fixture
def sent(alice: Account, deliverer: Deliverer) -> Campaign:
    """Send a campaign to three contacts."""
    campaign = ready_campaign(alice, recipients=3)
    send_now(alice, campaign.pk)
    expand_all()
    deliverer.deliver_due(seconds=5)
    engage()
    campaign.refresh_from_db()
    return campaign


def hit(message: Message, link: int | None = None, *, seconds: float = 0, is_machine: bool = False) -> Hit:
    target = None if link is None else TrackedLink(f"https://shop.example/{link}", link, is_html=True)
    mail = Mail.objects.get(pk=message.mail_id)
    tracked = TrackedMessage(mail.account_id, mail.pk, message.pk, 0)
    return Hit(mail.created_at + dt.timedelta(seconds=seconds), tracked, target, None, "Firefox", is_machine)


def message_to(name: str) -> Message:
    return Message.objects.get(recipient=f"{name}@example.com")


def search(account: Account, query: str) -> set[str]:
    contacts = find_matching(account, read_query(query, vocabulary_of(account)), limit=50)
    return {email.partition("@")[0] for email in emails(contacts)}


def test_opens_and_clicks_are_found_and_counted(alice: Account, sent: Campaign) -> None:
    first, second = message_to("r0"), message_to("r1")
    write_hits([hit(first), hit(first, seconds=0.05), hit(first, 1, seconds=0.09), hit(second, is_machine=True)])
    assert engage() == 4
    assert search(alice, "event_type = 'open'") == search(alice, "event_type = 'click'") == {"r0"}
    assert search(alice, "contact_id not in (select contact_id from event_data where event_type = 'open')") == {
        "r1",
        "r2",
    }
    times = LastTimes.objects.get(contact__email="r0@example.com")
    opened, clicked = (Mail.objects.get().created_at + dt.timedelta(seconds=seconds) for seconds in (0.05, 0.09))
    assert (times.last_opened_at, times.last_clicked_at) == (opened, clicked)
    assert times.last_emailed_at is not None
    counted = statistics_of([sent])[sent.pk]
    assert (counted.opened, counted.clicked) == (1, 1)
    # There are two days if the mail was made just before midnight.
    days = days_of(sent, ZoneInfo("UTC"))
    assert (sum(day.opened for day in days), sum(day.clicked for day in days)) == (1, 1)


def test_late_events_are_recorded_once_and_the_last_time_counts(sent: Campaign) -> None:
    write_hits([hit(message_to("r0"), seconds=60)])
    assert (hint_engaging(), engage()) == (1, 1)
    assert (hint_engaging(), engage()) == (0, 0)
    write_hits([hit(message_to("r0"))])
    assert engage() == 1
    engagement = Engagement.objects.get(kind=EngagementKind.OPENED)
    assert engagement.at == Mail.objects.get().created_at + dt.timedelta(seconds=60)
    assert LastTimes.objects.filter(last_opened_at=engagement.at).count() == 1
    assert LatePlace.objects.get().place == max(LateEvent.objects.values_list("id", flat=True))


def test_other_mail_and_deleted_contacts_are_passed_over(
    alice: Account, sent: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "PAGE", 1)
    accept_mail(alice, draft(1))
    other = Message.objects.exclude(recipient__startswith="r").get()
    delete_contacts(alice, [Contact.objects.get(email="r1@example.com").pk])
    write_hits([hit(other), hit(message_to("r1")), hit(message_to("r2"))])
    while engage():
        pass
    (engagement,) = Engagement.objects.filter(kind=EngagementKind.OPENED)
    assert Contact.objects.get(pk=engagement.contact_id).email == "r2@example.com"


def test_a_crash_changes_nothing(sent: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    write_hits([hit(message_to("r0"))])
    place = LatePlace.objects.get().place
    with monkeypatch.context() as broken:
        broken.setattr(opening, "len", lambda _: 1 / 0, raising=False)
        with pytest.raises(ZeroDivisionError):
            engage()
    assert (LatePlace.objects.get().place, Engagement.objects.filter(kind=EngagementKind.OPENED).count()) == (place, 0)
    assert engage() == 1
