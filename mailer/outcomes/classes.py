"""Classify replies: why a peer refused or deferred a message, and on which list this puts the recipient.

The words of a reply decide, if the table of patterns has them (`patterns.py`), because providers give the same codes
for different reasons. Otherwise the enhanced status code decides (RFC 3463 and the registry of IANA), and without one
the code of the reply (RFC 5321 section 4.2).

What each classification is about:

* `INVALID_ADDRESS`, `MAILBOX_UNAVAILABLE`: to whom mail was sent: the address does not exist, or its mailbox is full or
  closed;
* `CONTENT`: what was sent: spam, viruses, size and format;
* `REPUTATION`: who sent it: blocklists, sender, authentication, and the policy of the peer or the recipient;
* `VOLUME`: how fast it was sent. Greylisting belongs here, because it only asks for another try later;
* `TECHNICAL`: how it was sent: protocol, network, encryption, relaying, faults of a server.

Only a permanent failure of a recipient's address puts it on a list that suppresses mail. A temporary failure puts
nobody on a list, unless it lasted until the message was given up.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from mailer.models import Classification, SuppressionKind
from mailer.outcomes.patterns import find_pattern, words_of

BOUNCE, BLOCK, INVALID = SuppressionKind.BOUNCE, SuppressionKind.BLOCK, SuppressionKind.INVALID
List = SuppressionKind | None
GIVEN_UP: Final = "given up: "
"""The beginning of the reply of a message that was deferred until its time was over."""
CACHED: Final = 4096
"""The number of judgements that are remembered, so that a flood of equal replies costs little."""


class Judgement(NamedTuple):
    """The reason of a refusal or deferral, the list of its recipient, and the enhanced status code or an empty text."""

    classification: Classification
    suppression: List
    status: str


CODE: Final = re.compile(r"[45]\d\d(?!\d)", re.ASCII)
STATUS: Final = re.compile(r"(?<![\w.])([245]\.[0-7]\.\d{1,3})(?!\.?\d)", re.ASCII)
"""An enhanced status code (RFC 3463, RFC 2034), wherever a peer writes it; not a part of an IP address."""
OWN: Final = re.compile(
    r"(?:5\d\d 5\.\d\.\d )?(?:not sent, because|the backend|the sender's address cannot"
    r"|this recipient's address cannot|an address or header is not|the message has (?:8-bit content|more than)"
    r"|\d+ bytes are more|a text of the message|cannot be composed|no recipient is left|template: )",
    re.ASCII,
)
"""The beginnings of refusals that come from Sluice. Those of transports are worded like a peer's."""

