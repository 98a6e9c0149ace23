"""How addresses are compared."""

from __future__ import annotations

from mailer.compose.headers import wire_address


def address_key(email: str) -> str:
    """What two spellings of one mailbox share: in lower case, an international domain in its ASCII form."""
    return wire_address(email).lower()
