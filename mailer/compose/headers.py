"""Header fields as bytes: encoded (RFC 2047), folded (RFC 5322 section 2.2.3), and never more than one field per value.

Whatever the value, no control character of it but the tab reaches a header. The APIs refuse such values much earlier,
and `mailer/transports/checking.py` looks at the finished message again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import quote
from functools import lru_cache

from foundation.addresses import to_ascii
from mailer.compose.folding import CRLF, LINE, encode_words, fold, is_within_limits
from mailer.compose.structured import is_structured, structured_line
from mailer.draft import Address

CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")
"""C0 except the tab, and DEL. Other line separators (NEL, U+2028, U+2029) are not ASCII, so they are encoded."""
FIELD_NAME = re.compile(r"[!-9;-~]{1,900}")
"""RFC 5322 section 2.2: printable ASCII without the colon; as long as a line has room for."""
ATOM_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
FIRST_WORD = LINE - len("Reply-To: ")
"""The room for an encoded word behind the longest name of a field of mailboxes."""


def one_line(value: str) -> str:
    """Return the value with each run of control characters turned into a space."""
    return value if value.isprintable() else CONTROLS.sub(" ", value)


def is_html(type: str) -> bool:
    """Of a MIME type, with parameters or without."""
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
    """Return `Name <address>` on one line, the name quoted or encoded as it needs (RFC 5322 section 3.4, RFC 2047
    section 5) or, if it has no room in a line otherwise, encoded in any case."""
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
    """Return the address as an SMTP command and a header name it: its domain as A-labels, where it has such a form."""
    if email.isascii() and email.isprintable():
        return email
    return to_ascii(one_line(email))


def message_id_header(mail_id: str, message_id: int, *, domain: str) -> str:
    """The Message-ID of a message: begins with the X-Message-Id of its mail, which the caller was given."""
    return f"<{mail_id}.{message_id}@{domain}>"
