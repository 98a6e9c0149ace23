"""For every header value, the peer receives one message with the expected headers and its body.

`HEADER_VALUES` is the number of values. Any number includes each kind of value with each character that some parser
takes for a line end, in long and short values and at all positions. Two parsers read the bytes that came through a
socket: the standard library's, and a strict one of the grammar in RFC 5322 and RFC 2047.
"""

from __future__ import annotations

import base64
import binascii
import os
import quopri
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr
from random import Random
from typing import Any
from urllib.parse import unquote

import pytest

from mailer.compose.mime import Composer, date_field
from mailer.compose.part_heads import LONGEST_CONTENT_ID, written_content_id
from mailer.models import Mail
from mailer.transports.base import Envelope, Refused, Result, Sent
from mailer.transports.smtp import SmtpTransport
from tests.examples import further
from tests.mailer.compose.composed import DATE
from tests.mailer.transports.guards import TestGuard
from tests.mailer.transports.scripted import ScriptedServer

StartServer = Callable[..., ScriptedServer]
OpenSmtp = Callable[..., SmtpTransport]

VALUES = int(os.environ.get("HEADER_VALUES", "300"))
CHUNK = 500
CHARACTERS = [*map(chr, (*range(32), 127)), "\x85", "\u2028", "\u2029", "\r\n", "\n\r", "\r\n.\r\n"]
BEFORE = ["", "Ann", "Grüße", "word " * 15, "word " * 260, "x" * 70, "x" * 1200, "日本語" * 40, "é" * 400]
PAYLOADS = [
    "", "Bcc: evil@example.com", "X: y", "no colon", "Reply-To : evil@example.com", ".", " ", "\t",
    "{c}a body of its own", ".{c}MAIL FROM:<evil@example.com>{c}RCPT TO:<evil@example.com>{c}DATA{c}{c}evil{c}.{c}",
]  # fmt: skip
BEHIND = ["", "", "Ann", "ü", " word" * 20, "z" * 100]
REMOVED = re.compile("[\0-\x08\n-\x1f\x7f]+")

BODY = ".\r\n..two\r\nplain\r\n.\r\nMAIL FROM:<body@example.com>\r\n"
FILE = b"\0\r\n.\r\nfile" * 20
NAMES = sorted(
    ["Date", "From", "To", "Cc", "Reply-To", "Subject", "Message-ID", "MIME-Version", "X-Value", ".X", "Content-Type"]
)
FIXED = {
    "from": "From Name", "to": "To Name", "cc": "Cc Name", "reply-to": "Reply Name", "subject": "Subject",
    "header": "header", "dotted header": "dotted", "file name": "file.pdf", "content id": "id",
}  # fmt: skip


def cleaned(value: str) -> str:
    """Return the value that should arrive, except for white space around it."""
    return REMOVED.sub(" ", value).strip(" \t")


@dataclass
class Case:
    """One message and the values that should arrive."""

    kind: str
    value: str
    mail: dict[str, Any]
    personal: dict[str, Any]
    expected: dict[str, str]

    def compose(self, message_id: int) -> Envelope:
        composer = Composer(Mail(**self.mail), message_id_domain="sluice.test", public_url="https://sluice.test")
        return composer.compose(message_id, "to@example.com", self.personal, date=date_field(DATE))


