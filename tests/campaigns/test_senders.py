"""Senders are created, changed, and verified by the owner of their address."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.core import signing

from accounts.models import Account
from audience.errors import UnknownLink
from campaigns import senders
from campaigns.errors import (
    InvalidSender,
    SenderLimitReached,
    SenderLocked,
    SenderProblem,
    SenderVerified,
    UnknownSender,
    VerificationLimitReached,
)
from campaigns.models import Sender
from campaigns.senders import (
    Parts,
    create_sender,
    delete_sender,
    get_sender,
    is_locked,
    list_senders,
    locked_among,
    read_verification,
    resend_verification,
    update_sender,
    verify_sender,
)
from mailer.models import Mail, Message
from mailer.pipeline.deliver import Deliverer
from tests.conftest import Clock
from tests.peer import CountingPeer

WHOLE: Parts = {
    "nickname": "News",
    "from_email": "news@example.com",
    "from_name": "Example",
    "reply_to": "help@example.com",
    "address": "1 Street",
    "city": "Rome",
    "country": "Italy",
}


@pytest.fixture
def sender(alice: Account) -> Sender:
    """Create an unverified sender."""
    return create_sender(alice, **WHOLE)


def mailed_tokens() -> list[str]:
    """Return the tokens of the links that were mailed, oldest first."""
    texts = [part["value"] for mail in Mail.objects.order_by("pk") for part in mail.content]
    return [re.findall(r"http://localhost:8000/senders/verify/(\S+)", text)[0] for text in texts]


def test_a_sender_is_stored_unchanged(alice: Account, sender: Sender) -> None:
    stored = get_sender(alice, sender.pk)
    assert stored == get_sender(alice, sender.uuid) == sender
    assert {part: getattr(stored, part) for part in WHOLE} == dict(WHOLE)
    assert (stored.reply_to_name, stored.address_2, stored.state, stored.zip) == ("", "", "", "")
    assert stored.verified_at is None


def test_the_link_in_its_mail_verifies_a_sender(
    alice: Account, sender: Sender, deliverer: Deliverer, peer: CountingPeer, settings: LazySettings
) -> None:
    assert Message.objects.get().recipient == "news@example.com"
    assert Mail.objects.get().sender == settings.SYSTEM_FROM
    deliverer.deliver_due(seconds=5)
    assert peer.recipients == ["news@example.com"]
    (token,) = mailed_tokens()
    assert read_verification(token) == sender
    assert get_sender(alice, sender.pk).verified_at is None, "to look is not to say yes"
    verified = verify_sender(token)
    assert verified == sender
    assert verified.verified_at is not None
    assert verify_sender(token).verified_at == verified.verified_at, "twice is as good as once"
    with pytest.raises(SenderVerified):
        resend_verification(alice, sender.pk)
    assert len(mailed_tokens()) == 1


def test_a_link_is_good_for_two_days(alice: Account, sender: Sender, clock: Clock) -> None:
    clock.advance(hours=47)
    resend_verification(alice, sender.pk)
    clock.advance(hours=2)
    first, second = mailed_tokens()
    with pytest.raises(UnknownLink):
        verify_sender(first)
    assert verify_sender(second) == sender


def test_an_address_is_mailed_three_links_an_hour_at_most(alice: Account, charlie: Account, sender: Sender) -> None:
    resend_verification(alice, sender.pk)
    delete_sender(alice, sender.pk)
    again = create_sender(alice, **WHOLE)
    with pytest.raises(VerificationLimitReached):
        resend_verification(alice, again.pk)
    with pytest.raises(VerificationLimitReached):
        create_sender(alice, **{**WHOLE, "nickname": "Other", "from_email": "NEWS@example.com"})
    assert [made.nickname for made in list_senders(alice)] == ["News"]
    assert len(mailed_tokens()) == 3
    create_sender(charlie, **WHOLE)
    assert len(mailed_tokens()) == 4


def test_a_link_cannot_be_forged(sender: Sender) -> None:
    (token,) = mailed_tokens()
    content = signing.loads(token, salt=senders.SALT)
    for bad in (
        token[:-2],
        token.replace(":", "."),
        "",
        "x",
        signing.dumps(content),
        signing.dumps(content, salt="other"),
    ):
        with pytest.raises(UnknownLink):
            verify_sender(bad)


def test_a_changed_address_must_be_verified_again(alice: Account, sender: Sender) -> None:
    verify_sender(mailed_tokens()[0])
    others: Parts = {"from_name": "Other", "reply_to": "other@example.com"}
    updated = update_sender(alice, sender.pk, from_email="News@example.com", **others)
    assert updated.verified_at is not None
    changed = update_sender(alice, sender.pk, from_email="other@example.com")
    assert (changed.verified_at, changed.from_name) == (None, "Other")
    first, second = mailed_tokens()
    with pytest.raises(UnknownLink):
        verify_sender(first)
    assert verify_sender(second).from_email == "other@example.com"
    # With the first address again, an old link is valid until its usual end.
    assert changed.updated_at > sender.updated_at


def test_some_domains_verify_themselves(alice: Account, settings: LazySettings) -> None:
    settings.VERIFIED_DOMAINS = frozenset({"example.com"})
    sender = create_sender(alice, **{**WHOLE, "from_email": "news@Example.com"})
    assert sender.verified_at is not None
    other = create_sender(alice, **{**WHOLE, "nickname": "other", "from_email": "news@sub.example.com"})
    assert other.verified_at is None
    assert update_sender(alice, other.pk, from_email="x@example.com").verified_at is not None
    assert Mail.objects.count() == 1


def test_all_errors_are_returned(alice: Account, sender: Sender) -> None:
    with pytest.raises(InvalidSender) as none:
        create_sender(alice)
    assert none.value.wrong == tuple((part, SenderProblem.MISSING) for part in senders.REQUIRED)
    bad: Parts = {**WHOLE, "from_email": "news", "reply_to": "", "from_name": "a\r\nBcc: b", "city": " "}
    bad["nickname"] = "x" * 101
    with pytest.raises(InvalidSender) as several:
        create_sender(alice, **bad)
    assert set(several.value.wrong) == {
        ("from_email", SenderProblem.INVALID),
        ("reply_to", SenderProblem.MISSING),
        ("from_name", SenderProblem.INVALID),
        ("city", SenderProblem.MISSING),
        ("nickname", SenderProblem.INVALID),
    }
    with pytest.raises(InvalidSender) as taken:
        create_sender(alice, **{**WHOLE, "nickname": "NEWS"})
    assert taken.value.wrong == (("nickname", SenderProblem.TAKEN),)
    assert list_senders(alice).count() == Mail.objects.count() == 1


def test_a_change_cannot_remove_a_required_field(alice: Account, sender: Sender) -> None:
    with pytest.raises(InvalidSender):
        update_sender(alice, sender.pk, city="")
    assert update_sender(alice, sender.pk, nickname="NEWS", state="").nickname == "NEWS"
    create_sender(alice, **{**WHOLE, "nickname": "other"})
    with pytest.raises(InvalidSender):
        update_sender(alice, sender.pk, nickname="Other")


def test_the_senders_of_an_account_are_limited(alice: Account, charlie: Account, settings: LazySettings) -> None:
    settings.SENDERS_LIMIT = 2
    for number in range(2):
        create_sender(alice, **{**WHOLE, "nickname": str(number)})
    with pytest.raises(SenderLimitReached):
        create_sender(alice, **WHOLE)
    create_sender(charlie, **WHOLE)


def test_a_sender_belongs_to_its_account(alice: Account, charlie: Account, sender: Sender) -> None:
    for strange in (sender.pk, sender.uuid, uuid4(), 0, -1, 2**31, 2**70):
        with pytest.raises(UnknownSender):
            get_sender(charlie, strange)
        with pytest.raises(UnknownSender):
            update_sender(charlie, strange, city="Oslo")
        with pytest.raises(UnknownSender):
            delete_sender(charlie, strange)
        with pytest.raises(UnknownSender):
            resend_verification(charlie, strange)
    assert list(list_senders(charlie)) == []
    delete_sender(alice, sender.pk)
    with pytest.raises(UnknownSender):
        get_sender(alice, sender.pk)


def test_a_sender_that_a_campaign_uses_is_locked(
    alice: Account, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_locked(sender)
    monkeypatch.setattr(senders, "locked_among", lambda senders_found: {each.pk for each in senders_found})
    assert is_locked(sender)
    with pytest.raises(SenderLocked):
        update_sender(alice, sender.pk, city="Oslo")
    with pytest.raises(SenderLocked):
        delete_sender(alice, sender.pk)
    assert get_sender(alice, sender.pk).city == "Rome"


def test_without_campaigns_no_sender_is_locked(sender: Sender) -> None:
    if "campaign" not in apps.get_app_config("campaigns").models:
        assert locked_among([sender]) == set()
