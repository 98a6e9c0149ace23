"""Attachments, calendars and Content-IDs have the form that mail programs expect, whatever a file contains."""

from __future__ import annotations

import base64
import re
from email import message_from_bytes
from email.message import Message
from typing import Any
from urllib.parse import unquote

import pytest

from mailer.compose.attachments import Unencodable, encode_file
from mailer.compose.part_heads import parse_mime_type, type_field
from mailer.transports.base import Envelope
from mailer.transports.checking import find_fault
from tests.examples import for_each
from tests.mailer.compose.composed import HTML, PLAIN, compose

PARTS = b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n"
CALENDAR = "BEGIN:VCALENDAR\r\n{}\r\nSUMMARY:{}\r\nEND:VCALENDAR\r\n"


def file(content: bytes, type: str, **changes: str) -> dict[str, str]:
    encoded = base64.b64encode(content).decode()
    return {"content": encoded, "filename": "f", "type": type, "disposition": "attachment", "content_id": ""} | changes


def attach(*files: dict[str, str], **fields: Any) -> tuple[Envelope, Message]:
    envelope = compose(attachments=list(files), **fields)
    assert find_fault(envelope.data) == ""
    return envelope, message_from_bytes(envelope.data)


def encode(content: bytes, type: str) -> tuple[str, bytes]:
    encoded = encode_file(type, base64.b64encode(content).decode())
    return encoded.encoding, encoded.data


COMPOSITE = [
    ("message/rfc822", b"A: b\r\n\r\nc\r\n", "7bit"),
    ("MESSAGE/RFC822", b"A: b\n\nc\n", "7bit"),
    ("message/rfc822", b"A: b\n\r\nc", "7bit"),
    ("message/rfc822", b"A: b\n\n" + b"x" * 998 + b"\n", "7bit"),
    ("message/rfc822", "A: b\n\nä\n".encode(), "8bit"),
    ("message/rfc822", b"A: b\n\n" + "ä".encode() * 499, "8bit"),
    ("message/x-other; a=b", b"\xff", "8bit"),
    ("message/partial; id=a; number=1", b"A: b\n\nc", "7bit"),
    ("message/delivery-status", b"Reporting-MTA: dns; a\n\nAction: failed\n", "7bit"),
    ("message/global", b"A: b\n\nc\n", "7bit"),
    ("message/global", "A: b\n\nä\n".encode(), "base64"),
    ("message/global", b"x" * 999, "base64"),
    ("message/global", b"a\rb\0", "base64"),
    ("multipart/mixed; boundary=b", PARTS, "7bit"),
    ('multipart/x-any; boundary="b"', PARTS.replace(b"\r\n", b"\n"), "7bit"),
    ("multipart/mixed; boundary=b", PARTS + b"\xe4", "8bit"),
    ("multipart/mixed; boundary=b", b"preamble\n--b \n\none\n--b--\t\nend", "7bit"),
]


@for_each(("type", "content", "encoding"), COMPOSITE)
def test_a_file_with_parts_is_sent_unchanged_but_for_its_line_ends(type: str, content: bytes, encoding: str) -> None:
    expected = content if encoding == "base64" else content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    actual, data = encode(content, type)
    assert actual == encoding
    assert (base64.b64decode(data) if encoding == "base64" else data) == expected
    envelope, message = attach(file(content, type))
    assert envelope.is_8bit is (encoding == "8bit")
    assert message["Content-Transfer-Encoding"] == ("8bit" if encoding == "8bit" else None)
    assert (b"\r\n\r\n" + data + b"\r\n--=mixed=") in envelope.data


