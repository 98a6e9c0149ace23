"""Make ids that may be shown to strangers: they are random and URL-safe, and reveal nothing.

Ids made by earlier versions may begin with a hyphen.
"""

from __future__ import annotations

import base64
import secrets


def url_safe(size: int) -> str:
    """Return `size` random bytes as base64url without padding: 16 bytes give 22 characters, 32 give 43.

    The first character is a letter or a digit. Programs would take an id such as `-5Jh` for an option, and spreadsheets
    for a formula.
    """
    while True:
        text = base64.urlsafe_b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
        if text[0] not in "-_":
            return text


def instance_id() -> int:
    """Return a random positive 63-bit number that names a worker instance (never a PID, which a restart may repeat)."""
    return secrets.randbits(63) or 1
