"""Keep fragments of pages in Redis. One process builds each of them at most every few seconds, for all viewers.

Acts of operators are counted, and a fragment that is older than the last act is not served. So an operator who has just
stopped a mailing does not see it being sent.

Redis is only a cache. While it is away, each web process keeps fragments and counts acts for itself.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache

from django.conf import settings
from redis import Redis, RedisError

from foundation.redis_client import client_for

FRESH_SECONDS = 3.0
FINAL_SECONDS = 30.0
"""The age up to which polls get a final fragment. It only changes if somebody acts on its subject."""
STALE_SECONDS = 10.0
"""The age up to which an old fragment is served while another process builds the next one."""
BUILD_SECONDS = 10
"""The time after which a process that builds a fragment is taken to have died."""
KEPT_SECONDS = 120
PAUSE_SECONDS = 0.05
REDIS_SECONDS = 0.5
ACTS = "sluice:page-acts"
"""The key of the number of acts. It is kept for longer than any fragment."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of HTML, when it was built (in seconds since 1970, by the web server's clock), and after which act."""

    html: str
    is_final: bool
    built_at: float
    acts: int = 0

    @property
    def age(self) -> float:
        """Return its age in seconds."""
        return max(0.0, time.time() - self.built_at)

    def is_fresh(self, opened_at: float | None = None) -> bool:
        """Return whether it is served without building another one.

        An operator who opens a page may just have acted on its subject. So a page that is opened never gets a final
        fragment that was built before that.
        """
        if self.is_final and opened_at is not None:
            return self.built_at >= opened_at
        return self.age < (FINAL_SECONDS if self.is_final else FRESH_SECONDS)

    def is_good_enough(self, opened_at: float | None) -> bool:
        """Return whether it is served while another process builds the next one."""
        return self.age < STALE_SECONDS and not (self.is_final and opened_at is not None)

    @property
    def tag(self) -> str:
        """Return a hash of the HTML for an ETag."""
        return hashlib.blake2b(self.html.encode(), digest_size=12).hexdigest()


Build = Callable[[], tuple[str, bool]]
"""A function that returns the HTML, and whether it is final."""

_kept: dict[str, Fragment] = {}
_acts = 0
_building = threading.Lock()


def fetch_fragment(key: str, build: Build, *, is_opened: bool = False) -> Fragment:
    """Return the fragment of this key, and build it if the stored one is too old and nobody else builds it.

    `is_opened` says that it is for a page that is opened, and not for a poll.
    """
    opened_at = time.time() if is_opened else None
    try:
        return _fetch_from_redis(key, build, opened_at)
    except RedisError:
        return _fetch_from_memory(key, build, opened_at)


def note_act() -> None:
    """Note that an operator has changed something, so that older fragments are not served any more."""
    global _acts
    with _building:
        _acts += 1
    with suppress(RedisError):
        pipeline = redis().pipeline()
        pipeline.incr(ACTS)
        pipeline.expire(ACTS, 2 * KEPT_SECONDS)
        pipeline.execute()


@cache
def redis() -> Redis:
    return client_for(settings.REDIS_URL, timeout_seconds=REDIS_SECONDS)


def _fetch_from_redis(key: str, build: Build, opened_at: float | None) -> Fragment:
    name, lock = f"sluice:page:{key}", f"sluice:page-lock:{key}"
    client, until = redis(), time.monotonic() + BUILD_SECONDS
    while True:
        stored, acts = _load(client, name)
        if stored is not None and stored.is_fresh(opened_at):
            return stored
        if client.set(lock, "1", nx=True, ex=BUILD_SECONDS):
            break
        if stored is not None and stored.is_good_enough(opened_at):
            return stored
        if time.monotonic() >= until:
            break
        time.sleep(PAUSE_SECONDS)
    try:
        fragment = _make(build, acts)
        client.set(name, json.dumps(asdict(fragment)), ex=KEPT_SECONDS)
    finally:
        client.delete(lock)
    return fragment


def _load(client: Redis, name: str) -> tuple[Fragment | None, int]:
    """Return the stored fragment unless an operator has acted since, and the number of acts."""
    stored, noted = client.mget(name, ACTS)
    acts = int(noted or 0)
    fragment = Fragment(**json.loads(stored)) if stored else None
    return (fragment if fragment and fragment.acts == acts else None), acts


def _fetch_from_memory(key: str, build: Build, opened_at: float | None) -> Fragment:
    with _building:
        fragment = _kept.get(key)
        if fragment is None or fragment.acts != _acts or not fragment.is_fresh(opened_at):
            _kept.clear()
            fragment = _kept[key] = _make(build, _acts)
        return fragment


def _make(build: Build, acts: int) -> Fragment:
    built_at = time.time()
    html, is_final = build()
    return Fragment(html, is_final, built_at, acts)
