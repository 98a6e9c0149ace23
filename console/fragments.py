"""Keep fragments of pages in Redis: each is built at most every few seconds for all who watch it, by one process.

Redis is only a cache. While it is away, each web process keeps fragments for itself.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache

from django.conf import settings
from redis import Redis, RedisError

from foundation.redis_client import client_for

FRESH_SECONDS = 3.0
FINAL_SECONDS = 30.0
"""The age up to which a final fragment is served. It only changes if somebody acts on its subject."""
STALE_SECONDS = 10.0
"""The age up to which an old fragment is served while another process builds the next one."""
BUILD_SECONDS = 10
"""The time after which a process that builds a fragment is taken to have died."""
KEPT_SECONDS = 120
PAUSE_SECONDS = 0.05
REDIS_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of HTML, and when it was built (in seconds since 1970, by the web server's clock)."""

    html: str
    is_final: bool
    built_at: float

    @property
    def age(self) -> float:
        """Return its age in seconds."""
        return max(0.0, time.time() - self.built_at)

    @property
    def is_fresh(self) -> bool:
        """Return whether it is served without building another one."""
        return self.age < (FINAL_SECONDS if self.is_final else FRESH_SECONDS)

    @property
    def tag(self) -> str:
        """Return a hash of the HTML for an ETag."""
        return hashlib.blake2b(self.html.encode(), digest_size=12).hexdigest()


Build = Callable[[], tuple[str, bool]]
"""A function that returns the HTML, and whether it is final."""

_kept: dict[str, Fragment] = {}
_building = threading.Lock()


def fetch_fragment(key: str, build: Build) -> Fragment:
    """Return the fragment of this key, and build it if the stored one is too old and nobody else builds it."""
    try:
        return _fetch_from_redis(key, build)
    except RedisError:
        return _fetch_from_memory(key, build)


@cache
def redis() -> Redis:
    return client_for(settings.REDIS_URL, timeout_seconds=REDIS_SECONDS)


def _fetch_from_redis(key: str, build: Build) -> Fragment:
    name, lock = f"sluice:page:{key}", f"sluice:page-lock:{key}"
    client, until = redis(), time.monotonic() + BUILD_SECONDS
    while True:
        stored = _load(client, name)
        if stored is not None and stored.is_fresh:
            return stored
        if client.set(lock, "1", nx=True, ex=BUILD_SECONDS):
            break
        if stored is not None and stored.age < STALE_SECONDS:
            return stored
        if time.monotonic() >= until:
            break
        time.sleep(PAUSE_SECONDS)
    try:
        fragment = _make(build)
        client.set(name, json.dumps(asdict(fragment)), ex=KEPT_SECONDS)
    finally:
        client.delete(lock)
    return fragment


def _load(client: Redis, name: str) -> Fragment | None:
    stored = client.get(name)
    return Fragment(**json.loads(stored)) if isinstance(stored, bytes) else None


def _fetch_from_memory(key: str, build: Build) -> Fragment:
    with _building:
        fragment = _kept.get(key)
        if fragment is None or not fragment.is_fresh:
            _kept.clear()
            fragment = _kept[key] = _make(build)
        return fragment


def _make(build: Build) -> Fragment:
    built_at = time.time()
    html, is_final = build()
    return Fragment(html, is_final, built_at)
