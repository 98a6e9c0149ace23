"""Test the page that shows a message as it was sent: for the holder of its link, and harmless with any content."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Account
from batches.handles import create_batch
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from content.settings import change_setting
from content.templates import create_template, delete_template
from content.versions import create_version
from foundation.addresses import address_key
from mailer import weblink
from mailer.draft import Address, Attachment, ContentPart, Personalization
from mailer.models import Mail, Message, UnsubscribeGroup
from mailer.suppressions.links import Link, Sealer, seal
from mailer.template_rules import RULES
from tests.mailer.suppressions.conftest import Send

ANN = "ann@example.com"
HOSTILE = (
    '<html><head><base href="https://evil.example/"><meta http-equiv="refresh" content="0; url=https://evil.example/">'
    '</head><body onload="alert(1)"><script>alert(1)</script><form action="https://evil.example/"><button>x</button>'
    '</form><iframe src="https://evil.example/"></iframe><object data="https://evil.example/"></object></body></html>'
)


def message_of(address: str) -> Message:
    return Message.objects.get(recipient=address)


def path_of(account: Account, address: str = ANN, *, is_alone: bool = True, group: int = 0) -> str:
    """Return the path of the page of a message, as the tag in it has it."""
    link = Link(account.pk, group, message_of(address).pk, address_key(address) if is_alone else "")
    return f"/u/{seal(link)}/view"


def html(text: str) -> dict[str, Any]:
    return {"content": (ContentPart("text/plain", "Plain"), ContentPart("text/html", text))}


def test_the_page_shows_the_message_with_its_values_and_links(
    client: Client, alice: Account, news: UnsubscribeGroup, send: Send
) -> None:
    change_setting(alice, "footer", {"enabled": True, "html_content": "<i>Footer</i>", "plain_content": "Footer"})
    send(
        Personalization(to=(Address(ANN),), substitutions={"-name-": "Ann"}),
        unsubscribe_group=news.pk,
        **html('<body>Hi -name-, <a href="[weblink]">view</a> <a href="[unsubscribe]">leave</a></body>'),
    )
    path = path_of(alice, group=news.pk)
    link = f"http://localhost:8000{path.removesuffix('/view')}"
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.content.decode() == (
        f'<body>Hi Ann, <a href="{link}/view">view</a> <a href="{link}">leave</a><i>Footer</i></body>'
    )
    assert client.head(path).content == b""
    assert client.get(f"{path}/").content == answer.content
    assert client.get(link.removeprefix("http://localhost:8000")).status_code == 200
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(client, method)(path)
        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_a_hostile_message_runs_nothing(client: Client, alice: Account, send: Send) -> None:
    send(ANN, **html(HOSTILE))
    answer = client.get(path_of(alice))
    assert answer.content.decode() == HOSTILE
    policy = dict(part.partition(" ")[::2] for part in answer["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    for name in ("form-action", "base-uri", "frame-ancestors"):
        assert policy[name] == "'none'"
    assert policy["img-src"] == "https: data:"
    assert not {"allow-scripts", "allow-same-origin", "allow-forms", "allow-top-navigation"} & {
        *policy["sandbox"].split()
    }
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"] == "noindex"
    assert answer["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert "no-store" in answer["Cache-Control"]
    assert not answer.cookies


def test_a_message_without_html_is_shown_as_text(client: Client, alice: Account, send: Send) -> None:
    send(ANN, subject="A <b> subject", content=(ContentPart("text/plain", "Hi <script>alert(1)</script>\n  there"),))
    answer = client.get(path_of(alice))
    shown = answer.content.decode()
    assert "<pre>Hi &lt;script&gt;alert(1)&lt;/script&gt;\n  there</pre>" in shown
    assert "<title>A &lt;b&gt; subject</title>" in shown
    assert answer["Content-Security-Policy"] == weblink.POLICY


def test_a_message_of_a_template_is_shown_after_the_template_was_deleted(
    client: Client, alice: Account, send: Send
) -> None:
    template = create_template(alice, "Receipt", is_dynamic=True)
    version = create_version(
        alice, template.public_id, rules=RULES, name="1", html_content="<p>{{order}} {{{weblink}}}</p>"
    )
    send(Personalization(to=(Address(ANN),), data={"order": 7}), template=version.content_id, content=())
    delete_template(alice, template.public_id)
    path = path_of(alice)
    assert client.get(path).content.decode() == f"<p>7 http://localhost:8000{path}</p>"


def test_the_state_of_the_batch_does_not_matter(client: Client, alice: Account, send: Send) -> None:
    batch = create_batch(alice)
    send(ANN, batch_id=batch.public_id, **html("<p>Hi</p>"))
    path = path_of(alice)
    for status in (BatchStatus.PAUSED, BatchStatus.CANCELLED):
        stop_batch(alice, batch.public_id, status, actor="test", allowed_from=frozenset(BatchStatus))
        assert client.get(path).content == b"<p>Hi</p>"


def test_a_message_to_several_is_shown_without_its_recipients(client: Client, alice: Account, send: Send) -> None:
    send(Personalization(to=(Address(ANN), Address("bob@example.com"))), **html("<p>Hi</p>"))
    answer = client.get(path_of(alice, is_alone=False))
    assert answer.content == b"<p>Hi</p>"


def test_a_link_that_is_not_ours_or_has_no_message_is_not_found(
    client: Client, alice: Account, charlie: Account, send: Send, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(ANN, **html("<p>Hi</p>"))
    path, message_id = path_of(alice), message_of(ANN).pk
    foreign = Sealer("x" * 40).seal(alice.pk, 0, message_id, ANN)
    wrong = (
        f"/u/{foreign}/view",
        f"/u/{'A' * 60}/view",
        f"/u/{'B' if path[3] == 'A' else 'A'}{path[4:]}",
        f"/u/{seal(Link(charlie.pk, 0, message_id, ANN))}/view",
        f"/u/{seal(Link(alice.pk, 0, message_id + 1, ANN))}/view",
        f"/u/{seal(Link(alice.pk, 0, 0, ANN))}/view",
    )
    for each in wrong:
        answer = client.get(each)
        assert answer.status_code == 404, each
        assert "This message is not available" in answer.content.decode()
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert not answer.cookies
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "y" * 40
    assert client.get(path).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get(path).status_code == 404


def test_a_message_that_is_gone_or_too_large_is_not_found(
    client: Client, alice: Account, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(Personalization(to=(Address(ANN),), substitutions={"-x-": "x" * 1000}), **html("<p>-x-</p>"))
    path = path_of(alice)
    for longest, status in ((500, 404), (10, 404), (2000, 200)):
        monkeypatch.setattr(weblink, "LONGEST_TEXT", longest)
        assert client.get(path).status_code == status, longest
    with connection.cursor() as cursor:
        cursor.execute("update mailer_message set mail_id = %s", [Mail.objects.latest("pk").pk + 1])
    assert client.get(path).status_code == 404
    with connection.cursor() as cursor:
        cursor.execute("delete from mailer_message")
    assert client.get(path).status_code == 404


def test_attached_images_are_in_the_page(client: Client, alice: Account, send: Send) -> None:
    attachments = (
        Attachment("aGVsbG8=", "logo.png", "image/png", "inline", "<logo@x>"),
        Attachment("aGVsbG8=", "page.html", "text/html", "inline", "page"),
    )
    send(ANN, attachments=attachments, **html('<img src="cid:logo@x"><img src="cid:page"><img src=cid:none>'))
    shown = client.get(path_of(alice)).content.decode()
    assert shown == '<img src="data:image/png;base64,aGVsbG8="><img src="cid:page"><img src=cid:none>'


def test_images_beyond_the_limit_are_left_out(
    client: Client, alice: Account, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Attachment("aGVs" * 50, "logo.png", "image/png", "inline", "logo")
    send(ANN, attachments=(image,), **html('<img src="cid:logo">' * 3))
    for longest, count in ((600, 2), (300, 0)):
        monkeypatch.setattr(weblink, "LONGEST_TEXT", longest)
        assert client.get(path_of(alice)).content.decode().count("data:") == count, longest
