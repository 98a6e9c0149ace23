"""A draft is refused exactly when the composer could not write its messages, with the path of the value."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from email import message_from_bytes
from typing import Any

import pytest

from accounts.models import Account
from mailer.compose.headers import OTHERS, URLS
from mailer.compose.mime import Composer, date_field
from mailer.draft import Address, Attachment, ContentPart, MailDraft, Personalization
from mailer.errors import Inexpressible, MessageTooLarge
from mailer.expressing import check_expressible
from mailer.models import Mail, Message
from mailer.pipeline.accept import accept_mail
from mailer.preview import preview_message
from tests.drafts import draft
from tests.examples import for_each
from tests.mailer.compose.composed import DATE

NAMES = sorted({*URLS, *OTHERS, "content-disposition", "Content-Language", "List-Unsubscribe", "REFERENCES"})
"""Fields with a structure, some in another letter case."""
URL = "<https://example.com/{}>"


def with_headers(headers: Mapping[str, str], values: Mapping[str, str] | None = None, *, is_own: bool) -> MailDraft:
    """Return a draft with these headers, for the mail or for its second message; `values` are the second one's."""
    plain = draft(2)
    first, second = plain.personalizations
    second = second._replace(substitutions=values or {}, headers=headers if is_own else {})
    return replace(
        plain, headers={} if is_own else headers, personalizations=(first._replace(substitutions={}), second)
    )


def message_of(mail: MailDraft) -> bytes:
    """Return the second message of a draft."""
    personalization = mail.personalizations[1]
    fields = {"sender": mail.sender.email, "subject": "x", "public_id": "A" * 22, "headers": mail.headers}
    stored = Mail(content=[asdict(part) for part in mail.content], **fields)
    composer = Composer(stored, message_id_domain="sluice.test", public_url="https://sluice.test")
    personal = {"headers": personalization.headers, "substitutions": personalization.substitutions}
    return composer.compose(1, "to@example.com", personal, date=date_field(DATE)).data


VALUES: list[tuple[str, dict[str, str], str | None]] = [
    ("<a@example.com>", {}, "<a@example.com>"),
    (" ".join(["<a@example.com>"] * 200), {}, " ".join(["<a@example.com>"] * 200)),
    ("x" * 900, {}, "x" * 900),
    ("x" * 999, {}, None),
    ("gr\xf6\xdfe", {}, None),
    ("-k-", {"-k-": "plain"}, "plain"),
    ("-k-", {"-k-": "gr\xf6\xdfe"}, None),
    ("-k-", {"-k-": "x" * 999}, None),
    ("-k-", {"-k-": " x" * 999}, " x" * 999),
    ("-k--k-", {"-k-": "x" * 480}, "x" * 960),
    ("-k--k-", {"-k-": "x" * 500}, None),
    ("-k-", {"-k-": "a\r\nb"}, "a b"),
    ("-k-", {"-other-": "gr\xf6\xdfe" * 999}, "-k-"),
    ("-\xfc-", {"-\xfc-": "plain"}, None),  # not in the message that has no value for it
    (URL.format("x" * 900), {}, URL.format("x" * 900)),
    (URL.format("x" * 999), {}, None),
]


def test_a_field_with_a_structure_is_written_without_encoded_words_or_refused(
    subtests: pytest.Subtests, step: int
) -> None:
    for is_own in [False, True]:
        for value, values, written in VALUES[::step]:
            with subtests.test(is_own=is_own, value=value, values=values, written=written):
                if is_own and not value.isascii() and values:
                    written = "plain"
                for name in NAMES:
                    mail = with_headers({name: value}, values, is_own=is_own)
                    if written is None:
                        with pytest.raises(Inexpressible) as refused:
                            check_expressible(mail)
                        assert refused.value.field == ("personalizations.1.headers" if is_own else "headers")
                        assert name in str(refused.value)
                        continue
                    check_expressible(mail)
                    if name in {"date", "sender", "message-id", "return-path", "mime-version"}:
                        continue
                    data = message_of(mail)
                    (field,) = (value for each, value in message_from_bytes(data).items() if each == name)
                    assert re.sub("\r\n", "", field).strip() == written.strip()
                    assert max(map(len, data.split(b"\r\n"))) <= 998