CODES: Final[dict[str, tuple[Classification, List]]] = {
    "1.0": (Classification.INVALID_ADDRESS, BOUNCE),
    "1.1": (Classification.INVALID_ADDRESS, BOUNCE),
    "1.2": (Classification.INVALID_ADDRESS, BOUNCE),
    "1.3": (Classification.INVALID_ADDRESS, INVALID),
    "1.4": (Classification.INVALID_ADDRESS, BOUNCE),
    "1.6": (Classification.INVALID_ADDRESS, BOUNCE),
    "1.7": (Classification.REPUTATION, BLOCK),
    "1.8": (Classification.REPUTATION, BLOCK),
    "1.9": (Classification.TECHNICAL, BLOCK),
    "1.10": (Classification.INVALID_ADDRESS, BOUNCE),
    "2.1": (Classification.MAILBOX_UNAVAILABLE, BOUNCE),
    "2.2": (Classification.MAILBOX_UNAVAILABLE, BLOCK),
    "2.3": (Classification.CONTENT, BLOCK),
    "2.4": (Classification.TECHNICAL, BLOCK),
    "3.4": (Classification.CONTENT, BLOCK),
    "5.3": (Classification.VOLUME, None),
    "6.7": (Classification.TECHNICAL, BLOCK),
    "7.3": (Classification.TECHNICAL, BLOCK),
    "7.4": (Classification.TECHNICAL, BLOCK),
    "7.5": (Classification.TECHNICAL, BLOCK),
    "7.6": (Classification.TECHNICAL, BLOCK),
    "7.7": (Classification.CONTENT, BLOCK),
    "7.8": (Classification.TECHNICAL, BLOCK),
    "7.9": (Classification.TECHNICAL, BLOCK),
    "7.10": (Classification.TECHNICAL, BLOCK),
    "7.11": (Classification.TECHNICAL, BLOCK),
    "7.12": (Classification.TECHNICAL, BLOCK),
    "7.13": (Classification.MAILBOX_UNAVAILABLE, BOUNCE),
    "7.15": (Classification.TECHNICAL, BLOCK),
    "7.16": (Classification.CONTENT, BLOCK),
    "7.17": (Classification.INVALID_ADDRESS, BOUNCE),
    "7.18": (Classification.INVALID_ADDRESS, BOUNCE),
    "7.19": (Classification.TECHNICAL, BLOCK),
    "7.28": (Classification.VOLUME, None),
    "7.30": (Classification.TECHNICAL, BLOCK),
}
"""The meaning of enhanced status codes (the registry of IANA), by what follows the class.

In 5.1.0 the undefined address is taken to be the recipient's: replies about a sender match a pattern before.
"""
SUBJECTS: Final[dict[str, tuple[Classification, List]]] = {
    "1": (Classification.INVALID_ADDRESS, BLOCK),
    "2": (Classification.MAILBOX_UNAVAILABLE, BLOCK),
    "3": (Classification.TECHNICAL, BLOCK),
    "4": (Classification.TECHNICAL, BLOCK),
    "5": (Classification.TECHNICAL, BLOCK),
    "6": (Classification.CONTENT, BLOCK),
    "7": (Classification.REPUTATION, BLOCK),
}
"""The meaning of the subjects of enhanced status codes (RFC 3463 section 4), for codes that `CODES` does not have."""
REPLY_CODES: Final[dict[str, tuple[Classification, List]]] = {
    **dict.fromkeys(("421", "451", "452", "454", "455"), (Classification.TECHNICAL, BLOCK)),
    **dict.fromkeys(("500", "501", "502", "503", "504", "521", "530"), (Classification.TECHNICAL, BLOCK)),
    **dict.fromkeys(("534", "535", "538"), (Classification.TECHNICAL, BLOCK)),
    "551": (Classification.INVALID_ADDRESS, BOUNCE),
    "552": (Classification.MAILBOX_UNAVAILABLE, BLOCK),
    "556": (Classification.INVALID_ADDRESS, BOUNCE),
    "571": (Classification.REPUTATION, BLOCK),
}
"""The meaning of codes without an enhanced status code (RFC 5321 section 4.2, RFC 7504, RFC 4954)."""
UNKNOWN: Final = (Classification.UNCLASSIFIED, BLOCK)
"""The meaning of any other code, and of the words of a provider's API, which have no code."""


def judge_reply(reply: str, *, is_of_recipient: bool, recipient: str = "") -> Judgement:
    """Return why a reply refuses or defers a message, and the list on which a refusal puts the recipient.

    `is_of_recipient` says that the peer refused this recipient alone, after RCPT. Any other refusal puts nobody on a
    list that suppresses mail, and neither does a deferral that lasted until the message was given up. A refusal that
    comes from Sluice puts nobody on any list. Whether a reply without a code is a refusal, only the caller knows.
    """
    text = reply.removeprefix(GIVEN_UP)
    code = code_of(text)
    status = find_status(text)
    if OWN.match(text):
        return Judgement(Classification.TECHNICAL, None, status)
    if not code:
        return Judgement(*UNKNOWN, status)
    if recipient:
        text = text.lower().replace(recipient.lower(), "@")
    classification, suppression = _judge(" ".join(words_of(text)), code, status)
    if reply.startswith("4"):
        suppression = None
    elif suppression and (not is_of_recipient or reply.startswith(GIVEN_UP)):
        suppression = BLOCK
    return Judgement(classification, suppression, status)


def code_of(reply: str) -> str:
    """Return the three digits with which a negative reply begins, or an empty text."""
    code = CODE.match(reply.removeprefix(GIVEN_UP))
    return code[0] if code else ""


def find_status(reply: str) -> str:
    """Return the first enhanced status code of a reply, or an empty text."""
    status = STATUS.search(reply)
    return status[1] if status else ""


@lru_cache(CACHED)
def _judge(text: str, code: str, status: str) -> tuple[Classification, List]:
    """Return the classification of a reply and the list of a recipient whom it refuses for good."""
    if pattern := find_pattern(text.split(), code, status):
        return pattern.classification, pattern.suppression
    _, _, status = status.partition(".")
    return CODES.get(status) or SUBJECTS.get(status.partition(".")[0]) or REPLY_CODES.get(code, UNKNOWN)
