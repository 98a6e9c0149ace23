"""Header fields with a structure that mail programs and servers read.

No encoded word may be in them (RFC 2047 section 5). A URL between angle brackets is percent-encoded where it is not
ASCII (RFC 3986 section 2.1); other values that are not ASCII, or have no room in a line, cannot be sent.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from mailer.compose.folding import fold, has_room

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
    """Return the value of a field as it is sent: URLs are percent-encoded."""
    if value.isascii() or name.lower() not in URLS:
        return value
    return URL.sub(lambda url: "".join(each if each.isascii() else quote(each) for each in url[0]), value)
