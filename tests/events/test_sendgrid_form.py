"""SendGrid's dialect: every kind of event has SendGrid's fields, and its clients verify and read the bodies."""

from __future__ import annotations

import datetime as dt
import json
import ssl
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import trustme
from anymail.webhooks.sendgrid import SendGridTrackingWebhookView
from django.conf import settings
from sendgrid.helpers.eventwebhook import EventWebhook

from accounts.models import Account
from batches.admit import admit_batch
from batches.handles import create_batch
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from batches.stop.reschedule import reschedule_batch
from campaigns.lifecycle import schedule_campaign, send_now
from events.log.publishing import publish_events
from events.models import Dialect, Endpoint
from events.webhooks.endpoints import create_endpoint, sign_with_ecdsa
from events.webhooks.kinds import SendGridKind
from events.webhooks.rewind import replay_since
from events.webhooks.sendgrid_form import RESERVED
from foundation.clock import database_now
from mailer.draft import MailDraft
from mailer.models import Event, Mail, Message, Suppression, SuppressionKind, UnsubscribeGroup
from mailer.one_message import stop_message
from mailer.outcomes.writing import PACKED_FROM
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.leaving import come_back, find_link_holder, leave
from mailer.suppressions.links import Link
from mailer.sweep import sweep
from mailer.transports.smtp import SmtpAddress, SmtpTransport
from tests.campaigns.building import expand_all, ready_campaign
from tests.conftest import Clock
from tests.drafts import draft
from tests.events.deliveries import run_due
from tests.events.receiver import Receiver
from tests.mailer.transports.scripted import FEATURES, ScriptedServer
from tests.peer import CountingPeer

CUSTOM = {"anymail_id": "7", "order": "A-1", "event": "mine", "reason": "mine"}


@pytest.fixture
def hook(alice: Account, receiver: Receiver) -> Endpoint:
    """Create an endpoint of Alice in SendGrid's dialect that signs."""
    endpoint = create_endpoint(alice, Dialect.SENDGRID, receiver.url)
    sign_with_ecdsa(endpoint, is_signed=True)
    return endpoint


def mail_of(group: UnsubscribeGroup, *names: str, batch_id: str | None = None) -> MailDraft:
    """Return a mail with categories and custom arguments, with a message to each of these names."""
    plain = draft(len(names), batch_id=batch_id)
    messages = tuple(
        personalization._replace(to=(personalization.to[0]._replace(email=f"{name}@example.com"),))
        for personalization, name in zip(plain.personalizations, names, strict=True)
    )
    return replace(
        plain,
        personalizations=messages,
        categories=("news", "june"),
        custom_args=CUSTOM,
        unsubscribe_group=group.pk,
    )


