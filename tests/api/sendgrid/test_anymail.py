"""Test django-anymail's SendGrid backend with another host: the mail arrives as Django was given it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from anymail.exceptions import AnymailRequestsAPIError
from anymail.message import AnymailMessage
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend

from batches.models import Parcel
from foundation.clock import database_now
from mailer.models import Mail, Message
from mailer.pipeline.deliver import Deliverer
from tests.api.conftest import ApiClient
from tests.campaigns.building import run_fleet
from tests.conftest import Clock
from tests.examples import further
from tests.peer import CountingPeer

pytestmark = pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning")

BACKEND = "anymail.backends.sendgrid.EmailBackend"
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
"""A GIF image of one pixel."""


@pytest.fixture
def anymail(client_of_alice: ApiClient, server_url: str) -> Iterator[BaseEmailBackend]:
    """Open a backend with a key of Alice until the end of the test."""
    with get_connection(BACKEND, api_url=f"{server_url}/v3/", api_key=client_of_alice.key_text) as backend:
        yield backend


def make_message(backend: BaseEmailBackend, **options: Any) -> AnymailMessage:
    """Return a message in two forms, text and HTML."""
    fields = {
        "subject": "Hello",
        "body": "Text of it",
        "from_email": '"From, with comma" <from@example.com>',
        "to": ["to1@example.com"],
    } | options
    message = AnymailMessage(connection=backend, **fields)
    message.attach_alternative("<p>HTML of it</p>", "text/html")
    return message


def arrived(peer: CountingPeer) -> dict[str, EmailMessage]:
    """Return what the peer took, as Python's email package reads it, by recipient."""
    return {taken.recipient: message_from_bytes(taken.data, policy=policy.default) for taken in peer.ledger}


def metadata_by_recipient() -> dict[str, dict[str, str]]:
    """Return what is stored of `metadata`, by the first recipient of each message."""
    common = Mail.objects.get().custom_args
    return {message.recipient: common | message.personal["custom_args"] for message in Message.objects.all()}


def test_a_simple_message_is_queued_and_arrives(
    anymail: BaseEmailBackend, deliverer: Deliverer, peer: CountingPeer
) -> None:
    message = make_message(anymail)
    assert message.send() == 1
    status = message.anymail_status
    assert (status.status, status.esp_response.status_code) == ({"queued"}, 202)
    assert metadata_by_recipient() == {"to1@example.com": {"anymail_id": status.message_id}}
    run_fleet(deliverer)
    (mail,) = arrived(peer).values()
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content().strip() for part in mail.iter_parts()] == ["Text of it", "<p>HTML of it</p>"]


@further
def test_a_message_with_all_options_waits_and_arrives_whole(
    anymail: BaseEmailBackend, deliverer: Deliverer, peer: CountingPeer, clock: Clock
) -> None:
    send_at = (database_now() + dt.timedelta(minutes=2)).replace(microsecond=0)
    message = make_message(
        anymail,
        to=["to1@example.com", '"Recipient 2, OK?" <to2@example.com>'],
        cc=["Copy Ünö <cc1@example.com>"],
        bcc=["Blind Copy <bcc1@example.com>"],
        reply_to=['"Reply, with comma" <reply@example.com>', "reply2@example.com"],
        headers={"X-Anymail-Test": "value", "X-Anymail-Count": 3},
        metadata={"meta1": "a text", "meta2": 2},
        send_at=send_at,
        tags=["tag 1", "tag 2"],
        track_clicks=True,
        track_opens=True,
    )
    message.attach("invoice.pdf", b"%PDF-1.4\n", "application/pdf")
    content_id = message.attach_inline_image(PIXEL, "pixel.gif")
    message.send()
    run_fleet(deliverer)
    assert not peer.ledger
    assert Parcel.objects.get().send_at == send_at
    assert Mail.objects.get().categories == ["tag 1", "tag 2"]
    metadata = {"meta1": "a text", "meta2": "2", "anymail_id": message.anymail_status.message_id}
    assert metadata_by_recipient() == {"to1@example.com": metadata}

    clock.advance(seconds=121)
    run_fleet(deliverer)
    mails = arrived(peer)
    assert set(mails) == {"to1@example.com", "to2@example.com", "cc1@example.com", "bcc1@example.com"}
    mail = mails["to1@example.com"]
    assert [(name, mail[name]) for name in ("X-Anymail-Test", "X-Anymail-Count")] == [
        ("X-Anymail-Test", "value"),
        ("X-Anymail-Count", "3"),
    ]
    names = {field: [address.display_name for address in mail[field].addresses] for field in ("From", "To", "Cc")}
    assert names == {"From": ["From, with comma"], "To": ["", "Recipient 2, OK?"], "Cc": ["Copy Ünö"]}
    assert [str(address) for address in mail["Reply-To"].addresses] == [
        '"Reply, with comma" <reply@example.com>',
        "reply2@example.com",
    ]
    assert mail["Bcc"] is None
    parts = {part.get_content_type(): part for part in mail.walk()}
    assert parts["application/pdf"].get_content() == b"%PDF-1.4\n"
    assert parts["image/gif"].get_content() == PIXEL
    assert parts["image/gif"]["Content-ID"] == f"<{content_id}>"
    assert parts["image/gif"].get_content_disposition() == "inline"


