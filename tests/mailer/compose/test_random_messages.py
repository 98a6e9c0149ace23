"""Two parsers read random messages back as they were requested, and no line is too long.

`RANDOM_MESSAGES` is the number of messages. The parsers are the standard library's and one that shares no code with it
(fast-mail-parser, on the Rust crate mailparse).
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.utils import collapse_rfc2231_value, getaddresses
from random import Random
from urllib.parse import unquote

from fast_mail_parser import PyMimePart, parse_email, parse_email_tree

from mailer.checking import check_characters
from mailer.compose.headers import field
from mailer.compose.mime import Composer, date_field
from mailer.draft import Address, Attachment, ContentPart, MailDraft, Personalization
from mailer.expressing import check_expressible
from mailer.models import Mail
from tests.examples import for_each
from tests.mailer.compose.composed import DATE

MESSAGES = int(os.environ.get("RANDOM_MESSAGES", "80"))

SCRIPTS = [
    "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789", "0123456789-_.~", "\"\\'(),;:<>@[]%&=!#$*+/^`{|}?_.",
    "äöüßéèñçøåŁžİ", "абвгдежзийЯЮ", "αβγδωΩ", "אבגדה", "ابتثج", "नमस्ते", "ไทยภาษา", "日本語漢字レカナ請", "한국어",
    "😀🎉👩\u200d💻🇩🇪❤\ufe0f", "e\u0301a\u0308n\u0303",
]  # fmt: skip
ADDRESS = "{}{}@example.com"
KEYS = ["-key1-", "{{key2}}", "%key3%"]
CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}BEGIN:VEVENT\r\nSUMMARY:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


@dataclass
class Node:
    """A part as a parser reads it; a part with parts has no content."""

    type: str
    content: bytes = b""
    filename: str = ""
    content_id: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    children: tuple[Node, ...] = ()


@dataclass
class Reading:
    """The parts of a message that a parser reads, or should read."""

    subject: str
    mailboxes: dict[str, list[tuple[str, str]]]
    headers: dict[str, str]
    body: Node


# --- requests ---------------------------------------------------------------------------------------------------------


class Maker:
    """A maker of one mail with random values, and of the expected reading of its message."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.values = {key: self.words(40) for key in KEYS if self.random.random() < 0.5}

    def words(self, longest: int) -> str:
        """Return some words, without white space around them and without what could be taken for an encoded word."""
        size = self.random.choice([1, 3, 10, 40, 150, 400, 990])
        pieces = []
        remaining = min(size, longest)
        while remaining > 0:
            script = self.random.choice(SCRIPTS)
            piece = "".join(self.random.choices(script, k=min(remaining, self.random.randint(1, 90))))
            pieces.append(piece)
            remaining -= len(piece) + 1
        text = self.random.choice([" ", " ", "  ", ""]).join(pieces)
        return re.sub("=\\?|-key1-", "x", text[:longest]).strip() or "x"

    def with_keys(self, text: str) -> str:
        """Return the text with some keys behind words of it."""
        words = [
            f"{each}{self.random.choice(KEYS)}" if self.random.random() < 0.1 else each for each in text.split(" ")
        ]
        return " ".join(words)

    def filled(self, text: str) -> str:
        for key, value in self.values.items():
            text = text.replace(key, value)
        return text

    def address(self, name: str) -> Address:
        return Address(
            ADDRESS.format(name, self.random.randint(0, 99)), self.words(300) if self.random.random() < 0.7 else ""
        )

    def body(self) -> str:
        lines = [self.with_keys(self.words(990)) for _ in range(self.random.randint(1, 6))]
        lines += self.random.choice([[], [".", "From here", "trailing \t"], ["--=mixed=", "=3D ="]])
        return self.random.choice(["\n", "\r\n"]).join(lines)

    def texts(self) -> list[ContentPart]:
        kinds = self.random.choice([["plain"], ["html"], ["plain", "html"], ["plain", "html", "calendar"]])
        return [ContentPart(f"text/{kind}", self.calendar() if kind == "calendar" else self.body()) for kind in kinds]

    def calendar(self) -> str:
        method = self.random.choice(["", "METHOD:REQUEST\r\n", "METHOD:CAN\r\n CEL\r\n", "method;X=1:reply\r\n"])
        return CALENDAR.format(method, self.words(60))

    def file(self, number: int) -> Attachment:
        type, content = self.random.choice(
            [
                ("", self.random.randbytes(self.random.randint(1, 300))),
                ('application/pdf; name="a;b.pdf"', self.random.randbytes(90)),
                ('text/plain; charset="utf-8"', self.words(300).encode()),
                ("text/calendar", self.calendar().encode()),
                ("message/rfc822", inner_message(self.words(300)).encode()),
                ("message/rfc822", inner_message("plain").encode()),
                (
                    'multipart/mixed; boundary="=mixed=b"',
                    b"--=mixed=b\r\n\r\none\r\n--=mixed=b\n\ntwo\r\n--=mixed=b--\n",
                ),
            ]
        )
        is_inline = self.random.random() < 0.4
        return Attachment(
            content=base64.b64encode(content).decode(),
            filename=self.words(255),
            type=type,
            disposition="inline" if is_inline else "attachment",
            content_id=self.random.choice([f"<logo{number}>", f"{number}{self.words(60)}"]) if is_inline else "",
        )

    def headers(self) -> dict[str, str]:
        headers = {
            "X-Random": self.with_keys(self.words(990)),
            "List-Unsubscribe": f"<https://example.com/{re.sub('[<> ]', '', self.words(20))}>",
        }
        return {name: value for name, value in headers.items() if self.random.random() < 0.5}

    def draft(self) -> MailDraft:
        return MailDraft(
            sender=self.address("from"),
            subject=self.with_keys(self.words(990)),
            reply_to=tuple(self.address("reply") for _ in range(self.random.randint(0, 2))),
            content=tuple(self.texts()),
            attachments=tuple(self.file(number) for number in range(self.random.choice([0, 0, 1, 2, 3]))),
            headers=self.headers(),
            personalizations=(
                Personalization(
                    to=tuple(self.address("to") for _ in range(self.random.randint(1, 3))),
                    cc=tuple(self.address("cc") for _ in range(self.random.randint(0, 2))),
                    substitutions=self.values,
                ),
            ),
        )


