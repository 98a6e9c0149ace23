"""Write header fields: encoded (RFC 2047), folded (RFC 5322 section 2.2.3), and never more than one field per value.

No control character of a value except the tab reaches a header. The APIs refuse such values much earlier, and
`mailer/transports/checking.py` checks the finished message again.

A line is broken only before white space. The standard library's `email.header` breaks a value wherever
`str.splitlines()` does, so a VT or FF in a long value would begin another header field.

A field with a structure, which mail programs and servers read, cannot have encoded words (RFC 2047 section 5). A URL
between angle brackets is percent-encoded where it is not ASCII (RFC 3986 section 2.1); other values of such fields that
are not ASCII, or do not fit in a line, cannot be sent.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from email.utils import quote
from functools import lru_cache
from typing import Final, TypeVar
from urllib.parse import quote as percent_encode

from foundation.addresses import to_ascii
from mailer.draft import Address

CRLF = "\r\n"
LINE = 76
"""The longest line that may hold an encoded word (RFC 2047 section 2)."""
LONGEST_LINE = 998
"""The longest line of a message (RFC 5322 section 2.1.1)."""
ENCODED_WORD = 75
"""The syntax of an encoded word (RFC 2047 section 2)."""
OVERHEAD = 12
"""Characters around the text of an encoded word: `=?utf-8?q?` and `?=`."""

WORD = re.compile(r"[ \t]+[^ \t]*")
"""White space and the word behind it. It matches white space at the end of a line as well: otherwise the search would
begin again at each space of it."""
BEGIN_OF_WORD = re.compile(r"=\?[^ ?]++\?[BbQq]\?")
"""The characters that a reader can take for the beginning of an encoded word."""
SPACES = re.compile(r"\n[ \t]{2}")
"""Several spaces where a line was broken: some programs read a single one."""
Piece = TypeVar("Piece", str, bytes)
UNCHANGED = frozenset(b"!*+-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
"""Bytes that the Q encoding leaves unchanged, in a phrase too (RFC 2047 section 5 rule 3)."""
QUOTED = [chr(byte) if byte in UNCHANGED else "_" if byte == ord(" ") else f"={byte:02X}" for byte in range(256)]


def fold(line: str) -> str:
    """Break a header line, which has no line break yet, into lines of at most 76 characters where its words allow that.

    Each further line begins with white space and holds a word. Without the line breaks it is the same line again. The
    first word stays behind the name of the field if SMTP allows that, since some programs would read a space before it.
    """
    if len(line) <= LINE:
        return line
    lines, start = [], 0
    for word in WORD.finditer(line):
        begin, end = word.span()
        if end - start > LINE and begin > start and line[end - 1] not in " \t" and not _is_first(line, begin, end):
            lines.append(line[start:begin])
            start = begin
    return CRLF.join([*lines, line[start:]])


def _is_first(line: str, begin: int, end: int) -> bool:
    """Return whether this is the first word of a field and can stay behind its name."""
    return line.find(":", 0, begin) == begin - 1 and end <= LONGEST_LINE and "=?" not in line[begin:end]


def is_within_limits(folded: str) -> bool:
    """Return whether every reader joins the lines to the same value.

    This is true if no line is longer than SMTP allows, no line that can be taken for an encoded word is longer than RFC
    2047 allows, and no line begins with several spaces.
    """
    if len(folded) <= LINE:
        return True
    if CRLF in folded and SPACES.search(folded):
        return False
    return has_room(folded) and (
        "=?" not in folded or all(len(line) <= LINE or not BEGIN_OF_WORD.search(line) for line in folded.split(CRLF))
    )


def has_room(folded: str) -> bool:
    """Return whether no line is longer than SMTP allows."""
    return len(folded) <= LONGEST_LINE or max(map(len, folded.split(CRLF))) <= LONGEST_LINE


def encode_words(text: str, *, first: int) -> str:
    """Return the text as encoded words with a space between them, in whichever encoding is shorter.

    The first has at most `first` characters, if that leaves room for some text; no word has more than 75. No character
    is divided between two words.
    """
    if first < ENCODED_WORD // 2:
        first = ENCODED_WORD
    characters = [character.encode() for character in text]
    quoted = ["".join([QUOTED[byte] for byte in character]) for character in characters]
    if sum(map(len, quoted)) <= (sum(map(len, characters)) + 2) // 3 * 4:
        words = ["".join(word) for word in pack(quoted, ENCODED_WORD - OVERHEAD, first=first - OVERHEAD)]
        return " ".join(f"=?utf-8?q?{word}?=" for word in words)
    full, begin = ((length - OVERHEAD) // 4 * 3 for length in (ENCODED_WORD, first))
    encoded = (binascii.b2a_base64(b"".join(word), newline=False) for word in pack(characters, full, first=begin))
    return " ".join(f"=?utf-8?b?{word.decode()}?=" for word in encoded)


def pack(pieces: Sequence[Piece], size: int, *, first: int) -> Iterator[Sequence[Piece]]:
    """Yield the pieces in groups that together have at most `size` characters, the first group at most `first`."""
    begin, room = 0, first
    for place, piece in enumerate(pieces):
        if len(piece) > room and place > begin:
            yield pieces[begin:place]
            begin, room = place, size
        room -= len(piece)
    yield pieces[begin:]


URLS: Final = frozenset(
    # RFC 2369 section 3
    {"list-help", "list-unsubscribe", "list-subscribe", "list-post", "list-owner", "list-archive"}
    # RFC 5064 section 2
    | {"archived-at"}
)
"""Fields of URLs between angle brackets."""
OTHERS: Final = frozenset(
    # RFC 5322 sections 3.6.1 to 3.6.7
    {"date", "sender", "message-id", "in-reply-to", "references", "return-path", "received"}
    | {"resent-date", "resent-from", "resent-sender", "resent-to", "resent-cc", "resent-bcc", "resent-message-id"}
    # RFC 2919, RFC 8058
    | {"list-id", "list-unsubscribe-post"}
    # RFC 3834 section 5, RFC 2076 section 3.9, RFC 4021 section 2.1
    | {"auto-submitted", "precedence", "priority", "importance", "sensitivity", "expires", "expiry-date", "reply-by"}
    | {"supersedes", "obsoletes", "original-message-id", "deferred-delivery", "language", "accept-language"}
    # RFC 8098 section 2, RFC 2076 section 3.5
    | {"disposition-notification-to", "disposition-notification-options", "return-receipt-to", "errors-to"}
    # RFC 2045 section 4
    | {"mime-version"}
    # RFC 6376, RFC 8617, RFC 8601, RFC 7208; the DomainKeys of RFC 4870
    | {"dkim-signature", "domainkey-signature", "arc-seal", "arc-message-signature", "arc-authentication-results"}
    | {"authentication-results", "received-spf"}
    # RFC 7293, RFC 8689, RFC 9228; feedback loops: Gmail's Feedback-ID, RFC 9477
    | {"require-recipient-valid-since", "tls-required", "delivered-to", "feedback-id", "cfbl-address"}
    | {"cfbl-feedback-id"}
)
"""Other fields with a structure. `Content-*` (RFC 2045 section 9) belongs to them, too."""
URL: Final = re.compile(r"<[^<>]*+>")


def is_structured(name: str) -> bool:
    """Return whether the field of this name has a structure."""
    name = name.lower()
    return name in URLS or name in OTHERS or name.startswith("content-")


def structured_line(name: str, value: str) -> str | None:
    """Return a field with a structure, folded and without its last CRLF; None if it cannot be sent."""
    line = fold(f"{name}: {written_value(name, value)}")
    return line if line.isascii() and has_room(line) else None


def written_value(name: str, value: str) -> str:
    """Return the value of a field in the form that is sent: URLs are percent-encoded."""
    if value.isascii() or name.lower() not in URLS:
        return value
    return URL.sub(lambda url: "".join(char if char.isascii() else percent_encode(char) for char in url[0]), value)


CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")
"""C0 except the tab, and DEL. Other line separators (NEL, U+2028, U+2029) are not ASCII, so they are encoded."""
FIELD_NAME = re.compile(r"[!-9;-~]{1,900}")
"""RFC 5322 section 2.2: printable ASCII without the colon, at most as long as fits in a line."""
ATOM_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
FIRST_WORD = LINE - len("Reply-To: ")
"""The room for an encoded word behind the longest name of a field of mailboxes."""


def one_line(value: str) -> str:
    """Return the value with each run of control characters turned into a space."""
    return value if value.isprintable() else CONTROLS.sub(" ", value)


def is_html(type: str) -> bool:
    """Return whether a MIME type, with parameters or without, is `text/html`."""
    return type.lower().startswith("text/html")


def field(name: str, value: str) -> bytes:
    """Return one header field with its CRLF. Raises ValueError for a name that cannot be one.

    The value is encoded as a whole unless it is ASCII whose words have room in a line. A field with a structure is
    never encoded: it is left out if it cannot be sent otherwise, which the APIs refuse (`mailer/expressing.py`).
    """
    if not is_field_name(name):
        raise ValueError("not a header name")
    value = one_line(value)
    line = f"{name}: {value}"
    if len(line) > LINE or not line.isascii():
        if is_structured(name):
            structured = structured_line(name, value)
            return b"" if structured is None else f"{structured}\r\n".encode("ascii")
        line = fold(line)
        if not line.isascii() or not is_within_limits(line):
            line = fold(f"{name}: {encode_words(value, first=LINE - len(name) - 2)}")
    return f"{line}\r\n".encode("ascii")


@lru_cache(maxsize=256)
def is_field_name(name: str) -> bool:
    """Return whether a header field can have this name. Cached, since a mail's messages share their names."""
    return FIELD_NAME.fullmatch(name) is not None