@for_each("name", sorted(URLS))
def test_a_url_is_percent_encoded_where_it_is_not_ascii(name: str) -> None:
    value = "<mailto:a@example.com?subject=\xdc>, <https://example.com/gr\xf6\xdfe/\u65e5?-k->"
    mail = with_headers({name: value}, {"-k-": "\U0001f389"}, is_own=False)
    check_expressible(mail)
    written = message_from_bytes(message_of(mail))[name]
    written = re.sub(r"\r\n", "", written)
    assert written == (
        "<mailto:a@example.com?subject=%C3%9C>, <https://example.com/gr%C3%B6%C3%9Fe/%E6%97%A5?%F0%9F%8E%89>"
    )
    stored = Mail(sender="from@example.com", subject="x", content=[], headers=mail.headers)
    shown = preview_message(
        Message(pk=512, recipient="to@example.com", personal={"substitutions": {"-k-": "\U0001f389"}}), stored
    )
    assert (name, written) in shown.headers
    for text in ("gr\xf6\xdfe", "(gr\xf6\xdfe) <https://example.com>", "<https://example.com/\xdf" + "x" * 990 + ">"):
        with pytest.raises(Inexpressible):
            check_expressible(with_headers({name: text}, is_own=False))


def test_an_unsubscribe_link_has_room_in_a_field_with_a_structure() -> None:
    tag = "<%asm_global_unsubscribe_raw_url%>"
    check_expressible(with_headers({"List-Unsubscribe": f"<{tag}>"}, is_own=False))
    with pytest.raises(Inexpressible):
        check_expressible(with_headers({"List-Unsubscribe": f"<{tag}{tag}{tag}{tag}>"}, is_own=True))


def test_other_fields_take_any_value() -> None:
    for value in ("gr\xf6\xdfe" * 999, "x" * 9999, "\U0001f389" * 999):
        check_expressible(with_headers({"X-Note": value, "Subject-2": "-k-"}, {"-k-": value}, is_own=False))


def test_the_work_for_fields_with_a_structure_is_bounded() -> None:
    keys = [{f"{number}{n}": "\xfc" * 10 for n in range(1000)} for number in range(120)]
    people = tuple(Personalization(to=(Address("to@example.com"),), substitutions=values) for values in keys)
    mail = replace(draft(), headers={"References": "0123456789" * 200}, personalizations=people)
    with pytest.raises(MessageTooLarge):
        check_expressible(mail)


def file(content: bytes, type: str = "", **changes: str) -> dict[str, Any]:
    return {"attachments": (Attachment(base64.b64encode(content).decode(), "f", type, **changes),)}


LONG_ADDRESS = Address("\xe9" * 200 + "@example.com")
FAULTS: list[tuple[dict[str, Any], str]] = [
    (file(b"x" * 999, "message/rfc822"), "attachments.0.content"),
    (file(b"A: b\r\rc", "message/rfc822"), "attachments.0.content"),
    (file(b"--a\n--a--", "multipart/mixed"), "attachments.0.content"),
    (file(b"x", "text/plain; charset"), "attachments.0.type"),
    (file(b"x", "pdf"), "attachments.0.type"),
    (file(b"x", content_id="c" * 985), "attachments.0.content_id"),
    (file(b"x", content_id="<>"), "attachments.0.content_id"),
    ({"content": (ContentPart("text/plain", "x"), ContentPart("message/rfc822", "x"))}, "content.1.type"),
    ({"content": (ContentPart("multipart/mixed; boundary=x", "x"),)}, "content.0.type"),
    ({"content": (ContentPart("text", "x"),)}, "content.0.type"),
    ({"sender": LONG_ADDRESS}, "sender"),
    ({"reply_to": (Address("a@example.com"), LONG_ADDRESS)}, "reply_to"),
    ({"personalizations": (Personalization(to=(LONG_ADDRESS,)),)}, "personalizations.0.to"),
    ({"personalizations": (Personalization(to=(Address("a@b.c"),), cc=(LONG_ADDRESS,)),)}, "personalizations.0.cc"),
]


def test_a_body_that_no_message_can_express_is_refused_and_nothing_is_stored(
    alice: Account, subtests: pytest.Subtests
) -> None:
    for changes, path in FAULTS:
        with subtests.test(changes=changes, path=path):
            with pytest.raises(Inexpressible) as refused:
                accept_mail(alice, replace(draft(), **changes))
            assert refused.value.field == path
            assert not Mail.objects.exists()


@for_each(
    "changes",
    [
        file(b"A: b\n\nc", "message/rfc822"),
        file(b"--a\n\nb\n--a--", "multipart/mixed; boundary=a"),
        file(b"x", 'text/plain; charset="utf-8"', content_id="<logo>"),
        file(b"x", content_id="\u043b\u043e\u0433\u043e\u0442\u0438\u043f"),
        {"content": (ContentPart("text/calendar; method=REQUEST", "x"), ContentPart("application/json", "{}"))},
        {"reply_to": (Address("\xe9" * 100 + "@example.com", "\xe9" * 998),)},
        {"subject": "x" * 998},
    ],
)
def test_a_body_that_a_message_can_express_is_accepted(changes: dict[str, Any]) -> None:
    check_expressible(replace(draft(), **changes))
