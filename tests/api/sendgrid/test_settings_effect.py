"""Settings change the mail that is accepted after them, as the peer receives it."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import Any

from django.test import Client

from accounts.models import Account
from mailer.pipeline.deliver import Deliverer
from tests.api.conftest import ApiClient
from tests.api.sendgrid.bodies import mail_body
from tests.peer import CountingPeer

CONTENT = [
    {"type": "text/plain", "value": "Hello"},
    {"type": "text/html", "value": "<body><p>Hello</p></body>"},
]


def send(client: ApiClient, **changes: Any) -> None:
    answer = client.post("/v3/mail/send", mail_body(content=CONTENT, **changes))
    assert answer.status_code == 202, answer.content


def change(client: ApiClient, path: str, changes: Any) -> None:
    answer = client.patch(f"/v3/{path}", changes)
    assert answer.status_code == 200, answer.content


def received(peer: CountingPeer, deliverer: Deliverer) -> list[tuple[str, str]]:
    """Return the text and the HTML of each message, in the order of their subjects."""
    while deliverer.deliver_due(seconds=10):
        pass
    messages = [message_from_bytes(each.data, policy=policy.default) for each in peer.ledger]
    messages.sort(key=lambda message: str(message["Subject"]))
    return [tuple(part.get_content().rstrip() for part in message.iter_parts()) for message in messages]  # type: ignore[misc]


def test_footer_template_and_subscription_texts_are_added_to_later_mail(
    client_of_alice: ApiClient, peer: CountingPeer, deliverer: Deliverer
) -> None:
    send(client_of_alice, subject="1")
    change(
        client_of_alice,
        "mail_settings/footer",
        {"enabled": True, "plain_content": "The shop", "html_content": "<p>The shop</p>"},
    )
    change(client_of_alice, "mail_settings/template", {"enabled": True, "html_content": "<html><% body %></html>"})
    send(client_of_alice, subject="2")
    words = {"plain_content": "Leave: <% %>", "html_content": "<p><% Leave %></p>"}
    change(client_of_alice, "tracking_settings/subscription", {"enabled": True, **words})
    send(client_of_alice, subject="3")
    plain, with_footer, with_link = received(peer, deliverer)
    assert plain == ("Hello", "<body><p>Hello</p></body>")
    assert with_footer[0].split() == ["Hello", "The", "shop"]
    assert with_footer[1] == "<html><body><p>Hello</p><p>The shop</p></body></html>"
    assert with_link[0].split()[:4] == ["Hello", "The", "shop", "Leave:"]
    assert "/u/" in with_link[0].split()[4]
    assert with_link[1].startswith('<html><body><p>Hello</p><p>The shop</p><p><a href="')
    assert with_link[1].endswith(">Leave</a></p></body></html>")


def test_a_tag_takes_the_place_of_the_subscription_texts(
    client_of_alice: ApiClient, peer: CountingPeer, deliverer: Deliverer
) -> None:
    words = {"plain_content": "Leave: <% %>", "html_content": "<p><% Leave %></p>", "replace": "[leave here]"}
    change(client_of_alice, "tracking_settings/subscription", {"enabled": True, **words})
    content = [{**part, "value": part["value"].replace("Hello", "[leave here]")} for part in CONTENT]
    client_of_alice.post("/v3/mail/send", mail_body(content=content))
    ((text, html),) = received(peer, deliverer)
    assert text.startswith("http")
    assert html == f"<body><p>{text}</p></body>"


def test_a_request_overrides_the_settings_of_its_account(
    client_of_alice: ApiClient, peer: CountingPeer, deliverer: Deliverer
) -> None:
    footer = {"enabled": True, "plain_content": "The shop", "html_content": "<p>The shop</p>"}
    change(client_of_alice, "mail_settings/footer", footer)
    change(client_of_alice, "tracking_settings/subscription", {"enabled": True, "plain_content": "Leave: <% %>"})
    off = {"tracking_settings": {"subscription_tracking": {"enable": False}}}
    send(client_of_alice, subject="1", mail_settings={"footer": {"enable": False}}, **off)
    send(
        client_of_alice,
        subject="2",
        mail_settings={"footer": {"enable": True, "text": "Mine", "html": "<p>Mine</p>"}},
        **off,
    )
    without, with_its_own = received(peer, deliverer)
    assert without == ("Hello", "<body><p>Hello</p></body>")
    assert (with_its_own[0].split(), with_its_own[1]) == (["Hello", "Mine"], "<body><p>Hello</p><p>Mine</p></body>")


def test_mail_of_the_installation_and_of_other_accounts_stays_as_it_is(
    alice: Account,
    client_of_alice: ApiClient,
    client_of_charlie: ApiClient,
    peer: CountingPeer,
    deliverer: Deliverer,
) -> None:
    footer = {"enabled": True, "plain_content": "The shop", "html_content": "<p>The shop</p>"}
    change(client_of_alice, "mail_settings/footer", footer)
    send(client_of_charlie)
    sender = {"nickname": "Shop", "from_email": "shop@example.com", "reply_to": "shop@example.com"}
    assert client_of_alice.post("/v3/verified_senders", sender).status_code == 201
    while deliverer.deliver_due(seconds=10):
        pass
    assert len(peer.ledger) == 2
    assert not any(b"The shop" in each.data for each in peer.ledger)


TRACKED = re.compile(r"http://localhost:8000(/c/[\w.-]+)")
PIXEL = re.compile(r"http://localhost:8000(/o/[\w-]+\.gif)")
LINK = '<body><a href="https://shop.example/?a=1&amp;b=2">Shop</a></body>'


def send_link(client: ApiClient, **changes: Any) -> None:
    content = [{"type": "text/plain", "value": "Shop: https://shop.example/"}, {"type": "text/html", "value": LINK}]
    answer = client.post("/v3/mail/send", mail_body(content=content, **changes))
    assert answer.status_code == 202, answer.content


def test_opens_and_clicks_are_tracked_as_account_and_request_ask(
    client_of_alice: ApiClient, peer: CountingPeer, deliverer: Deliverer, client: Client
) -> None:
    send_link(client_of_alice, subject="1")
    for setting in ("click", "open"):
        change(client_of_alice, f"tracking_settings/{setting}", {"enabled": True})
    change(client_of_alice, "tracking_settings/google_analytics", {"enabled": True, "utm_source": "news"})
    send_link(client_of_alice, subject="2")
    off = {"click_tracking": {"enable": False}, "open_tracking": {"enable": False}, "ganalytics": {"enable": False}}
    send_link(client_of_alice, subject="3", tracking_settings=off)
    in_text = {**off, "click_tracking": {"enable": True, "enable_text": True}}
    send_link(client_of_alice, subject="4", tracking_settings=in_text)
    untracked, tracked, overridden, with_text = received(peer, deliverer)
    assert untracked == overridden == ("Shop: https://shop.example/", LINK)
    assert tracked[0] == "Shop: https://shop.example/"
    (link,), (pixel,) = TRACKED.findall(tracked[1]), PIXEL.findall(tracked[1])
    assert client.get(link)["Location"] == "https://shop.example/?a=1&b=2&utm_source=news"
    assert client.get(pixel)["Content-Type"] == "image/gif"
    assert tracked[1].endswith("></body>")
    assert [client.get(each)["Location"] for each in TRACKED.findall("".join(with_text))] == [
        "https://shop.example/",
        "https://shop.example/?a=1&b=2",
    ]
    assert not PIXEL.search(with_text[1])
