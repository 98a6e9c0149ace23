"""Suppressed recipients get no mail, as the peer counts it, and have an event."""

from __future__ import annotations

from email import message_from_bytes, policy

from accounts.models import Account
from batches.counts import count_batch
from batches.handles import default_batch
from batches.models import Parcel
from mailer.draft import Address, Bypass, ContentPart, Personalization
from mailer.models import EventKind, Mail, Message, Suppression, SuppressionKind, UnsubscribeGroup
from mailer.pipeline.accept import accept_mail
from mailer.pipeline.deliver import Deliverer
from mailer.preview import preview_message
from mailer.queries import states_of
from mailer.suppressions.groups import delete_group
from mailer.suppressions.links import unseal
from mailer.suppressions.lists import New, leave_everything, leave_group, suppress, unsuppress
from mailer.sweep import sweep
from tests.conftest import Clock
from tests.examples import further
from tests.mailer.suppressions.conftest import Send, draft_to
from tests.outcomes import stored_events
from tests.peer import CountingPeer

UNSUBSCRIBED = "Unsubscribed Address"


def deliver(deliverer: Deliverer) -> None:
    while deliverer.deliver_due(seconds=10):
        pass


def events() -> list[tuple[str, str | None, str | None]]:
    """Return kind, recipient and reply of each event, in the order of the messages."""
    return [(EventKind(event.kind).label, event.recipient, event.reply) for event in stored_events()]


