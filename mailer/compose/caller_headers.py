"""The headers that a caller gives a mail or a message: which of them only the server writes, and the Message-ID.

A valid Message-ID of the caller is the one of the message. A message has its own if its personalization names one,
otherwise that of its mail, which all its messages share then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from mailer.compose.folding import LONGEST_LINE
from mailer.compose.headers import message_id_header
from mailer.compose.substitutions import substitute_within
from mailer.models import Mail

MESSAGE_ID: Final = "message-id"
SERVER_HEADERS: Final = frozenset(
    {"date", "from", "to", "cc", "bcc", "reply-to", "subject", "mime-version", "return-path", "sender"}
    | {"content-type", "content-transfer-encoding"}
)
"""The names, in lower case, of the header fields that only the composer and the next server write. A caller's are
refused when a mail is accepted."""
COMPOSED_HEADERS: Final = SERVER_HEADERS | {MESSAGE_ID}
"""The names of the header fields that are never written as they were given."""

ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
QUOTED_STRING = r'"(?:[ !#-\[\]-~]|\\[ -~])*+"'
WORD = rf"(?:{ATOM}|{QUOTED_STRING})"
MESSAGE_ID_FORM: Final = re.compile(rf"<{WORD}(?:\.{WORD})*+@(?:{ATOM}(?:\.{ATOM})*+|\[[!-Z^-~]*+\])>")
"""RFC 5322 sections 3.6.4 and 4.5.4: `msg-id` without comments and white space around its parts. The left side may be
an `obs-id-left`, since JavaMail and others have written quoted words there."""
LONGEST_MESSAGE_ID: Final = LONGEST_LINE - len("Message-ID: ")
"""The room that a line has behind the name. The field is never folded, since some parsers keep the space then."""


def written_headers(shared: Mapping[str, str], own: Mapping[str, str] | None) -> Iterator[tuple[str, str]]:
    """Yield the headers of a message that are written as they were given, apart from substitutions.

    Those of its personalization replace those of its mail that have the same name in any case.
    """
    merged = {name.lower(): (name, value) for name, value in (*shared.items(), *(own or {}).items())}
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


def message_id_of(mail: Mail, message_id: int, personal: Mapping[str, Any] | None, *, domain: str) -> str:
    """Return the Message-ID of a message, with its brackets: the caller's, or the one that is made of its ids.

    A stored one that is not valid was accepted by an earlier version; it is passed over.
    """
    fields: Mapping[str, Any] = personal or {}
    text = find_message_id(fields.get("headers") or {})
    if text is None:
        text = find_message_id(mail.headers)
    given = None if text is None else fill_message_id(text, fields.get("substitutions") or {})
    return given or message_id_header(mail.public_id, message_id, domain=domain)