def inner_message(text: str) -> str:
    return f"From: a@example.com\nSubject: inner\r\n\n{text}\n"


def expected_of(maker: Maker, draft: MailDraft) -> Reading:
    (personalization,) = draft.personalizations
    mailboxes = {
        "From": [draft.sender],
        "To": list(personalization.to),
        "Cc": list(personalization.cc),
        "Reply-To": list(draft.reply_to),
    }
    texts = [text_node(maker, part) for part in draft.content]
    inlines = [file_node(each) for each in draft.attachments if each.disposition == "inline"]
    files = [file_node(each) for each in draft.attachments if each.disposition != "inline"]
    body = several("multipart/alternative", texts)
    body = several("multipart/related", [body, *inlines], type=body.type)
    body = several("multipart/mixed", [body, *files])
    return Reading(
        maker.filled(draft.subject),
        {name: [(email, text) for email, text in each] for name, each in mailboxes.items() if each},
        {name: maker.filled(value) for name, value in draft.headers.items()},
        body,
    )


def several(type: str, children: list[Node], /, **parameters: str) -> Node:
    return (
        children[0]
        if len(children) == 1
        else Node(type, parameters=tuple(parameters.items()), children=tuple(children))
    )


def text_node(maker: Maker, part: ContentPart) -> Node:
    value = maker.filled(part.value)
    parameters = (
        (("charset", "utf-8"), *calendar_parameters(value)) if part.type == "text/calendar" else (("charset", "utf-8"),)
    )
    return Node(part.type, with_crlf(value).encode(), parameters=parameters)


def calendar_parameters(value: str) -> tuple[tuple[str, str], ...]:
    methods = {"METHOD:R": "REQUEST", "METHOD:C": "CANCEL", "method;": "reply"}
    return tuple(("method", method) for begin, method in methods.items() if begin in value)


def file_node(file: Attachment) -> Node:
    content = base64.b64decode(file.content)
    type = file.type.partition(";")[0] or "application/octet-stream"
    parameters: tuple[tuple[str, str], ...] = ()
    children: tuple[Node, ...] = ()
    if "name=" in file.type:
        parameters = (("name", "a;b.pdf"),)
    elif "charset" in file.type:
        parameters = (("charset", "utf-8"),)
    elif type == "text/calendar":
        charset = () if content.isascii() else (("charset", "utf-8"),)
        parameters = (*charset, *calendar_parameters(content.decode()))
    elif type == "message/rfc822":
        children = (Node("text/plain", with_crlf(content.decode()).encode().partition(b"\r\n\r\n")[2]),)
        content = b""
    elif type == "multipart/mixed":
        children, content = (Node("text/plain", b"one"), Node("text/plain", b"two")), b""
    return Node(
        type,
        content,
        file.filename,
        file.content_id.strip("<>") if "logo" in file.content_id else file.content_id,
        parameters,
        children,
    )


def with_crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


# --- readings of the parsers ------------------------------------------------------------------------------------------

PARAMETERS = ("charset", "method", "name", "type")


def words_of(value: str) -> str:
    pieces = decode_header(re.sub(r"\r\n(?=[ \t])", "", value))
    decoded = (each if isinstance(each, str) else each.decode(charset or "ascii") for each, charset in pieces)
    return "".join(decoded).lstrip(" ")


