"""Connect to the broker's Redis, for the few hints that Sluice itself keeps there."""

from __future__ import annotations

from urllib.parse import urlsplit

import redis


def client_for(url: str, *, timeout_seconds: float) -> redis.Redis:
    """Return a client for `REDIS_URL`; Celery's spelling of a unix socket becomes redis-py's.

    It does not try again: redis-py (8.1) makes the connections of a URL without retries.
    """
    parts = urlsplit(url)
    if parts.scheme == "redis+socket":
        database = parts.query.partition("virtual_host=")[2] or "0"
        url = f"unix://{parts.path}?db={database}"
    return redis.Redis.from_url(url, socket_timeout=timeout_seconds, socket_connect_timeout=timeout_seconds)
