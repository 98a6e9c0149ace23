"""An unknown recipient is suppressed. Another refusal is only reported, as a block."""

from __future__ import annotations

from typing import Any

from accounts.models import Account
from batches.claims import Claimer
from mailer.draft import Address, Personalization
from mailer.models import Classification, Event, EventKind, Mail, Message, Suppression, SuppressionKind
from mailer.pipeline.deliver import Deliverer
from mailer.pipeline.record import record_slice
from mailer.transports.base import Refused, RetryAt
from mailer.transports.smtp import SmtpAddress, SmtpTransport
from tests.mailer.claimed import claim_and_look, outcomes_of
from tests.mailer.suppressions.conftest import Send
from tests.mailer.transports.scripted import ScriptedServer
from tests.peer import CountingPeer


def deliver_one(send: Send, deliverer: Deliverer) -> None:
    send("gone@example.com")
    while deliverer.deliver_due(seconds=10):
        pass


def test_an_unknown_mailbox_is_written_to_once(
    alice: Account, charlie: Account, send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    peer.replies["gone@example.com"] = "550 5.1.1 no such user"
    deliver_one(send, deliverer)
    suppression = Suppression.objects.get()
    assert (suppression.account, suppression.email, suppression.kind) == (
        alice,
        "gone@example.com",
        SuppressionKind.BOUNCE,
    )
    assert (suppression.reason, suppression.status) == ("550 5.1.1 no such user", "5.1.1")
    assert (suppression.batch_id, suppression.message_id) == (Mail.objects.get().batch_id, Message.objects.get().pk)
    peer.replies.clear()
    deliver_one(send, deliverer)
    assert peer.ledger == []
    last = Event.objects.order_by("id").last()
    assert last is not None
    assert (last.kind, last.reply) == (EventKind.DROPPED, "Bounced Address")
    send("gone@example.com", account=charlie)
    deliverer.deliver_due(seconds=10)
    assert peer.recipients == ["gone@example.com"], "what Alice knows is Alice's"


def test_of_several_recipients_only_the_unknown_one_is_suppressed(
    send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    peer.replies["gone@example.com"] = "550 5.1.1 no such user"
    send(Personalization(to=(Address("here@example.com"), Address("Gone@example.com"), Address("gone@example.com"))))
    peer.replies["Gone@example.com"] = "550 5.1.1 no such user"
    deliverer.deliver_due(seconds=10)
    assert peer.recipients == ["here@example.com"]
    assert Suppression.objects.values_list("email", flat=True).get() == "gone@example.com"


def lists_of(email: str) -> list[tuple[SuppressionKind, str, str]]:
    """Return the lists that an address is on, each with reason and status."""
    rows = Suppression.objects.filter(email=email).order_by("kind")
    return [(SuppressionKind(row.kind), row.reason, row.status) for row in rows]


def test_a_refusal_for_another_reason_is_a_block_and_mail_is_sent_again(
    send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    for number, (reply, status) in enumerate(
        (
            ("550 5.7.1 not from you", "5.7.1"),
            ("552 5.2.2 mailbox full", "5.2.2"),
            ("554 rejected as spam", "5.0.0"),
        )
    ):
        peer.replies["gone@example.com"] = reply
        deliver_one(send, deliverer)
        assert Event.objects.count() == number + 1
        assert lists_of("gone@example.com") == [(SuppressionKind.BLOCK, reply, status)]
        Suppression.objects.all().delete()
    peer.replies["gone@example.com"] = "554 rejected as spam"
    deliver_one(send, deliverer)
    peer.replies.clear()
    deliver_one(send, deliverer)
    assert peer.recipients == ["gone@example.com"], "a block suppresses nothing"


def test_a_refusal_keeps_its_class_and_its_list(send: Send, peer: CountingPeer, deliverer: Deliverer) -> None:
    peer.replies["gone@example.com"] = "550 5.2.1 mailbox disabled"
    deliver_one(send, deliverer)
    event = Event.objects.get()
    assert event.classification == Classification.MAILBOX_UNAVAILABLE
    assert event.suppression == SuppressionKind.BOUNCE


def test_a_malformed_address_is_on_the_list_of_invalid_addresses(
    send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    peer.replies["gone@example.com"] = "501 5.1.3 Bad recipient address syntax"
    deliver_one(send, deliverer)
    assert lists_of("gone@example.com") == [
        (SuppressionKind.INVALID, "501 5.1.3 Bad recipient address syntax", "5.1.3")
    ]
    peer.replies.clear()
    deliver_one(send, deliverer)
    assert peer.ledger == []


def test_deferrals_and_throttles_put_nobody_on_a_list(send: Send, peer: CountingPeer, deliverer: Deliverer) -> None:
    for reply, classification in (
        ("452 4.2.2 mailbox full", Classification.MAILBOX_UNAVAILABLE),
        ("450 4.1.1 user unknown", Classification.INVALID_ADDRESS),
        ("550 5.2.1 receiving mail at a rate that prevents it", Classification.VOLUME),
    ):
        peer.replies["gone@example.com"] = reply
        deliver_one(send, deliverer)
        event = Event.objects.order_by("id").last()
        assert event is not None
        assert (event.classification, event.suppression) == (classification, None), reply
        assert not Suppression.objects.exists(), reply


def test_a_deferral_that_lasted_to_the_end_is_a_block(
    send: Send, peer: CountingPeer, deliverer: Deliverer, settings: Any
) -> None:
    settings.RETRY_LIMIT_SECONDS = 0
    peer.replies["gone@example.com"] = "450 4.1.1 user unknown"
    deliver_one(send, deliverer)
    reason = "given up: 450 4.1.1 user unknown"
    assert lists_of("gone@example.com") == [(SuppressionKind.BLOCK, reason, "4.1.1")]
    assert Event.objects.get().kind == EventKind.REFUSED


def test_a_refusal_of_the_message_is_a_block_for_each_of_its_recipients(
    send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    """Some peers answer 5.1.1 after the final dot for any message."""
    peer.replies["."] = "550 5.1.1 user unknown"
    send(Personalization(to=(Address("here@example.com"), Address("gone@example.com"))))
    while deliverer.deliver_due(seconds=10):
        pass
    event = Event.objects.get()
    assert (event.kind, event.recipients, event.suppression) == (EventKind.REFUSED, 2, SuppressionKind.BLOCK)
    assert event.classification == Classification.INVALID_ADDRESS
    for email in ("here@example.com", "gone@example.com"):
        assert lists_of(email) == [(SuppressionKind.BLOCK, "550 5.1.1 user unknown", "5.1.1")]


def test_a_refusal_of_the_sender_does_not_suppress_the_recipient(send: Send) -> None:
    """The peer refuses the sender at MAIL, and repeats this at RCPT."""
    with ScriptedServer({"MAIL": b"550 5.1.1 no such user\r\n", "RCPT": b"550 5.1.1 no such user\r\n"}) as server:
        transport = SmtpTransport(SmtpAddress.parse(server.url), connections=1, timeout_seconds=5)
        deliver_one(send, Deliverer(transport))
        transport.close()
    assert Event.objects.get().kind == EventKind.REFUSED
    assert [kind for kind, *_ in lists_of("gone@example.com")] == [SuppressionKind.BLOCK]


def test_two_messages_to_one_unknown_mailbox_are_one_bounce(
    send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    peer.replies["gone@example.com"] = "550 5.1.1 no such user"
    send("gone@example.com", "gone@example.com")
    deliverer.deliver_due(seconds=10)
    assert Event.objects.filter(kind=EventKind.REFUSED).count() == 2
    assert Suppression.objects.count() == 1


def test_what_a_provider_says_without_a_code_is_a_block_only_if_it_is_a_refusal(alice: Account, send: Send) -> None:
    send(*(f"{number}@example.com" for number in range(60)))
    claim = claim_and_look(Claimer())
    outcomes = outcomes_of(claim, Refused("the provider says: rejected"), RetryAt("the provider says: failed"))
    assert record_slice([outcomes]) == []
    rows = Event.objects.order_by("message_id").values_list("kind", "classification", "suppression")
    assert list(rows) == [
        (EventKind.REFUSED, Classification.UNCLASSIFIED, SuppressionKind.BLOCK),
        (EventKind.DEFERRED, Classification.UNCLASSIFIED, None),
    ]
    assert lists_of("one@example.com") == [(SuppressionKind.BLOCK, "the provider says: rejected", "5.0.0")]
