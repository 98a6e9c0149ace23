"""Reply-To with the values of a message (SendGrid v3 mail/send, `personalizations[].substitutions`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mailer.compose.substitutions import substitute_within
from mailer.draft import Address

LONGEST_ADDRESS: Final = 320
LONGEST_NAME: Final = 998
"""Characters, as many as a caller may write."""


def text_of(addresses: Iterable[Address]) -> str:
    """Return one text in which each key occurs that occurs in an address or a name."""
    return "\0".join([text for address in addresses for text in address])


def fill_reply_to(addresses: Sequence[Address], values: Mapping[str, str]) -> list[Address] | None:
    """Return the addresses and names with their keys replaced, or None if one becomes too long.

    The work is bounded by the longest that they may become, however long the values are.
    """
    filled = []
    for email, name in addresses:
        new_email = substitute_within(email, values, longest=LONGEST_ADDRESS)
        new_name = substitute_within(name, values, longest=LONGEST_NAME)
        if new_email is None or new_name is None:
            return None
        filled.append(Address(new_email, new_name))
    return filled
