"""Guessing: whoever has given a wrong secret for a name too often in a minute is not listened to until it is over.

Counted in Redis by the address and the name together, so that nobody locks out others; what a process has heard there
it keeps, so that a right login costs nothing more. A secret has 256 random bits: this saves work, not the secret.
"""

from __future__ import annotations

import hashlib
import time
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from accounts.rates import count

WRONG_PER_MINUTE: Final = 20
MOST_LOCKED: Final = 10_000
_locked: dict[str, int] = {}
"""Until when (seconds since 1970), by who asks."""


def asker(request: HttpRequest, name: str) -> str:
    """Who asks, as a name for Redis: the address, and the name that is to be logged in."""
    address = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY:
        # The last one is what the proxy has seen itself; those before it are what the caller says.
        address = request.META.get("HTTP_X_FORWARDED_FOR", address).rpartition(",")[2].strip()
    return hashlib.sha256(f"{address} {name}".encode(errors="replace")).hexdigest()


def is_locked(who: str) -> bool:
    """Whether they have to wait."""
    return _locked.get(who, 0) > time.time()


def note_wrong(who: str) -> None:
    """A secret was wrong."""
    allowance = count(f"login:{who}", limit=WRONG_PER_MINUTE)
    if allowance is not None and not allowance.remaining:
        if len(_locked) >= MOST_LOCKED:
            _locked.clear()
        _locked[who] = allowance.reset_at
