"""Refuse callers who guess secrets, before any work is spent on the next guess.

Wrong attempts are counted in Redis by the caller's network address and the name together. Attempts for one name
therefore do not lock out other names, even behind the same proxy, and attempts from one address do not lock out the
owner of the name at another address. Each process remembers the locks it has seen, so a correct login costs no round
trip.
"""

from __future__ import annotations

import hashlib
import time
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from accounts.rates import count
from foundation.caches import Cache

WRONG_PER_MINUTE: Final = 20
MOST_LOCKED: Final = 10_000
_locked: Cache[str, int] = Cache(MOST_LOCKED)
"""The end of each lock in seconds since 1970, keyed by caller."""


def caller_address(request: HttpRequest) -> str:
    """Return the network address that the request came from: behind a proxy, the one that the proxy itself saw."""
    address = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY:
        # The proxy appends the address it saw. Everything before it is the caller's own claim.
        address = request.META.get("HTTP_X_FORWARDED_FOR", address).rpartition(",")[2].strip()
    return str(address)


def identify_caller(request: HttpRequest, name: str) -> str:
    """Return a digest of the caller's address and the name that is to be logged in, usable in a Redis key."""
    return hashlib.sha256(f"{caller_address(request)} {name}".encode(errors="replace")).hexdigest()


def is_locked(caller: str) -> bool:
    """Return whether this caller has to wait until the current minute is over."""
    return _locked.get(caller, 0) > time.time()


def note_wrong(caller: str) -> None:
    """Count a wrong secret, and lock the caller for the rest of the minute after `WRONG_PER_MINUTE` of them."""
    allowance = count(f"login:{caller}", limit=WRONG_PER_MINUTE)
    if allowance is not None and not allowance.remaining:
        _locked[caller] = allowance.reset_at