@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
def test_every_kind_has_the_fields_of_sendgrid(
    alice: Account, hook: Endpoint, receiver: Receiver, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    group = UnsubscribeGroup.objects.create(account=alice, name="news", description="News")
    peer.replies |= {
        "unknown@example.com": "550 5.1.1 unknown",
        "spam@example.com": "554 5.7.1 spam",
        "later@example.com": "451 4.3.0 later",
    }
    Suppression.objects.create(account=alice, email="left@example.com", kind=SuppressionKind.GLOBAL)
    accept_mail(alice, mail_of(group, "fine", "unknown", "spam", "later", "left", "both"))
    deliverer.deliver_due(seconds=5)
    for name, group_id in (("fine", group.pk), ("both", 0)):
        message = Message.objects.get(recipient=f"{name}@example.com")
        holder = find_link_holder(Link(alice.pk, group_id, message.pk, f"{name}@example.com"))
        leave(holder, everything=not group_id)
        come_back(holder, everything=not group_id)
    clock.advance(hours=1)
    sweep()
    peer.replies["later@example.com"] = "451 4.3.0 still later"
    deliverer.deliver_due(seconds=5)
    cancelled = create_batch(alice)
    stop_batch(alice, cancelled.public_id, BatchStatus.CANCELLED, actor="test", allowed_from=BatchStatus)
    accept_mail(alice, mail_of(group, "cancelled", batch_id=cancelled.public_id))
    sweep()
    admit_batch(cancelled.pk)
    publish_events()
    run_due()

    mail = Mail.objects.order_by("id")[0]
    shown: dict[tuple[str, str], dict[str, Any]] = {}
    for event in receiver.events:
        name = event["email"].partition("@")[0]
        key = name, event["event"] + (event.get("attempt") or "")
        assert key not in shown
        shown[key] = event
    assert set(shown) == {
        *(("fine", kind) for kind in ("processed", "delivered", "group_unsubscribe", "group_resubscribe")),
        *(("both", kind) for kind in ("processed", "delivered", "unsubscribe")),
        *((name, kind) for name in ("unknown", "spam") for kind in ("processed", "bounce")),
        *(("later", kind) for kind in ("processed", "deferred1", "deferred2")),
        *(("left", "dropped"), ("cancelled", "dropped")),
    }
    message = Message.objects.get(recipient="unknown@example.com")
    bounce = shown["unknown", "bounce"]
    assert bounce == {
        "email": "unknown@example.com",
        "timestamp": bounce["timestamp"],
        "event": "bounce",
        "sg_event_id": bounce["sg_event_id"],
        "sg_message_id": f"{mail.public_id}.sluice.{message.pk}.0",
        "category": ["news", "june"],
        "asm_group_id": group.pk,
        "smtp-id": f"<{mail.public_id}.{message.pk}@{settings.MESSAGE_ID_DOMAIN}>",
        "reason": "550 5.1.1 unknown",
        "status": "5.1.1",
        "type": "bounce",
        "bounce_classification": "Invalid Address",
        "tls": 0,
        "anymail_id": "7",
        "order": "A-1",
    }
    assert shown["spam", "bounce"]["type"] == "blocked"
    assert shown["later", "deferred2"]["response"] == "451 4.3.0 still later"
    assert (shown["later", "deferred2"]["domain"], shown["later", "deferred2"]["from"]) == (
        *("example.com", "from@example.com"),
    )
    assert shown["left", "dropped"]["reason"] == "Unsubscribed Address"
    assert shown["cancelled", "dropped"]["reason"] == "Cancelled"
    assert len({event["sg_event_id"] for event in receiver.events}) == len(receiver.events)
    names = {name for event in receiver.events for name in event}
    assert names - RESERVED == {"anymail_id", "order"}

    verifier = EventWebhook(hook.public_key)
    for arrival in receiver.arrivals:
        signature = arrival.headers["x-twilio-email-event-webhook-signature"]
        timestamp = arrival.headers["x-twilio-email-event-webhook-timestamp"]
        assert verifier.verify_signature(arrival.body.decode(), signature, timestamp)
        assert not verifier.verify_signature(arrival.body.decode() + " ", signature, timestamp)
        events = arrival.events
        before = [(each["email"], each["event"]) for each in events]
        for email, name in before:
            if name == "processed":
                assert before[before.index((email, name)) + 1][0] == email

    types = {
        "processed": "queued",
        "delivered": "delivered",
        "deferred1": "deferred",
        "deferred2": "deferred",
        "bounce": "bounced",
        "dropped": "rejected",
        "unsubscribe": "unsubscribed",
        "group_unsubscribe": "unsubscribed",
        "group_resubscribe": "subscribed",
    }
    view = SendGridTrackingWebhookView(webhook_secret="user:password")
    for (name, kind), event in shown.items():
        read = view.esp_to_anymail_event(event)
        assert read.event_type == types[kind], kind
        assert (read.recipient, read.message_id) == (f"{name}@example.com", "7")
        assert (read.tags, read.metadata["order"]) == (["news", "june"], "A-1")
    assert view.esp_to_anymail_event(shown["left", "dropped"]).reject_reason == "unsubscribed"


@pytest.mark.parametrize("is_encrypted", [True, False])
def test_tls_says_whether_the_attempt_was_encrypted(
    alice: Account, hook: Endpoint, receiver: Receiver, is_encrypted: bool
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA(key_type=trustme.KeyType.ECDSA).issue_cert("127.0.0.1").configure_cert(context)
    script: dict[str, Any] = {"RCPT": [b"550 5.1.1 unknown\r\n", b"451 4.3.0 later\r\n"]}
    features = (*FEATURES, "STARTTLS") if is_encrypted else FEATURES
    accept_mail(alice, draft(2 + PACKED_FROM))
    accept_mail(alice, draft(1, name="alone"))
    with ScriptedServer(script, features=features, tls=context if is_encrypted else None) as server:
        address = SmtpAddress.parse(f"{server.url}&starttls=auto&verify=no")
        worker = Deliverer(SmtpTransport(address, connections=1, timeout_seconds=5))
        worker.deliver_due(seconds=5)
        worker.close()
    publish_events()
    run_due()
    shown = Counter((event["event"], event.get("tls")) for event in receiver.events)
    tls = int(is_encrypted)
    assert shown == {
        ("processed", None): 3 + PACKED_FROM,
        ("delivered", tls): 1 + PACKED_FROM,
        ("bounce", tls): 1,
        ("deferred", tls): 1,
    }


@pytest.mark.parametrize(
    ("url", "tls"),
    [("smtp://h", None), ("smtp://h?starttls=always", 1), ("smtps://h", 1), ("smtp://h?starttls=never", 0)],
)
def test_tls_of_an_event_without_the_fact_is_that_of_the_settings(
    alice: Account, hook: Endpoint, receiver: Receiver, deliverer: Deliverer, settings: Any, url: str, tls: int | None
) -> None:
    settings.SMTP_URL = url
    accept_mail(alice, draft(1))
    deliverer.deliver_due(seconds=5)
    Event.objects.update(is_encrypted=None)
    publish_events()
    run_due()
    assert [event.get("tls") for event in receiver.events] == [None, tls]


def test_an_endpoint_gets_its_kinds_and_our_own_events_only_if_it_asks(
    alice: Account, hook: Endpoint, receiver: Receiver, deliverer: Deliverer
) -> None:
    Endpoint.objects.update(kinds=SendGridKind.PROCESSED | SendGridKind.BOUNCE)
    accept_mail(alice, draft(2))
    deliverer.deliver_due(seconds=5)
    batch = create_batch(alice)
    accept_mail(alice, draft(1, batch_id=batch.public_id, name="stopped", send_at=None))
    stop_message(alice, Message.objects.get(recipient="stopped0@example.com").pk, actor="test", reason="")
    publish_events()
    run_due()
    assert [event["event"] for event in receiver.events] == ["processed", "processed"]

    Endpoint.objects.update(gets_own_events=True)
    accept_mail(alice, draft(1, batch_id=batch.public_id, name="again", send_at=None))
    stop_message(alice, Message.objects.get(recipient="again0@example.com").pk, actor="test", reason="")
    publish_events()
    run_due()
    assert [(event["event"], event["email"]) for event in receiver.events[2:]] == [("stopped", "again0@example.com")]


def test_processed_has_the_time_in_the_request(
    alice: Account, hook: Endpoint, receiver: Receiver, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    hour = dt.timedelta(hours=1)
    soon = database_now().replace(microsecond=0) + hour
    peer.replies["some0@example.com"] = "451 4.3.0 later"
    accept_mail(alice, draft(1, name="now"))
    mail = draft(3, name="some", send_at=soon)
    first, later, past = mail.personalizations
    own_times = (first, later._replace(send_at=soon + hour), past._replace(send_at=soon - 2 * hour))
    accept_mail(alice, replace(mail, personalizations=own_times))
    schedule_campaign(alice, ready_campaign(alice, recipients=1).pk, soon)
    for _ in range(3):
        deliverer.deliver_due(seconds=5)
        clock.advance(hours=1)
        sweep()
        expand_all()
        sweep()
    publish_events()
    run_due()
    assert {event["event"] for event in receiver.events if "send_at" in event} == {"processed"}
    processed = [event for event in receiver.events if event["event"] == "processed"]
    assert {event["email"].partition("@")[0]: event.get("send_at") for event in processed} == {
        "now0": None,
        "some0": int(soon.timestamp()),
        "some1": int((soon + hour).timestamp()),
        "some2": int((soon - 2 * hour).timestamp()),
        "r0": None,
    }
    assert len(processed) == 5


def test_a_reschedule_between_two_slices_of_a_parcel_does_not_change_repeated_events(
    alice: Account, hook: Endpoint, receiver: Receiver, deliverer: Deliverer, clock: Clock
) -> None:
    hour = dt.timedelta(hours=1)
    soon = database_now() + hour
    batch = create_batch(alice).public_id
    accept_mail(alice, draft(3, send_at=soon, batch_id=batch))
    clock.advance(hours=1)
    sweep()
    deliverer.slice_size.size = 1
    assert deliverer.deliver_claims(deliverer.claim_next(), until=0) == 1
    publish_events()
    run_due()
    assert reschedule_batch(alice, batch, soon + hour, actor="test").affected == 2
    replay_since(hook, soon - hour)
    run_due()
    first, second = receiver.arrivals
    assert first.body == second.body
    assert first.events[0]["send_at"] == int(soon.timestamp())


def test_a_message_id_of_the_caller_is_shown(
    alice: Account, hook: Endpoint, receiver: Receiver, deliverer: Deliverer
) -> None:
    accept_mail(alice, replace(draft(2), headers={"Message-ID": "<of.-n-@caller.example>"}))
    deliverer.deliver_due(seconds=5)
    publish_events()
    run_due()
    headers = [event["smtp-id"] for event in receiver.events if event["event"] == "delivered"]
    assert headers == ["<of.0@caller.example>", "<of.1@caller.example>"]
    assert json.loads(receiver.arrivals[0].body)


def test_mail_of_a_campaign_names_it(alice: Account, hook: Endpoint, receiver: Receiver, deliverer: Deliverer) -> None:
    campaign = ready_campaign(alice, recipients=2)
    send_now(alice, campaign.pk)
    expand_all()
    deliverer.deliver_due(seconds=5)
    publish_events()
    run_due()
    shown = {(each["marketing_campaign_id"], each["singlesend_id"], each["mc_stats"]) for each in receiver.events}
    assert shown == {(campaign.pk, str(campaign.uuid), "singlesend")}
    assert len(receiver.events) == 4
