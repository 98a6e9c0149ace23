"""A valid Message-ID of the caller is used, and Reply-To has the values of the message."""

from __future__ import annotations

from typing import Any

import pytest

from mailer.compose.caller_headers import LONGEST_MESSAGE_ID, MESSAGE_ID_FORM, SERVER_HEADERS, fill_message_id
from mailer.models import Mail, Message
from mailer.preview import preview_message
from tests.examples import for_each
from tests.mailer.compose.composed import PLAIN, compose, parse

OURS = f"<{'A' * 22}.512@sluice.test>"
VALID = [
    "<thread-1@example.com>",
    "<CAF+x=abc_123@mail.gmail.com>",
    "<SN6PR01MB4567.prod.exchangelabs.com@SN6PR01MB4567.prod>",
    "<000001c8$1a2b3c4d$0a01a8c0@host>",
    "<OF12.AB-ON85.34@LocalDomain>",
    '<1234.5.JavaMail."ada lovelace"@host>',
    r'<"a\"b"@host>',
    "<1@[192.0.2.1]>",
    "<1@[IPv6:2001:db8::1]>",
    "<!#$%&'*+-/=?^_`{|}~@host_name>",
    f"<{'a' * (LONGEST_MESSAGE_ID - 4)}@b>",
]
INVALID = [
    *("", "x", "thread-1@example.com", "<>", "<a>", "<a@>", "<@b>", "<a@b", "a@b>", "<a@b>x", "<a@b><c@d>"),
    *("<a@b> <c@d>", "<a b@c>", "<a@b c>", "<a@@b>", "<a@b@c>", "<.a@b>", "<a.@b>", "<a..b@c>", "<a@.b>", "<a@b.>"),
    *("<a@[b]c>", "<a@[b[]>", "<a@[b]", '<"a@b>', '<a"b"@c>', "<a,b@c>", "<a:b@c>", "<a@b:25>", "<ä@b>", "<a@bücher>"),
    *(
        "<a\t@b>",
        "<a@b>\x00",
        "<<a@b>>",
        "(x) <a@b>",
        "=?utf-8?q?=3Ca=40b=3E?=",
        f"<{'a' * (LONGEST_MESSAGE_ID - 3)}@b>",
    ),
]


@for_each("text", VALID)
def test_a_valid_message_id_is_kept_whole_on_one_line(text: str) -> None:
    for name, white in (("Message-ID", ""), ("message-id", " "), ("MESSAGE-ID", "\t")):
        for envelope in (
            compose(headers={name: f"{white}{text}{white}"}),
            compose({"headers": {name: text}}, headers={"Message-Id": "<another@example.com>"}),
        ):
            message = parse(envelope)
            assert message.get_all("Message-ID") == [text]
            assert f"\r\nMessage-ID: {text}\r\n".encode() in envelope.data


def test_a_malformed_message_id_is_ignored(subtests: pytest.Subtests) -> None:
    for text in INVALID:
        with subtests.test(text=text):
            assert fill_message_id(text, {}) is None
            assert parse(compose(headers={"Message-ID": text}))["Message-ID"] == OURS
            assert parse(compose({"headers": {"Message-ID": text}}))["Message-ID"] == OURS


def test_the_values_of_a_message_make_its_message_id() -> None:
    assert MESSAGE_ID_FORM.fullmatch("<-n-@example.com>")
    personal = {"substitutions": {"-n-": "7", "-host-": "x y"}}
    assert parse(compose(personal, headers={"Message-ID": "<-n-@example.com>"}))["Message-ID"] == "<7@example.com>"
    assert parse(compose(personal, headers={"Message-ID": "<-n-@-host->"}))["Message-ID"] == OURS
    assert fill_message_id("<aaaa@b>", {"a": "x" * 10**6}) is None


def test_the_messages_of_a_mail_share_its_message_id() -> None:
    headers = {"Message-ID": "<shared@example.com>"}
    assert [parse(compose(personal, headers=headers))["Message-ID"] for personal in (None, {"subject": "x"})] == [
        "<shared@example.com>"
    ] * 2


@for_each("name", [*SERVER_HEADERS, "DATE", "Sender", "Return-PATH"])
def test_a_stored_header_that_only_the_server_writes_is_left_out(name: str) -> None:
    plain = parse(compose())
    for message in (parse(compose(headers={name: "stored"})), parse(compose({"headers": {name: "stored"}}))):
        assert message.get_all(name) == plain.get_all(name)


@for_each(
    ("reply_to", "substitutions", "written"),
    [
        ([["-name-@example.com", "-name-"]], {"-name-": "ann"}, "ann <ann@example.com>"),
        ([["%name%@example.com", ""]], {"%name%": "ann", "%": "!"}, "ann@example.com"),
        ([["{{x}}@example.com", "To {{x}}"]], {"{{x}}": "ann"}, "To ann <ann@example.com>"),
        ([["-all-", ""]], {"-all-": "ann@example.org"}, "ann@example.org"),
        ([["a@example.com", "-n-"], ["-n-@b.example", "B"]], {"-n-": "c"}, "c <a@example.com>, B <c@b.example>"),
        ([["a@example.com", "-n-"]], {"-n-": "x\r\nBcc: y@z"}, '"x Bcc: y@z" <a@example.com>'),
        ([["a@example.com", "-n-"]], {"-n-": "Ünal"}, "Ünal <a@example.com>"),
        ([["a@example.com", "A"]], {"-n-": "c"}, "A <a@example.com>"),
        ([["a@example.com", "-n-"]], {"-n-": "x" * 2000}, "-n- <a@example.com>"),
        ([["a-@example.com", "b"]], {"-\0b": "x", "": "y"}, "b <a-@example.com>"),
    ],
)
def test_reply_to_has_the_values_of_the_message(
    reply_to: list[list[str]], substitutions: dict[str, str], written: str
) -> None:
    message = parse(compose({"substitutions": substitutions}, reply_to=reply_to))
    assert message.get_all("Reply-To") == [written]
    assert message["Bcc"] is None
    assert parse(compose(None, reply_to=[["a@example.com", "A"]]))["Reply-To"] == "A <a@example.com>"


def test_a_preview_shows_what_is_sent() -> None:
    fields = {"headers": {"Message-ID": "<-n-@b>", "Date": "x", "X-N": "-n-"}, "reply_to": [["-n-@b.example", "-n-"]]}
    personal = {"substitutions": {"-n-": "7"}}
    sent = parse(compose(personal, **fields))
    assert shown(personal, **fields) == {name: sent[name] for name in ("Message-ID", "Reply-To", "X-N", "Date")} | {
        "Date": None
    }


def shown(personal: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return what a preview has for these headers."""
    mail = Mail(sender="from@example.com", subject="Hello", content=[PLAIN], public_id="A" * 22, **fields)
    headers = dict(
        preview_message(Message(id=512, mail_id=1, recipient="to@example.com", personal=personal), mail).headers
    )
    return {name: headers.get(name) for name in ("Message-ID", "Reply-To", "X-N", "Date")}
