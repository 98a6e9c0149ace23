"""Tell other web processes of clicks before they are stored, since the clicks of a scanner may reach several of them.

Each process shares the clicks that it has noted, and reads those of the others before it stores its own. Redis is only
a hint here, too: while it does not answer, a process recognizes the bursts that it has seen itself, together with the
clicks that are stored already, and for some seconds Redis is not asked.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from functools import cache
from typing import Final

import redis
import structlog
from django.conf import settings
from redis.client import Pipeline

from foundation.redis_client import client_for
from mailer.tracking.machines import Click

log = structlog.get_logger(__name__)

KEPT: Final = 100
"""The newest clicks that are shared for a message."""
KEPT_SECONDS: Final = 60
TIMEOUT_SECONDS: Final = 0.1
PAUSE_SECONDS: Final = 5.0
_away_until = 0.0


def share_clicks(clicks: Iterable[Click]) -> None:
    """Let the other processes know of clicks."""
    texts: defaultdict[int, list[str]] = defaultdict(list)
    for message_id, (number, is_html), at in clicks:
        texts[message_id].append(f"{number} {int(is_html)} {at!r}")

    def add(pipeline: Pipeline) -> None:
        for message_id, newest in texts.items():
            name = _name_of(message_id)
            pipeline.rpush(name, *newest[-KEPT:])
            pipeline.ltrim(name, -KEPT, -1)
            pipeline.expire(name, KEPT_SECONDS)

    if texts:
        _ask(add)


def read_clicks(message_ids: Collection[int]) -> list[Click]:
    """Return the clicks on links of some messages that were shared lately, those of this process included."""

    def add(pipeline: Pipeline) -> None:
        for message_id in message_ids:
            pipeline.lrange(_name_of(message_id), 0, -1)

    replies = _ask(add) if message_ids else []
    # Without an answer there are fewer replies than messages.
    pairs = zip(message_ids, replies, strict=False)
    return [_read_click(message_id, text) for message_id, texts in pairs for text in texts]


def _read_click(message_id: int, text: bytes) -> Click:
    number, is_html, at = text.split()
    return message_id, (int(number), is_html == b"1"), float(at)


def _ask(add: Callable[[Pipeline], None]) -> list[list[bytes]]:
    """Return the replies to the commands that are added, which are sent together; nothing while Redis is away."""
    global _away_until
    if time.monotonic() < _away_until:
        return []
    try:
        with _client().pipeline(transaction=False) as pipeline:
            add(pipeline)
            replies: list[list[bytes]] = pipeline.execute()
            return replies
    except (redis.RedisError, OSError) as error:
        _away_until = time.monotonic() + PAUSE_SECONDS
        log.warning("clicks are not shared with other processes: Redis did not answer", error=type(error).__name__)
        return []


def _name_of(message_id: int) -> str:
    return f"sluice:clicks:{message_id}"


@cache
def _client() -> redis.Redis:
    """Return the client of this process. It is created at its first use, and so after a fork."""
    return client_for(settings.REDIS_URL, timeout_seconds=TIMEOUT_SECONDS)
