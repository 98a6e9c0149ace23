"""Test the page behind the link that verifies a sender."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.test import Client

from accounts.models import Account
from campaigns.models import Sender
from campaigns.senders import create_sender, update_sender, verification_link
from tests.conftest import Clock


@pytest.fixture
def sender(alice: Account) -> Sender:
    """Create an unverified sender with markup in its name."""
    return create_sender(
        alice,
        nickname="News",
        from_email="news@example.com",
        from_name="<b>Us</b>",
        reply_to="news@example.com",
        address="1 Street",
        city="Bonn",
        country="Germany",
    )


def path_of(sender: Sender) -> str:
    return urlsplit(verification_link(sender)).path


def test_viewing_the_page_changes_nothing_and_the_button_verifies(sender: Sender) -> None:
    client, path = Client(enforce_csrf_checks=True), path_of(sender)
    page = client.get(path)
    assert (page.status_code, page["Referrer-Policy"]) == (200, "no-referrer")
    assert "May mail be sent from news@example.com?" in page.content.decode()
    assert "&lt;b&gt;Us&lt;/b&gt;" in page.content.decode()
    sender.refresh_from_db()
    assert sender.verified_at is None
    done = client.post(path)
    assert "The address is confirmed" in done.content.decode()
    sender.refresh_from_db()
    assert sender.verified_at is not None
    assert "The address is confirmed" in client.get(path).content.decode()


def test_an_invalid_link_is_reported(alice: Account, sender: Sender, clock: Clock) -> None:
    path = path_of(sender)
    assert Client().get(path[:-2] + "xx").status_code == 404
    clock.advance(hours=49)
    for answer in (Client().get(path), Client().post(path)):
        assert (answer.status_code, "This link is not valid" in answer.content.decode()) == (404, True)
    fresh = path_of(sender)
    update_sender(alice, sender.pk, from_email="other@example.com")
    assert Client().post(fresh).status_code == 404
    sender.refresh_from_db()
    assert sender.verified_at is None
