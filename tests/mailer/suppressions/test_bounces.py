"""An unknown recipient is suppressed; a recipient that was refused for another reason is not."""

from __future__ import annotations

import pytest

from accounts.models import Account
from mailer.draft import Address, Personalization
from mailer.models import Event, EventKind, Mail, Message, Suppression, SuppressionKind
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.bounces import hard_status
from mailer.transports.smtp import SmtpAddress, SmtpTransport
from tests.mailer.suppressions.conftest import Send
from tests.mailer.transports.scripted import ScriptedServer
from tests.peer import CountingPeer


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ("550 5.1.1 The email account that you tried to reach does not exist.", "5.1.1"),
        ("550-5.1.1 no such user", "5.1.1"),
        ("553 5.1.2 we do not serve that domain", "5.1.2"),
        ("556 5.1.10 recipient address has null MX", "5.1.10"),
        ("551 5.1.6 has moved", "5.1.6"),
        ("550 #5.1.0 Address rejected.", "5.1.0"),
        ("550 5.1.1 <sender@example.com>: user unknown", "5.1.1"),
        ("550 No such user here", "5.1.1"),
        ("550 User unknown in virtual mailbox table", "5.1.1"),
        ("551 Mailbox does not exist", "5.1.1"),
        ("553 Invalid recipient", "5.1.1"),
        ("550 5.1.0 sender rejected", ""),
        ("550 5.1.7 bad sender", ""),
        ("550 5.1.8 sender's domain does not exist", ""),
        ("550 sender address does not exist", ""),
        ("550 5.7.1 blocked, no such user policy", ""),
        ("552 5.2.2 mailbox full", ""),
        ("554 5.7.1 rejected as spam", ""),
        ("550 rejected", ""),
        ("554 user unknown", ""),
        ("450 4.1.1 user unknown", ""),
        ("450 no such user", ""),
        ("", ""),
        ("cannot be composed: ValueError", ""),
        ("550 5.1.1111 what", ""),
    ],
)
def test_a_reply_says_whether_the_mailbox_exists(reply: str, status: str) -> None:
    assert hard_status(reply) == status


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


def test_other_refusals_store_nothing(send: Send, peer: CountingPeer, deliverer: Deliverer) -> None:
    for number, reply in enumerate(
        ("550 5.7.1 not from you", "452 4.2.2 full", "550 5.2.1 disabled", "450 4.1.1 later")
    ):
        peer.replies["gone@example.com"] = reply
        deliver_one(send, deliverer)
        assert Event.objects.count() == number + 1
        assert not Suppression.objects.exists(), reply


def test_a_refusal_of_the_message_does_not_suppress_the_recipient(
    send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    """Some peers answer 5.1.1 after the final dot for any message."""
    peer.replies["."] = "550 5.1.1 user unknown"
    deliver_one(send, deliverer)
    assert Event.objects.get().kind == EventKind.REFUSED
    assert not Suppression.objects.exists()


def test_a_refusal_of_the_sender_does_not_suppress_the_recipient(send: Send) -> None:
    """The peer refuses the sender at MAIL, and repeats this at RCPT."""
    with ScriptedServer({"MAIL": b"550 5.1.1 no such user\r\n", "RCPT": b"550 5.1.1 no such user\r\n"}) as server:
        transport = SmtpTransport(SmtpAddress.parse(server.url), connections=1, timeout_seconds=5)
        deliver_one(send, Deliverer(transport))
        transport.close()
    assert Event.objects.get().kind == EventKind.REFUSED
    assert not Suppression.objects.exists()


def test_two_messages_to_one_unknown_mailbox_are_one_bounce(
    send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    peer.replies["gone@example.com"] = "550 5.1.1 no such user"
    send("gone@example.com", "gone@example.com")
    deliverer.deliver_due(seconds=10)
    assert Event.objects.filter(kind=EventKind.REFUSED).count() == 2
    assert Suppression.objects.count() == 1