@for_each(
    ("type", "content"),
    [
        ("message/rfc822", b"A: b\n\n" + b"x" * 999),
        ("message/rfc822", b"A: b\n\nx" + "ä".encode() * 499),
        ("message/rfc822", b"A: b\r\rc\r"),
        ("message/rfc822", b"A: b\r\r\n\r\n"),
        ("message/rfc822", b"A: b\n\n\0"),
        ("message/partial; id=a; number=1", b"A: b\n\n\xe4"),
        ("message/external-body", b"\xe4"),
        ("message/delivery-status", b"\xe4"),
        ("multipart/mixed", PARTS),
        ("multipart/mixed; boundary=c", PARTS),
        ("multipart/mixed; boundary=b", PARTS.replace(b"--b--", b"")),
        ("multipart/mixed; boundary=b", b"--b--\n"),
        ("multipart/mixed; boundary=b", b" --b\n\none\n --b--\n"),
        ('multipart/mixed; boundary=""', PARTS),
        ('multipart/mixed; boundary="b "', PARTS.replace(b"--b", b"--b ")),
        (f"multipart/mixed; boundary={'b' * 71}", PARTS.replace(b"--b", b"--" + b"b" * 71)),
        ('multipart/mixed; boundary="=mixed="', PARTS.replace(b"--b", b"--=mixed=")),
        ('multipart/mixed; boundary="="', PARTS.replace(b"--b", b"--=")),
        ("multipart/mixed; boundary=b", PARTS + b"\r"),
    ],
)
def test_a_file_with_parts_that_no_encoding_can_send_is_refused(type: str, content: bytes) -> None:
    with pytest.raises(Unencodable):
        encode(content, type)
    envelope, message = attach(file(content, type))
    _, stored_earlier = message.get_payload()
    assert (stored_earlier.get_content_type(), envelope.is_8bit) == ("application/octet-stream", False)  # type: ignore[union-attr]
    assert stored_earlier.get_payload(decode=True) == content  # type: ignore[union-attr]


TYPES = {
    "text/plain": "text/plain",
    " Text/Plain ": "text/plain",
    'text/plain; charset="utf-8"': "text/plain; charset=utf-8",
    "text/plain;charset=utf-8;Format=flowed": "text/plain; charset=utf-8; format=flowed",
    'a/b; name="a;b \\"c\\" \\\\.pdf"': 'a/b; name="a;b \\"c\\" \\\\.pdf"',
    "a/b; name*0*=utf-8''%C3%A4; name*1=b": "a/b; name*0*=utf-8''%C3%A4; name*1=b",
    f"a/b; x={'y' * 80}; z=1": f"a/b;\r\n x={'y' * 80};\r\n z=1",
}
NO_TYPES = [
    *("", "pdf", "text", "text/", "/plain", "a/b/c", "a b/c", "a/b c", "tex\xe4/plain", "a/b;", "a/b; c", "a/b; c="),
    *("a/b; =c", "a/b; c=d e", 'a/b; c="d', 'a/b; c="d"e', "a/b; c=d; C=e", "a/b c=d", "a/b; c=d,e", "a/b; c=\xe4"),
    *("a/b\r\nX: y", 'a/b; c="d\r\n e"', "a/b (comment)", "a/b; c=(d)", f"a/{'b' * 128}", f"a/b; c={'d' * 900}"),
]


@for_each(("text", "written"), TYPES.items())
def test_a_mime_type_is_read_with_its_parameters(text: str, written: str) -> None:
    type = parse_mime_type(text)
    assert type is not None
    assert type_field(type).decode() == f"Content-Type: {written}\r\n"


@for_each("text", NO_TYPES)
def test_a_malformed_mime_type_is_refused(text: str) -> None:
    assert parse_mime_type(text) is None


