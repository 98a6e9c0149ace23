"""Count the requests of a key, or other actions, per minute.

They are counted in Redis for all web processes, with one round trip per request. Redis is only a hint here, too: while
it does not answer, no request is refused, and for some seconds it is not asked. A Redis that accepts commands without
answering therefore costs a request `TIMEOUT_SECONDS` only now and then. Minutes are those of the web server's clock;
nothing that needs the exact time depends on them.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from functools import cache

import redis
import structlog
from django.conf import settings

from accounts.models import ApiKey
from foundation.caches import Cache
from foundation.redis_client import client_for

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60
TIMEOUT_SECONDS = 0.1
PAUSE_SECONDS = 5.0
MOST_OWN_PLACES = 10_000
_away_until = 0.0
_own_places: Cache[str, float] = Cache(MOST_OWN_PLACES)
"""Places that this process took while Redis did not answer, with the time (monotonic) when each becomes free."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The requests that are still allowed in this minute. `reset_at` is its end, in seconds since 1970."""

    limit: int
    used: int
    reset_at: int

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def is_exceeded(self) -> bool:
        return self.used > self.limit


def count_request(key: ApiKey, *, kind: str, limit: int) -> Allowance | None:
    """Count one request of this kind. `limit` is per minute. Return None without a limit (0) or without Redis."""
    return count(f"{kind}:{key.pk}", limit=limit)


def count(action: str, *, limit: int) -> Allowance | None:
    """Count an action by its unique name. Return None without a limit (0) or without Redis."""
    global _away_until
    if not limit or time.monotonic() < _away_until:
        return None
    minute = int(time.time()) // WINDOW_SECONDS
    name = f"sluice:rate:{action}:{minute}"
    try:
        with _client().pipeline(transaction=False) as pipeline:
            pipeline.incr(name)
            pipeline.expire(name, 2 * WINDOW_SECONDS)
            used = int(pipeline.execute()[0])
    except (redis.RedisError, OSError) as error:
        _away_until = time.monotonic() + PAUSE_SECONDS
        log.warning("rates are not counted: Redis did not answer", error=type(error).__name__)
        return None
    return Allowance(limit, used, (minute + 1) * WINDOW_SECONDS)


def take_place(action: str, *, limit: int, seconds: int) -> bool:
    """Take one of `limit` places, each of which becomes free after `seconds`. Return False if none is free.

    So the named action happens at most `limit` times in any period of that length. Only a digest of the name is stored,
    so it may contain an address. While Redis does not answer, each process counts separately.
    """
    global _away_until
    digest = hashlib.sha256(action.encode()).hexdigest()
    names = [f"sluice:place:{digest}:{number}" for number in range(limit)]
    if time.monotonic() >= _away_until:
        try:
            return any(_client().set(name, 1, nx=True, ex=seconds) for name in names)
        except (redis.RedisError, OSError) as error:
            _away_until = time.monotonic() + PAUSE_SECONDS
            log.warning("each process counts places separately: Redis did not answer", error=type(error).__name__)
    return any(_take_own_place(name, seconds) for name in names)


def _take_own_place(name: str, seconds: int) -> bool:
    now = time.monotonic()
    if _own_places.get(name, 0.0) > now:
        return False
    _own_places[name] = now + seconds
    return True


@cache
def _client() -> redis.Redis:
    """Return the client of this process. It is created at its first use, and so after a fork; threads share it."""
    return client_for(settings.REDIS_URL, timeout_seconds=TIMEOUT_SECONDS)
