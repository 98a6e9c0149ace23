"""Envelopes: the messages of a slice are composed, without the recipients who do not get them.

In: the cargo of a trip. Out: envelopes to be handed over, and the results of messages for which nothing is handed over.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from foundation.clock import boottime
from foundation.traces import trace_of
from mailer.compose.mime import Composer
from mailer.models import Mail
from mailer.pipeline.cargo import Cargo
from mailer.suppressions.check import reason_to_drop
from mailer.transports.base import Dropped, Envelope, Refused, Result

log = structlog.get_logger(__name__)

COMPOSER_CACHE_BYTES = 64 * 1024 * 1024
SLICE_BYTES = 16 * 1024 * 1024
TIMED_MESSAGES = 8
"""While composing, the clock is read after each of the first messages, and later once in this many messages."""


class ComposerCache:
    """The composers of the mails that are being sent, at most `COMPOSER_CACHE_BYTES` of them.

    The one that was not used for the longest time is removed first.
    """

    def __init__(self) -> None:
        self._composers: OrderedDict[int, tuple[Composer, int]] = OrderedDict()
        self._bytes = 0

    def get(self, mail_id: int) -> Composer:
        """Return the composer of a mail, by id."""
        if mail_id in self._composers:
            self._composers.move_to_end(mail_id)
            return self._composers[mail_id][0]
        composer = Composer(
            Mail.objects.get(pk=mail_id),
            message_id_domain=settings.MESSAGE_ID_DOMAIN,
            public_url=settings.PUBLIC_URL,
        )
        self._composers[mail_id] = (composer, composer.size)
        self._bytes += composer.size
        while self._bytes > COMPOSER_CACHE_BYTES and len(self._composers) > 1:
            self._bytes -= self._composers.popitem(last=False)[1][1]
        return composer


class CargoComposer:
    """Composes the messages of a trip, slice by slice."""

    def __init__(self, cargo: Cargo, composers: ComposerCache) -> None:
        self._cargo = cargo
        self._composers = composers
        self.dropped: dict[int, dict[str, Dropped]] = {}
        """The recipients who do not get a message because of a suppression, by message id."""

    def compose(
        self, message_ids: Iterable[int], date: bytes, *, until: float
    ) -> tuple[dict[int, Envelope], list[Result]]:
        """Return the envelopes to hand over, by message id, and the results of messages that have none.

        A slice is composed before it is sent: what goes beyond `SLICE_BYTES`, or is not composed `until` then, stays
        for the next one.
        """
        envelopes: dict[int, Envelope] = {}
        results: list[Result] = []
        room = SLICE_BYTES
        for done, message_id in enumerate(message_ids):
            is_timed = done and (done < TIMED_MESSAGES or done % TIMED_MESSAGES == 0)
            if room <= 0 or (is_timed and boottime() >= until):
                break
            try:
                envelope = self._compose_one(message_id, date)
            except (DatabaseError, InterfaceError):
                # No message's fault, and none is begun: the slice ends empty, and all of it stays to be sent.
                log.warning("slice cannot be composed: the database is away")
                connection.close()
                return {}, []
            except (SoftTimeLimitExceeded, MemoryError):
                raise
            except Exception as error:
                log.error("message cannot be composed", message=message_id, error=trace_of(error))
                self.dropped.pop(message_id, None)
                results.append(Result(message_id, (Refused(f"cannot be composed: {type(error).__name__}"),)))
                continue
            room -= len(envelope.data)
            if envelope.recipients:
                envelopes[message_id] = envelope
            elif message_id in self.dropped or message_id in self._cargo.earlier:
                results.append(Result(message_id, ()))
            else:
                results.append(Result(message_id, (Refused("no recipient is left"),)))
        return envelopes, results

    def _compose_one(self, message_id: int, date: bytes) -> Envelope:
        mail_id, recipient, personal = self._cargo.messages[message_id]
        composer = self._composers.get(mail_id)
        earlier = self._cargo.earlier.get(message_id)
        skip = earlier.finished if earlier else frozenset()
        if message_id in self._cargo.suppressed:
            skip |= self._drop(message_id, composer.mail, skip)
        envelope = composer.compose(message_id, recipient, personal, date=date, skip=skip)
        return envelope._replace(is_part=True) if skip else envelope

    def _drop(self, message_id: int, mail: Mail, finished: frozenset[str]) -> frozenset[str]:
        """Return the recipients of a message who do not get it because of a suppression."""
        dropped = {
            recipient: Dropped(reason)
            for recipient, found in self._cargo.suppressed[message_id].items()
            if recipient not in finished and (reason := reason_to_drop(found, mail))
        }
        if dropped:
            self.dropped[message_id] = dropped
        return frozenset(dropped)


def with_dropped(
    result: Result, recipients: tuple[str, ...], dropped: dict[str, Dropped]
) -> tuple[Result, tuple[str, ...]]:
    """Return the result of a message and its recipients, completed by those who were dropped."""
    return Result(result.message_id, (*result.outcomes, *dropped.values())), (*recipients, *dropped)