def address_field(name: str, addresses: Iterable[Address]) -> bytes:
    """Return a header field of mailboxes, each on a line that may be folded again."""
    lines: list[str] = []
    for address in addresses:
        start = " " if lines else f"{name}: "
        line = fold(f"{start}{mailbox(address)},")
        if not is_within_limits(line):
            line = fold(f"{start}{mailbox(address, is_encoded=True)},")
        lines.append(line)
    return f"{CRLF.join(lines)[:-1]}\r\n".encode()


def mailbox(address: Address, *, is_encoded: bool = False) -> str:
    """Return `Name <address>` on one line.

    The name is quoted or encoded if it needs that (RFC 5322 section 3.4, RFC 2047 section 5). With `is_encoded` it is
    encoded in any case, because it does not fit in a line otherwise.
    """
    email = wire_address(address.email)
    name = one_line(address.name).strip(" \t")
    if not name:
        return email
    if is_encoded or not name.isascii():
        name = encode_words(name, first=FIRST_WORD)
    elif not ATOM_PHRASE.fullmatch(name) or "  " in name:
        name = f'"{quote(name)}"'
    return f"{name} <{email}>"


def wire_address(email: str) -> str:
    """Return the address as an SMTP command and a header name it: its domain as A-labels, if they exist."""
    if email.isascii() and email.isprintable():
        return email
    return to_ascii(one_line(email))


def message_id_header(mail_id: str, message_id: int, *, domain: str) -> str:
    """Return the Message-ID of a message.

    It begins with the X-Message-Id of its mail, which the caller got in the answer.
    """
    return message_id_format(mail_id, domain=domain) % message_id


def message_id_format(mail_id: str, *, domain: str) -> str:
    """Return the format of the Message-IDs of a mail, with `%d` in the place of the message's id."""
    return f"<{mail_id}.%d@{domain.replace('%', '%%')}>"
