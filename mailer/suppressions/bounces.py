"""Recognize hard bounces: refusals because the mailbox does not exist.

A sender who goes on sending to such addresses is taken for a spammer.
"""

from __future__ import annotations

import re
from typing import Final

ENHANCED: Final = re.compile(r"5\d\d[ -]#?(5\.\d{1,3}\.\d{1,3})\b")
"""An enhanced status code behind the reply's code (RFC 3463, RFC 2034)."""
HARD: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10"})
"""The status codes of RFC 3463 section 3.2 and RFC 7505 that are about the recipient; 5.1.7 to 5.1.9 are about the
sender."""
UNKNOWN: Final = re.compile(
    r"5(?:50|51|53)\b.*(?:"
    r"(?:unknown|no such|invalid|non-?existent) (?:user|mailbox|recipient|account|address)"
    r"|(?:user|mailbox|recipient|account|address) (?:is )?(?:unknown|not found|does not exist|doesn't exist|invalid)"
    r"|no (?:mailbox|such person) here)",
    re.IGNORECASE | re.DOTALL,
)
"""The words of peers that give no enhanced code."""
NO_SUCH_MAILBOX: Final = "5.1.1"
OTHER: Final = "5.1.0"
"""Something about an address: the recipient's, unless the words speak of the sender."""


def hard_status(reply: str) -> str:
    """Return the enhanced status code of a reply that reports an unknown mailbox; empty for any other reply."""
    status = ENHANCED.match(reply)
    if status and status[1] != OTHER:
        return status[1] if status[1] in HARD else ""
    if "sender" in reply.lower():
        return ""
    return OTHER if status else NO_SUCH_MAILBOX if UNKNOWN.match(reply) else ""