def make_case(kind: str, value: str) -> Case:
    """Return a message that has the value in the place named by `kind`."""
    attachment = {"content": base64.b64encode(FILE).decode(), "disposition": "attachment", "type": "application/pdf"}
    mail: dict[str, Any] = {
        "sender": "from@example.com", "sender_name": "From Name", "subject": "Subject", "public_id": "A" * 22,
        "content": [{"type": "text/plain", "value": BODY}], "reply_to": [["reply@example.com", "Reply Name"]],
        "headers": {"X-Value": "header", ".X": "dotted"},
    }  # fmt: skip
    personal: dict[str, Any] = {"to": [["to@example.com", "To Name"]], "cc": [["cc@example.com", "Cc Name"]]}
    expected, where = dict(FIXED), kind
    match kind:
        case "subject":
            mail["subject"] = value
        case "own subject":
            personal["subject"], where = value, "subject"
        case "substitution in a subject":
            mail["subject"], personal["substitutions"], where = "-v-", {"-v-": value}, "subject"
        case "merge value in a subject":
            mail["subject"], personal["merge"], where = "-v-", {"-v-": value}, "subject"
        case "from":
            mail["sender_name"] = value
        case "own from":
            personal["from"], where = ["from@example.com", value], "from"
        case "to" | "cc":
            personal[kind] = [[f"{kind}@example.com", value]]
        case "reply-to":
            mail["reply_to"] = [["reply@example.com", value]]
        case "header":
            mail["headers"]["X-Value"] = value
        case "dotted header":
            mail["headers"][".X"] = value
        case "own header":
            personal["headers"], where = {"x-value": value}, "header"
        case "substitution in a header":
            mail["headers"]["X-Value"], personal["substitutions"], where = "-v-", {"-v-": value}, "header"
        case "merge value in an own header":
            personal |= {"headers": {"X-Value": "-v-"}, "merge": {"-v-": value}}
            where = "header"
        case "file name":
            attachment["filename"] = value
        case "content id":
            # Every API refuses one that does not fit into a line, and an empty one.
            value = value if len(written_content_id(value)) <= LONGEST_CONTENT_ID else value[-100:]
            value = value if written_content_id(value) else f"{value}id"
            attachment["content_id"] = value
        case "type of a file":
            attachment["type"] = value
        case "parameter of a type":
            attachment["type"] = f"application/pdf; x={value}"
        case "type of a text":
            mail["content"][0]["type"] = value
    mail["attachments"] = [{"filename": "file.pdf", "content_id": "id"} | attachment]
    if where in expected:
        expected[where] = cleaned(value)
    return Case(kind, value, mail, personal, expected)


KINDS = [
    "subject", "own subject", "substitution in a subject", "merge value in a subject", "from", "own from", "to", "cc",
    "reply-to", "header", "dotted header", "own header", "substitution in a header", "merge value in an own header",
    "file name", "content id", "type of a file", "parameter of a type", "type of a text",
]  # fmt: skip


