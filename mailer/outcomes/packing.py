"""Pack the replies of a parcel's messages into one text: the prefix that they share, then the rest of each.

A peer answers nearly the same to all messages, such as `250 2.0.0 Ok: queued as 4F0C21A3`.
"""

from __future__ import annotations

from collections.abc import Sequence

from batches.claims import bits

PARTING = "\n"
"""The separator of the prefix and the rests. No reply contains it."""


def pack_members(mask: int) -> bytes:
    """Return a mask of message numbers as it is stored: the lowest byte first, without zero bytes at the end."""
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")


def unpack_members(members: bytes | memoryview) -> list[int]:
    """Return the message numbers in a stored mask, in ascending order."""
    return bits(int.from_bytes(bytes(members), "little"))


def pack_replies(replies: Sequence[str]) -> str | None:
    """Return several replies as one text; None if all of them are empty."""
    lowest, highest = min(replies), max(replies)
    if lowest == highest:
        return lowest or None
    # All replies between the lowest and the highest begin with the prefix that these two share.
    shared = next((n for n, (low, high) in enumerate(zip(lowest, highest, strict=False)) if low != high), len(lowest))
    return PARTING.join([lowest[:shared], *[reply[shared:] for reply in replies]])


def unpack_replies(text: str | None, number: int) -> list[str | None]:
    """Return this number of replies that were packed together."""
    prefix, *suffixes = (text or "").split(PARTING)
    return [prefix + suffix or None for suffix in suffixes] if suffixes else [prefix or None] * number