@for_each("name", ["--=mixed=", 'x"; boundary="y', "a\\", "; boundary=x"])
def test_parameters_of_a_type_do_not_change_the_structure(name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    _, message = attach(file(b"one", f'application/pdf; boundary=b; name="{quoted}"'), file(b"two", "text/csv"))
    types = [part.get_content_type() for part in message.walk()]
    assert types == ["multipart/mixed", "text/plain", "application/pdf", "text/csv"]
    assert message.get_payload(1).get_param("name") == name  # type: ignore[union-attr]


METHODS = {
    "METHOD:REQUEST": "REQUEST",
    "method:reply": "reply",
    "METHOD;X-A=b:CANCEL": "CANCEL",
    "MET\r\n HOD:PUB\r\n\tLISH": "PUBLISH",
    "METHOD:X-OWN-1 ": "X-OWN-1",
    "METHOD:REQUEST\r\nMETHOD:REQUEST": "REQUEST",
    "VERSION:2.0": None,
    "METHOD:": None,
    "METHOD:RE QUEST": None,
    "METHOD:A\r\nMETHOD:B": None,
    'METHOD:"; boundary=x': None,
    f"METHOD:{'A' * 65}": None,
    "X-METHOD:REQUEST": None,
    "DESCRIPTION:see\\nMETHOD:REQUEST": None,
}


@for_each(("line", "method", "end"), [(*row, end) for row in METHODS.items() for end in ("\r\n", "\n")])
def test_a_calendar_has_the_method_that_it_names(line: str, method: str | None, end: str) -> None:
    text = CALENDAR.format(line, "Größe").replace("\r\n", end)
    _, message = attach(file(text.encode(), "text/calendar"), content=[PLAIN, {"type": "text/calendar", "value": text}])
    alternatives, attached = message.get_payload()
    for part in (alternatives.get_payload(1), attached):  # type: ignore[union-attr, call-arg]
        assert (part.get_param("method"), part.get_param("charset")) == (method, "utf-8")
        payload = part.get_payload(decode=True)
        assert payload.decode().replace("\r\n", "\n") == text.replace("\r\n", "\n")


@for_each(
    ("content", "type", "parameters"),
    [
        (CALENDAR.format("METHOD:REQUEST", "a").encode(), "text/calendar", {"method": "REQUEST"}),
        (CALENDAR.format("METHOD:REQUEST", "ä").encode("latin-1"), "text/calendar", {"method": "REQUEST"}),
        (
            CALENDAR.format("METHOD:REQUEST", "ä").encode(),
            'text/calendar; Method="CANCEL"; charset=UTF-8',
            {"method": "CANCEL", "charset": "UTF-8"},
        ),
        ("\ufeffä".encode(), "text/calendar; component=VEVENT", {"component": "VEVENT", "charset": "utf-8"}),
    ],
)
def test_a_calendar_file_keeps_its_parameters(content: bytes, type: str, parameters: dict[str, str]) -> None:
    assert encode_file(type, base64.b64encode(content).decode()).type == ("text/calendar", parameters)


def test_the_method_of_a_calendar_is_that_of_the_message() -> None:
    """A value can be part of the method."""
    content = [{"type": "text/calendar", "value": CALENDAR.format("METHOD:-m-", "a")}]
    methods = [
        message_from_bytes(compose({"substitutions": {"-m-": method}}, content=content).data).get_param("method")
        for method in ("REQUEST", "CANCEL", "not one")
    ]
    assert methods == ["REQUEST", "CANCEL", None]


@pytest.mark.parametrize(
    ("content", "root"),
    [([HTML], "text/html"), ([PLAIN, HTML], "multipart/alternative"), ([PLAIN], "text/plain")],
)
def test_related_parts_name_the_type_of_their_root(content: list[dict[str, str]], root: str) -> None:
    _, message = attach(file(b"x", "image/png", disposition="inline", content_id="logo"), content=content)
    assert (message.get_content_type(), message.get_param("type")) == ("multipart/related", root)
    assert message.get_payload(0).get_content_type() == root  # type: ignore[union-attr]


CONTENT_IDS = {
    "logo": "logo", "<logo>": "logo", " < logo > ": "logo", "<<logo>>": "logo", "a@b.c": "a@b.c", "a%20b": "a%20b",
    "image(1)": "image(1)", "логотип": "%D0%BB%D0%BE%D0%B3%D0%BE%D1%82%D0%B8%D0%BF", "a>b": "a%3Eb", "<a": "%3Ca",
    "my logo": "my%20logo", 'a"b\\c': "a%22b%5Cc", "=?utf-8?q?a?=": "=?utf-8?q?a?=", "c" * 984: "c" * 984,
}  # fmt: skip


@for_each(("content_id", "expected"), CONTENT_IDS.items())
def test_a_content_id_is_ascii_in_one_pair_of_brackets_that_the_html_refers_to(content_id: str, expected: str) -> None:
    bare = content_id.strip("<> ") if expected == "logo" else content_id
    html = f"""<img src="cid:{bare}"> <img src='cid:{bare}'> <img src="cid:other"> cid:{bare}x"""
    envelope, message = attach(
        file(b"x", "image/png", disposition="inline", content_id=content_id), content=[{**HTML, "value": html}]
    )
    root, image = message.get_payload()
    assert image["Content-ID"] == f"<{expected}>"  # type: ignore[index]
    text = root.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert text.count(f"cid:{expected}") >= 2 or '"' in content_id, "a quotation mark ends the URL"
    assert "cid:other" in text
    assert unquote(text) == unquote(html)
    assert max(map(len, re.split(rb"\r\n", envelope.data))) <= 998


@for_each("content_id", ["", "<>", " <> ", "c" * 985, "é" * 200])
def test_a_part_without_a_valid_content_id_has_none(content_id: str) -> None:
    _, message = attach(file(b"x", "image/png", disposition="inline", content_id=content_id))
    assert "Content-ID" not in message.get_payload(1)  # type: ignore[operator]
