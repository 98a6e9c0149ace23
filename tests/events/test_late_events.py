"""Test opens and clicks in the log, and in the forms of webhooks."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import Account
from events.log.publishing import publish_events
from events.log.reading import Happened, Position, Reader
from events.models import ALL_KINDS, LogEntry
from events.native import write_event
from events.webhooks.sendgrid_form import SendGridForm
from mailer.models import LateKind, Mail, Message
from mailer.pipeline.accept import accept_mail
from mailer.tracking import writing
from mailer.tracking.tokens import SEVERAL, TrackedLink, TrackedMessage
from mailer.tracking.writing import Hit, write_hits
from tests.drafts import draft

NOW = dt.datetime.now(dt.UTC)


def hit(message: Message, account: Account, link: int | None = None, *, is_machine: bool = False) -> Hit:
    target = None if link is None else TrackedLink("https://shop.example/", link, is_html=True)
    tracked = TrackedMessage(account.pk, message.mail_id, message.pk, SEVERAL)
    return Hit(NOW, tracked, target, "192.0.2.1", "Firefox", is_machine)


def read(account: Account) -> list[Happened]:
    return [event for _, events in Reader(account.pk).read_after(Position(0)) for event in events]


@pytest.fixture
def message(alice: Account) -> Message:
    accept_mail(alice, draft(1))
    return Message.objects.get()


def test_opens_and_clicks_are_read_from_the_log_in_their_order(
    alice: Account, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "NOTICE_PARCELS", 2)
    write_hits([hit(message, alice), hit(message, alice, 3), hit(message, alice, is_machine=True)])
    yesterday = hit(message, alice)._replace(at=NOW - dt.timedelta(days=1))
    write_hits([yesterday])
    publish_events()
    assert LogEntry.objects.filter(is_late=True).count() == 3
    events = read(alice)
    assert [(event.kind, event.recipient) for event in events] == [
        (LateKind.OPENED, message.recipient),
        (LateKind.CLICKED, message.recipient),
        (LateKind.OPENED, message.recipient),
        (LateKind.OPENED, message.recipient),
    ]
    assert len({event.id for event in events}) == 4
    written = [write_event(event) for event in events[:3]]
    assert [each["kind"] for each in written] == ["opened", "clicked", "opened"]
    assert (written[1]["url"], written[1]["link"], written[2]["is_machine"]) == ("https://shop.example/", 3, True)


def test_sendgrids_events_have_their_fields(alice: Account, message: Message) -> None:
    write_hits([hit(message, alice), hit(message, alice, 3), hit(message, alice, is_machine=True)])
    write_hits([hit(message, alice, 4, is_machine=True)])
    publish_events()
    form = SendGridForm(gets_own_events=True)
    opened, clicked, by_machine = [each for event in read(alice) for each in form.write(event, ALL_KINDS)]
    assert (opened["event"], opened["useragent"], opened["ip"]) == ("open", "Firefox", "192.0.2.1")
    assert (opened["sg_machine_open"], by_machine["sg_machine_open"]) == (False, True)
    assert (clicked["event"], clicked["url"]) == ("click", "https://shop.example/")
    assert clicked["url_offset"] == {"index": 3, "type": "html"}
    assert clicked["sg_message_id"].startswith(Mail.objects.get().public_id)