def read_with_the_standard_library(data: bytes, names: Sequence[str]) -> Reading:
    message = message_from_bytes(data)

    def node(part: Message) -> Node:
        inner = [node(each) for each in part.get_payload()] if part.is_multipart() else []  # type: ignore[union-attr, arg-type]
        content = b"" if inner else part.get_payload(decode=True)
        assert isinstance(content, bytes)
        assert not part.defects
        values = [(name, part.get_param(name)) for name in PARAMETERS]
        parameters = tuple((name, collapse_rfc2231_value(value)) for name, value in values if value)
        content_id = unquote(str(part["Content-ID"] or "<>")[1:-1])
        return Node(part.get_content_type(), content, part.get_filename() or "", content_id, parameters, tuple(inner))

    mailboxes = {
        name: [(email, words_of(text)) for text, email in getaddresses([re.sub(r"\r\n(?=[ \t])", "", message[name])])]
        for name in ("From", "To", "Cc", "Reply-To")
        if name in message
    }
    headers = {name: words_of(message[name]) for name in names}
    return Reading(words_of(message["Subject"]), mailboxes, headers, node(message))


def read_with_the_other_parser(data: bytes, names: Sequence[str]) -> Reading:
    mail = parse_email(data)
    assert not mail.warnings

    def node(part: PyMimePart) -> Node:
        children = tuple(node(each) for each in part.children)
        (type_field,) = part.headers.get("Content-Type", ["text/plain"])
        parameters = re.findall(r'; *(\w+)=(?:"([^"]*)"|([^;]*))', type_field)
        values = {name: quoted or bare for name, quoted, bare in parameters}
        known = tuple((name, values[name]) for name in PARAMETERS if name in values)
        content = b"" if children else part.content or b""
        return Node(part.content_type, content, part.filename, unquote(part.content_id or ""), known, children)

    lists = {"From": [mail.from_] if mail.from_ else [], "To": mail.to, "Cc": mail.cc, "Reply-To": mail.reply_to}
    mailboxes = {
        name: [(each.address, each.display_name or "") for each in several]
        for name, several in lists.items()
        if several
    }
    headers = {name: mail.headers[name][0] for name in names}
    return Reading(mail.subject, mailboxes, headers, node(parse_email_tree(data)))


# --- the comparison ---------------------------------------------------------------------------------------------------


def check_lines(data: bytes) -> None:
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert b"\n" not in data.replace(b"\r\n", b"")
    for line in data.split(b"\r\n"):
        assert len(line) <= (76 if b"=?utf-8?" in line else 998), line
    for part in message_from_bytes(data).walk():
        if part["Content-Transfer-Encoding"] == "quoted-printable":
            assert max(map(len, str(part.get_payload()).split("\r\n"))) <= 76


def comparable(reading: Reading) -> Reading:
    """Return a reading without what may differ: the order of parameters, and percent-encoding in a URL."""

    def node(one: Node) -> Node:
        parameters = tuple(sorted(one.parameters))
        return Node(one.type, one.content, one.filename, one.content_id, parameters, tuple(map(node, one.children)))

    headers = {name: unquote(value) if name == "List-Unsubscribe" else value for name, value in reading.headers.items()}
    return Reading(reading.subject, reading.mailboxes, headers, node(reading.body))


def message_of(draft: MailDraft) -> bytes:
    """Return the message of a draft that every API accepts."""
    check_characters(draft)
    check_expressible(draft)
    (personalization,) = draft.personalizations
    mail = Mail(
        public_id="A" * 22,
        sender=draft.sender.email,
        sender_name=draft.sender.name,
        subject=draft.subject,
        reply_to=list(draft.reply_to),
        content=[asdict(part) for part in draft.content],
        attachments=[asdict(file) for file in draft.attachments],
        headers=draft.headers,
    )
    personal = {"to": personalization.to, "cc": personalization.cc, "substitutions": personalization.substitutions}
    composer = Composer(mail, message_id_domain="sluice.test", public_url="https://sluice.test")
    return composer.compose(512, personalization.to[0].email, personal, date=date_field(DATE)).data


def makers(count: int) -> Iterator[Maker]:
    return (Maker(seed) for seed in range(count))


def test_a_random_message_is_read_back_by_two_parsers() -> None:
    for seed, maker in enumerate(makers(MESSAGES)):
        draft = maker.draft()
        data = message_of(draft)
        check_lines(data)
        expected = comparable(expected_of(maker, draft))
        for read in (read_with_the_standard_library, read_with_the_other_parser):
            assert comparable(read(data, list(draft.headers))) == expected, (seed, read.__name__)


@for_each("value", [f"{'a' * 60}  {'b' * 60}", f"{'a' * 60} \t{'b' * 60}", "x" * 100, "x" * 989])
def test_both_parsers_read_the_same_where_a_line_is_broken(value: str) -> None:
    data = field("Subject", value) + b"\r\ntext"
    check_lines(data)
    assert (words_of(message_from_bytes(data)["Subject"]), parse_email(data).subject) == (value, value)
