"""Header fields on the wire: encoded (RFC 2047), folded (RFC 5322 section 2.2.3), and never more than one per value.

Whatever the value, no CR, LF or NUL of it reaches the wire: that is the last line of defence against header injection,
behind the checks of every dialect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.header import Header
from email.utils import quote

from mailer.draft import Address

BREAKS = re.compile(r"[\r\n\0]+")
FIELD_NAME = re.compile(r"[!-9;-~]+")
"""RFC 5322 section 2.2: printable ASCII without the colon."""
ATOM_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
LINE = 76
LONGEST_LINE = 998


def one_line(value: str) -> str:
    """The value with every line break and NUL turned into a space."""
    return value if value.isprintable() else BREAKS.sub(" ", value)


def is_html(type: str) -> bool:
    """Of a MIME type, with parameters or without."""
    return type.lower().startswith("text/html")


def field(name: str, value: str) -> bytes:
    """One header field with its CRLF. Raises ValueError for a name that cannot be one."""
    if not FIELD_NAME.fullmatch(name):
        raise ValueError("not a header name")
    value = one_line(value)
    if value.isascii() and len(name) + 2 + len(value) <= LINE:
        return f"{name}: {value}\r\n".encode("ascii")
    folded = fold(name, value, "us-ascii") if value.isascii() else fold(name, value, "utf-8")
    if any(len(line) > LONGEST_LINE for line in folded.split("\r\n")):
        folded = fold(name, value, "utf-8")
    return f"{name}: {folded}\r\n".encode("ascii")


def fold(name: str, value: str, charset: str) -> str:
    """The value folded at white space, as encoded words unless it is plain ASCII."""
    return Header(value, charset, maxlinelen=LINE, header_name=name).encode(linesep="\r\n")


def address_field(name: str, addresses: Iterable[Address]) -> bytes:
    """A header of mailboxes, one to a line."""
    return f"{name}: {f',{chr(13)}{chr(10)} '.join(mailbox(address) for address in addresses)}\r\n".encode()


def mailbox(address: Address) -> str:
    """`Name <address>` with the name quoted or encoded as it needs (RFC 5322 section 3.4, RFC 2047 section 5)."""
    email = wire_address(address.email)
    name = one_line(address.name).strip()
    if not name:
        return email
    if not name.isascii():
        name = Header(name, "utf-8", maxlinelen=LINE).encode(linesep="\r\n")
    elif not ATOM_PHRASE.fullmatch(name):
        name = f'"{quote(name)}"'
    return f"{name} <{email}>"


def wire_address(email: str) -> str:
    """The address with an international domain in its ASCII form (RFC 5890), where it has one."""
    email = one_line(email)
    if email.isascii():
        return email
    local, at, domain = email.rpartition("@")
    if domain.isascii():
        return email
    try:
        return f"{local}{at}{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return email


def message_id_header(mail_id: str, message_id: int, *, domain: str) -> str:
    """The Message-ID of a message: begins with the X-Message-Id of its mail, which the caller was given."""
    return f"<{mail_id}.{message_id}@{domain}>"