@further
def test_text_attachments_have_a_charset_in_their_type(
    anymail: BaseEmailBackend, deliverer: Deliverer, peer: CountingPeer
) -> None:
    message = make_message(anymail)
    message.attach("note.txt", "Some\ntext: ü", "text/plain")
    message.attach("rows.csv", "ID,Name\n1,Zoë", "text/csv")
    message.send()
    run_fleet(deliverer)
    (mail,) = arrived(peer).values()
    attachments = [
        (part.get_filename(), part.get_content_charset(), part.get_content()) for part in mail.iter_attachments()
    ]
    assert attachments == [("note.txt", "utf-8", "Some\ntext: ü"), ("rows.csv", "utf-8", "ID,Name\n1,Zoë")]


def test_merge_data_makes_a_message_for_each_recipient(
    anymail: BaseEmailBackend, deliverer: Deliverer, peer: CountingPeer
) -> None:
    message = make_message(
        anymail,
        subject="Hello %field%",
        body="Text for %field%, %everyone%%nothing%",
        to=["to1@example.com", "Recipient 2 <to2@example.com>"],
        merge_data={"to1@example.com": {"field": "one"}, "to2@example.com": {"field": 2}},
        merge_global_data={"everyone": "all", "nothing": None},
        esp_extra={"merge_field_format": "%{}%"},
        metadata={"meta1": "for all"},
        merge_metadata={"to1@example.com": {"meta3": "first"}, "to2@example.com": {"meta3": "second"}},
        headers={"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        merge_headers={
            "to1@example.com": {"List-Unsubscribe": "<https://example.com/a/>"},
            "to2@example.com": {"List-Unsubscribe": "<https://example.com/b/>"},
        },
    )
    message.send()
    run_fleet(deliverer)
    rows = {
        address: (mail["To"].addresses[0].display_name, mail["Subject"], mail["List-Unsubscribe"])
        for address, mail in arrived(peer).items()
    }
    assert rows == {
        "to1@example.com": ("", "Hello one", "<https://example.com/a/>"),
        "to2@example.com": ("Recipient 2", "Hello 2", "<https://example.com/b/>"),
    }
    for address, field in (("to1@example.com", "one"), ("to2@example.com", "2")):
        body = arrived(peer)[address].get_body(("plain",))
        assert body is not None
        assert body.get_content().strip() == f"Text for {field}, all"
    status_by_recipient = message.anymail_status.recipients
    assert metadata_by_recipient() == {
        address: {"meta1": "for all", "meta3": value, "anymail_id": status_by_recipient[address].message_id}
        for address, value in (("to1@example.com", "first"), ("to2@example.com", "second"))
    }


def test_a_sandboxed_message_is_not_sent(anymail: BaseEmailBackend, deliverer: Deliverer, peer: CountingPeer) -> None:
    message = make_message(anymail, esp_extra={"mail_settings": {"sandbox_mode": {"enable": True}}})
    message.send()
    run_fleet(deliverer)
    assert message.anymail_status.status == {"queued"}
    assert not peer.ledger


def test_a_wrong_key_is_refused_in_the_words_that_anymail_expects(server_url: str) -> None:
    with (
        get_connection(BACKEND, api_url=f"{server_url}/v3/", api_key="not a key") as backend,
        pytest.raises(AnymailRequestsAPIError, match="authorization grant is invalid") as caught,
    ):
        make_message(backend).send()
    assert caught.value.status_code == 401