def test_an_unsubscribed_recipient_gets_no_mail_of_the_group(
    alice: Account, news: UnsubscribeGroup, send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    leave_group(alice, news.pk, ["left@example.com"])
    send("stays@example.com", "left@example.com", unsubscribe_group=news.pk)
    deliver(deliverer)
    assert peer.recipients == ["stays@example.com"]
    assert events() == [("sent", None, "250 taken"), ("dropped", None, UNSUBSCRIBED)]
    counts = count_batch(default_batch(alice).pk)
    assert (counts.accepted, counts.sent, counts.dropped, counts.waiting) == (2, 1, 1, 0)
    assert set(states_of([event.message_id for event in stored_events()]).values()) == {"sent", "dropped"}


def test_an_unsubscribed_recipient_gets_all_other_mail(
    alice: Account, news: UnsubscribeGroup, send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    leave_group(alice, news.pk, ["left@example.com"])
    send("left@example.com")
    deliver(deliverer)
    assert peer.recipients == ["left@example.com"]


def test_suppressions_of_another_account_have_no_effect(
    alice: Account, charlie: Account, send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    """This holds when both accounts' mail is in one slice and one of them has no suppressions."""
    leave_everything(charlie, ["left@example.com"])
    send("left@example.com", "other@example.com")
    send("left@example.com", "other@example.com", account=charlie)
    deliver(deliverer)
    assert sorted(peer.recipients) == ["left@example.com", "other@example.com", "other@example.com"]
    assert [reply for kind, _, reply in events() if kind == "dropped"] == [UNSUBSCRIBED]


def test_suppressions_are_checked_when_mail_is_sent_and_not_when_it_is_accepted(
    alice: Account, send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    leave_everything(alice, ["back@example.com"])
    send("back@example.com", "leaves@example.com")
    unsuppress(alice, SuppressionKind.GLOBAL, ["back@example.com"])
    leave_everything(alice, ["leaves@example.com"])
    deliver(deliverer)
    assert peer.recipients == ["back@example.com"]


SPELLINGS = (
    ("Left@Example.COM", "left@example.com"),
    ("left@example.com", "LEFT@example.com"),
    ("left@xn--bcher-kva.example", "left@BÜCHER.example"),
    ("left@bücher.example", "left@xn--bcher-kva.example"),
    ("ünal@example.com", "Ünal@example.com"),
)
"""Addresses as they are suppressed and as they are written to."""


def test_spellings_of_one_mailbox_are_one(alice: Account, send: Send, peer: CountingPeer, deliverer: Deliverer) -> None:
    for number, (suppressed, written) in enumerate(SPELLINGS, 1):
        Suppression.objects.all().delete()
        leave_everything(alice, [suppressed])
        send(written)
        deliver(deliverer)
        assert peer.ledger == [], written
        assert events() == [("dropped", None, UNSUBSCRIBED)] * number, written


def test_a_bypass_sends_all_the_same(alice: Account, send: Send, peer: CountingPeer, deliverer: Deliverer) -> None:
    leave_everything(alice, ["left@example.com"])
    for bypass in (Bypass.EVERYTHING, Bypass.UNSUBSCRIBES):
        peer.ledger.clear()
        send("left@example.com", bypass=bypass)
        deliver(deliverer)
        assert peer.recipients == ["left@example.com"], bypass


def test_of_several_recipients_only_the_suppressed_are_left_out(
    alice: Account, send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    leave_everything(alice, ["to@example.com", "bcc@example.com"])
    suppress([New(alice.pk, "cc@example.com", SuppressionKind.BOUNCE)])
    everyone = Personalization(
        to=(Address("to@example.com"), Address("stays@example.com")),
        cc=(Address("cc@example.com"),),
        bcc=(Address("bcc@example.com"),),
    )
    send(everyone)
    deliver(deliverer)
    assert peer.recipients == ["stays@example.com"]
    assert events() == [
        ("sent", "stays@example.com", "250 taken"),
        ("dropped", "to@example.com", UNSUBSCRIBED),
        ("dropped", "cc@example.com", "Bounced Address"),
        ("dropped", "bcc@example.com", UNSUBSCRIBED),
    ]
    counts = count_batch(default_batch(alice).pk)
    assert (counts.sent, counts.dropped) == (1, 0), "a message counts as its strongest outcome"


def test_when_all_recipients_are_suppressed_each_has_a_reason(
    alice: Account, send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    leave_everything(alice, ["a@example.com"])
    suppress([New(alice.pk, "b@example.com", SuppressionKind.SPAM)])
    send(Personalization(to=(Address("a@example.com"), Address("b@example.com"))))
    deliver(deliverer)
    assert peer.ledger == []
    assert events() == [
        ("dropped", "a@example.com", UNSUBSCRIBED),
        ("dropped", "b@example.com", "Spam Reporting Address"),
    ]
    assert Parcel.objects.get().dropped == 1


@further
def test_a_dropped_recipient_has_no_second_event_at_a_retry(
    alice: Account, send: Send, peer: CountingPeer, deliverer: Deliverer, clock: Clock
) -> None:
    leave_everything(alice, ["left@example.com"])
    peer.replies["slow@example.com"] = "451 later"
    send(Personalization(to=(Address("slow@example.com"), Address("left@example.com"))))
    deliver(deliverer)
    assert [kind for kind, *_ in events()] == ["deferred", "dropped"]
    peer.replies.clear()
    clock.advance(hours=1)
    sweep()
    deliver(deliverer)
    assert peer.recipients == ["slow@example.com"]
    assert [kind for kind, *_ in events()] == ["deferred", "dropped", "sent"]


@further
def test_a_recipient_who_unsubscribes_before_a_retry_gets_no_mail(
    alice: Account, send: Send, peer: CountingPeer, deliverer: Deliverer, clock: Clock
) -> None:
    peer.replies["slow@example.com"] = "451 later"
    send(Personalization(to=(Address("slow@example.com"), Address("quick@example.com"))))
    deliver(deliverer)
    leave_everything(alice, ["slow@example.com"])
    peer.replies.clear()
    clock.advance(hours=1)
    sweep()
    deliver(deliverer)
    assert peer.recipients == ["quick@example.com"]
    assert events()[-1] == ("dropped", "slow@example.com", UNSUBSCRIBED)
    counts = count_batch(default_batch(alice).pk)
    assert (counts.accepted, counts.sent, counts.waiting) == (1, 1, 0)


def test_mail_of_a_deleted_group_is_sent(
    alice: Account, news: UnsubscribeGroup, send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    """The group's suppressions were deleted with it."""
    leave_group(alice, news.pk, ["left@example.com"])
    send("left@example.com", unsubscribe_group=news.pk)
    delete_group(alice, news.pk)
    deliver(deliverer)
    assert peer.recipients == ["left@example.com"]


def test_mail_of_a_group_brings_its_values_and_its_link(
    news: UnsubscribeGroup, send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    people = [
        Personalization(to=(Address(f"p{n}@example.com", name),), merge={"[%first_name%]": name, "[Shop]": "A & B"})
        for n, name in enumerate(("Ann", "<Bob>"))
    ]
    content = (
        ContentPart("text/plain", "[%first_name%]: [Shop] [unsubscribe]"),
        ContentPart("text/html", '<b>[%first_name%]</b>: [Shop] <a href="[unsubscribe]">x</a>'),
    )
    send(*people, unsubscribe_group=news.pk, content=content, subject="For [%first_name%]")
    deliver(deliverer)
    data = next(taken.data for taken in peer.ledger if taken.recipient == "p1@example.com")
    message = message_from_bytes(data, policy=policy.default)
    plain, html = (part.get_content().strip() for part in message.iter_parts())  # type: ignore[attr-defined]
    url = message["List-Unsubscribe"].strip("<>")
    assert message["Subject"] == "For <Bob>"
    assert plain == f"<Bob>: A & B {url}"
    assert html == f'<b>&lt;Bob&gt;</b>: A &amp; B <a href="{url}">x</a>'
    assert unseal(url.rpartition("/")[2]).address == "p1@example.com"
    stored = Message.objects.get(recipient="p1@example.com")
    preview = preview_message(stored, Mail.objects.get())
    assert preview.parts[1].text == html
    assert ("Subject", "For <Bob>") in preview.headers


@further
def test_a_whole_parcel_can_be_left_out(alice: Account, send: Send, peer: CountingPeer, deliverer: Deliverer) -> None:
    people = [f"p{n}@example.com" for n in range(700)]
    leave_everything(alice, people[:650])
    accept_mail(alice, draft_to(*people))
    deliver(deliverer)
    assert sorted(peer.recipients) == sorted(people[650:])
    counts = count_batch(default_batch(alice).pk)
    assert (counts.accepted, counts.sent, counts.dropped, counts.waiting) == (700, 50, 650, 0)
