"""Handle the headers that a caller gives a mail or a message, with the values of each message.

A valid Message-ID of the caller becomes the Message-ID of the message. The one in the personalization comes first, then
the one of the mail, which all messages of the mail share. Keys are replaced in a Reply-To, too (SendGrid v3 mail/send,
`personalizations[].substitutions`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from mailer.compose.headers import LONGEST_LINE, message_id_header
from mailer.compose.template import substitute_within
from mailer.draft import Address

MESSAGE_ID: Final = "message-id"
SERVER_HEADERS: Final = frozenset(
    {"date", "from", "to", "cc", "bcc", "reply-to", "subject", "mime-version", "return-path", "sender"}
    | {"content-type", "content-transfer-encoding"}
)
"""The names, in lower case, of the header fields that only the composer and the next server write. A mail is refused if
its caller sets them."""
COMPOSED_HEADERS: Final = SERVER_HEADERS | {MESSAGE_ID}
"""The names of the header fields that are never written as the caller gave them."""

ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
QUOTED_STRING = r'"(?:[ !#-\[\]-~]|\\[ -~])*+"'
WORD = rf"(?:{ATOM}|{QUOTED_STRING})"
MESSAGE_ID_FORM: Final = re.compile(rf"<{WORD}(?:\.{WORD})*+@(?:{ATOM}(?:\.{ATOM})*+|\[[!-Z^-~]*+\])>")
"""RFC 5322 sections 3.6.4 and 4.5.4: `msg-id` without comments and white space around its parts. The left side may be
an `obs-id-left`, since JavaMail and others have written quoted words there."""
LONGEST_MESSAGE_ID: Final = LONGEST_LINE - len("Message-ID: ")
"""The room that a line has behind the name. The field is never folded, since some parsers keep the space then."""


def written_headers(shared: Mapping[str, str], personal: Mapping[str, str] | None) -> Iterator[tuple[str, str]]:
    """Yield the headers of a message that are written as they were given, apart from substitutions.

    Headers of its personalization replace headers of its mail that have the same name, in upper or lower case.
    """
    merged = {name.lower(): (name, value) for name, value in (*shared.items(), *(personal or {}).items())}
    for lowered, header in merged.items():
        if lowered not in COMPOSED_HEADERS:
            yield header


def find_message_id(headers: Mapping[str, str]) -> str | None:
    """Return the Message-ID among a caller's headers as it was given, with its keys, or None."""
    for name in headers:
        if len(name) == len(MESSAGE_ID) and name.lower() == MESSAGE_ID:
            return headers[name]
    return None


def fill_message_id(text: str, values: Mapping[str, str]) -> str | None:
    """Return a caller's Message-ID with its keys replaced, or None if the result is not a Message-ID.

    The work is bounded by the length of the longest Message-ID, however long the values are.
    """
    filled = substitute_within(text.strip(" \t"), values, longest=LONGEST_MESSAGE_ID)
    return filled if filled and MESSAGE_ID_FORM.fullmatch(filled) else None


class MailHead(Protocol):
    """The part of a mail from which its Message-IDs are made."""

    @property
    def public_id(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


def message_id_of(mail: MailHead, message_id: int, personal: Mapping[str, Any] | None, *, domain: str) -> str:
    """Return the Message-ID of a message, with its brackets: the caller's, or the one that is made of its ids.

    A stored Message-ID that is not valid was accepted by an earlier version; it is ignored.
    """
    fields: Mapping[str, Any] = personal or {}
    text = find_message_id(fields.get("headers") or {})
    if text is None:
        text = find_message_id(mail.headers)
    filled = None if text is None else fill_message_id(text, fields.get("substitutions") or {})
    return filled or message_id_header(mail.public_id, message_id, domain=domain)


LONGEST_ADDRESS: Final = 320
LONGEST_NAME: Final = 998
"""The longest name of a header, in characters, that a caller may write."""


def text_of(addresses: Iterable[Address]) -> str:
    """Return one text in which each key occurs that occurs in an address or a name."""
    return "\0".join([text for address in addresses for text in address])


def fill_reply_to(addresses: Sequence[Address], values: Mapping[str, str]) -> list[Address] | None:
    """Return the addresses and names with their keys replaced, or None if one becomes too long.

    The work is bounded by the longest result, however long the values are.
    """
    filled = []
    for email, name in addresses:
        new_email = substitute_within(email, values, longest=LONGEST_ADDRESS)
        new_name = substitute_within(name, values, longest=LONGEST_NAME)
        if new_email is None or new_name is None:
            return None
        filled.append(Address(new_email, new_name))
    return filled