def make_cases(count: int) -> Iterator[Case]:
    """Yield that many; each kind meets each character before any pair comes again."""
    for number in range(count):
        random = Random(number)
        character = CHARACTERS[number % len(CHARACTERS)]
        kind = KINDS[number // len(CHARACTERS) % len(KINDS)]
        payload = random.choice(PAYLOADS).replace("{c}", character)
        yield make_case(kind, f"{random.choice(BEFORE)}{character}{payload}{random.choice(BEHIND)}")


# --- the messages that the peer received ------------------------------------------------------------------------------


@dataclass
class Received:
    """A message as a parser reads it."""

    names: list[str]
    values: dict[str, str]
    body: bytes
    file: bytes


def read_with_the_standard_library(data: bytes) -> Received:
    message = message_from_bytes(data)
    text, file = message.get_payload()
    assert isinstance(text, Message)
    assert isinstance(file, Message)

    def unfold(part: Message, name: str) -> str:
        (value,) = part.get_all(name, [])
        return re.sub(r"\r\n(?=[ \t])", "", str(value))

    def words(value: str) -> str:
        pieces = decode_header(value)
        return "".join(each if isinstance(each, str) else each.decode(charset or "ascii") for each, charset in pieces)

    assert text.keys() == ["Content-Type", "Content-Transfer-Encoding"]
    assert file.keys() == ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID"]
    values = {name.lower(): words(parseaddr(unfold(message, name))[0]) for name in ("From", "To", "Cc", "Reply-To")}
    values |= {"subject": words(unfold(message, "Subject")), "header": words(unfold(message, "X-Value"))}
    values |= {"dotted header": words(unfold(message, ".X")), "file name": file.get_filename() or ""}
    values["content id"] = unquote(words(unfold(file, "Content-ID").strip()))[1:-1]
    contents = [part.get_payload(decode=True) for part in (text, file)]
    assert isinstance(contents[0], bytes)
    assert isinstance(contents[1], bytes)
    return Received(message.keys(), values, contents[0], contents[1])


FIELD = re.compile(r"([!-9;-~]+):((?:\r\n)?[\t -~]*(?:\r\n[ \t]+[!-~][\t -~]*)*)\r\n")
ENCODED_WORD = re.compile(r"=\?utf-8\?([bq])\?([!->@-~]+)\?=")


class StrictMessage:
    """A head and its body, parsed by the grammar; anything outside the grammar is an AssertionError."""

    def __init__(self, data: bytes) -> None:
        assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", data)
        head, empty_line, self.body = data.partition(b"\r\n\r\n")
        assert empty_line
        text = head.decode("ascii") + "\r\n"
        for line in text.split("\r\n"):
            assert len(line) <= (76 if "=?utf-8?" in line else 998), line
        fields = list(FIELD.finditer(text))
        assert "".join(field[0] for field in fields) == text
        self.fields = [(field[1], field[2].replace("\r\n", "").strip(" \t")) for field in fields]

    def only(self, name: str) -> str:
        (value,) = (value for each, value in self.fields if each.lower() == name.lower())
        return value

    def text(self, name: str) -> str:
        return decode_words(self.only(name))

    def name_of(self, name: str) -> str:
        """Return the display name of a field's only mailbox."""
        written, _, address = self.only(name).rpartition("<")
        assert re.fullmatch(r"\w+@example\.com>?", address)
        written = written.strip(" \t")
        quoted = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', written)
        return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else decode_words(written)

    def file_name(self) -> str:
        kind, _, parameters = self.only("Content-Disposition").partition(";")
        assert kind == "attachment"
        if quoted := re.fullmatch(r'[ \t]*filename="((?:[^"\\]|\\.)*)"', parameters):
            return re.sub(r"\\(.)", r"\1", quoted[1])
        sections = [re.fullmatch(r"[ \t]*filename\*(?:(\d+)\*)?=([\w.~%'-]*)", each) for each in parameters.split(";")]
        assert [int(each[1] or 0) for each in sections if each] == list(range(len(sections)))
        decoded = [unquote(each[2], errors="strict") for each in sections if each]
        assert decoded[0].startswith("utf-8''")
        return "".join(decoded)[7:]

    def parts(self) -> list[StrictMessage]:
        boundary = re.search(r'; boundary="([^"]+)"$', self.only("Content-Type"))
        assert boundary
        before, *parts, end = (b"\r\n" + self.body).split(b"\r\n--" + boundary[1].encode())
        assert (before, end) == (b"", b"--\r\n")
        return [StrictMessage(part.removeprefix(b"\r\n")) for part in parts]

    def content(self) -> bytes:
        match self.only("Content-Transfer-Encoding"):
            case "base64":
                return binascii.a2b_base64(self.body)
            case "quoted-printable":
                return quopri.decodestring(self.body)
        return self.body


def decode_words(value: str) -> str:
    """Decode encoded words with only white space between them, or plain text."""
    words = [ENCODED_WORD.fullmatch(each) for each in re.split("[ \t]+", value)]
    if not all(words):
        assert "=?" not in value
        return value
    decoded = []
    for word in filter(None, words):
        assert len(word[0]) <= 75
        raw = binascii.a2b_base64(word[2]) if word[1] == "b" else quopri.decodestring(word[2].replace("_", " "))
        decoded.append(raw.decode())
    return "".join(decoded)


def read_strictly(data: bytes) -> Received:
    message = StrictMessage(data)
    text, file = message.parts()
    values = {name: message.name_of(name) for name in ("from", "to", "cc", "reply-to")}
    values |= {"subject": message.text("Subject"), "header": message.text("X-Value")}
    values |= {"dotted header": message.text(".X"), "file name": file.file_name()}
    values["content id"] = unquote(file.text("Content-ID"))[1:-1]
    return Received([name for name, _ in message.fields], values, text.content(), file.content())


# --- tests ------------------------------------------------------------------------------------------------------------


def send_all(
    cases: list[Case], server: ScriptedServer, transport: SmtpTransport
) -> tuple[list[Envelope], list[Result]]:
    """Compose the cases and send them; check that the peer got exactly their commands."""
    envelopes = [case.compose(512 + number) for number, case in enumerate(cases)]
    server.stored.clear()
    server.commands.clear()
    results = transport.send_slice(envelopes, TestGuard())
    assert len(results) == len(envelopes)
    refused = {result.message_id for result in results if isinstance(result.outcomes[0], Refused)}
    assert all(isinstance(result.outcomes[0], Sent | Refused) for result in results)
    sent = [envelope for envelope in envelopes if envelope.message_id not in refused]
    assert server.stored == [envelope.data for envelope in sent]
    expected = ["MAIL FROM:<from@example.com>", "RCPT TO:<to@example.com>", "RCPT TO:<cc@example.com>", "DATA", "DOT"]
    commands = [command.partition(" SIZE=")[0] for command in server.commands if not command.startswith("EHLO")]
    assert commands == expected * len(sent)
    return sent, results


def check_received(case: Case, data: bytes) -> None:
    for read in (read_with_the_standard_library, read_strictly):
        received = read(data)
        assert sorted(name if name != "x-value" else "X-Value" for name in received.names) == NAMES, read.__name__
        # The standard library strips more than white space from the name of a file.
        spaces = None if read is read_with_the_standard_library else " \t"
        values = {name: value.strip(spaces) for name, value in received.values.items()}
        assert values == {name: value.strip(spaces) for name, value in case.expected.items()}, read.__name__
        assert received.body.rstrip(b"\r\n") == BODY.encode().rstrip(b"\r\n"), read.__name__
        assert received.file == FILE, read.__name__


def test_every_value_arrives_in_one_message_with_the_expected_headers_and_body(
    start_server: StartServer, open_smtp: OpenSmtp
) -> None:
    server = start_server()
    transport = open_smtp(server.url, timeout_seconds=60)
    cases = make_cases(VALUES)
    while chunk := [case for _, case in zip(range(CHUNK), cases, strict=False)]:
        sent, _ = send_all(chunk, server, transport)
        assert len(sent) == len(chunk)
        for case, data in zip(chunk, server.stored, strict=True):
            try:
                check_received(case, data)
            except Exception as error:
                raise AssertionError(f"{case.kind}: {case.value!r} arrived as {data!r}") from error


def fold_badly(name: str, value: str) -> bytes:
    """Fold a header field wherever `str.splitlines()` splits it."""
    return "\r\n".join([*f"{name}: {value}".splitlines(), ""]).encode()


@further
def test_when_folding_fails_the_transport_refuses_an_injected_message(
    start_server: StartServer, open_smtp: OpenSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.compose.mime.field", fold_badly)
    monkeypatch.setattr("mailer.compose.headers.CONTROLS", re.compile("(?!)"))
    server = start_server()
    cases = list(make_cases(len(CHARACTERS) * len(KINDS)))
    sent, results = send_all(cases, server, open_smtp(server.url))
    assert len(sent) < len(results), "none was refused"
    for envelope in sent:
        head = envelope.data.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").replace(b"\r\n\t", b"\t")
        assert all(re.match(rb"[!-9;-~]+:", line) for line in head.split(b"\r\n"))


ATTACK = "Hello\x1e.\x1eMAIL FROM:<evil@example.com>\x1eRCPT TO:<victim@example.com>\x1eDATA\x1e\x1eevil\x1e.\x1e"


def test_without_folding_stuffing_and_check_a_subject_sends_another_mail(
    start_server: StartServer, open_smtp: OpenSmtp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.compose.mime.field", fold_badly)
    monkeypatch.setattr("mailer.transports.checking.find_fault", lambda data: "")
    monkeypatch.setattr("mailer.transports.smtp.transaction.stuff_dots", lambda data: data)
    server = start_server()
    open_smtp(server.url).send_slice([make_case("subject", ATTACK).compose(512)], TestGuard())
    server.wait_until(lambda: "RCPT TO:<victim@example.com>" in server.commands)
