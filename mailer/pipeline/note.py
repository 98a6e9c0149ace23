"""The hand-over note: what a worker is handing over at this moment, in Redis, read only after its death.

Without it the whole unrecorded slice of a dead worker would be in doubt; with it only what was begun and not answered,
at most one message for each open connection. It is opened for each slice and awaited; after that every line is written
to Redis's socket before the message it speaks of is begun, and its reply is read later. A line is added only to a note
that still exists (RPUSHX), so a Redis that was emptied is noticed, and the slice ends. A note that names another slice,
or that cannot be read, counts for nothing.

Lines: the header, `{"parcel id": [fence, slice number], …}`; then `+id` (about to be begun) and `id:kind` (answered).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import redis
import structlog

from foundation import redis_client
from mailer.models import EventKind
from mailer.transports.base import InDoubt, Refused, Result, Sent

log = structlog.get_logger(__name__)

LIFE_SECONDS = 3600
TIMEOUT_SECONDS = 0.25
LAG_SECONDS = 0.05
"""Lines that Redis has not acknowledged for this long end the slice."""
LOOK_SECONDS = 0.005
LOOK_LINES = 32
"""After so long, or so many commands, the acknowledgements are looked for. To look costs as much as to write."""
AWAY_SECONDS = 5.0
NOT_BEGUN = 0
"""The kind of an answer that says: it did not leave after all."""


def key_of(worker_id: int) -> str:
    """Where a worker's note is; it has one, since it has one slice at a time."""
    return f"sluice:note:{worker_id}"


def client_for(url: str) -> redis.Redis:
    """A client that does not wait long."""
    return redis_client.client_for(url, timeout_seconds=TIMEOUT_SECONDS)


class HandoverNote:
    """The writing side: one worker process's."""

    def __init__(self, url: str) -> None:
        self._client = client_for(url)
        self._connection: Any = None
        self._key = b""
        self._lines: list[bytes] = []
        """That wait to be written."""
        self._noted: set[int] = set()
        self._unanswered: list[float] = []
        """When each command was written whose reply has not been read: what the last slice left, its reply must not be
        taken for one of this slice."""
        self._away_until = 0.0
        self._is_noted = False
        """The slice under way has a note, or had one until it was lost."""
        self.is_open = False

    @property
    def is_away(self) -> bool:
        """Whether Redis did not answer lately: slices are small then, since all of one may come into doubt."""
        return time.monotonic() < self._away_until

    def open(self, worker_id: int, slices: Mapping[int, tuple[int, int]]) -> bool:
        """Begin the note of a slice, by parcel id its fence and slice number; returns once Redis has it.

        While Redis is known to be away the slice goes on without a note. False when that was found out just now: then
        nobody knows whether Redis has the header, and the slice must not be sent under this number.
        """
        self.is_open = self._is_noted = False
        self._lines, self._noted = [], set()
        if self.is_away:
            return True
        key = key_of(worker_id)
        header = json.dumps({str(parcel): names for parcel, names in slices.items()})
        try:
            connection = self._connect()
            for command in (("DEL", key), ("RPUSH", key, header), ("EXPIRE", key, LIFE_SECONDS)):
                connection.send_command(*command)
            for _ in range(len(self._unanswered) + 3):
                connection.read_response()
            self._unanswered = []
        except (redis.RedisError, OSError) as error:
            self._lose(error)
            return False
        self._key = key.encode()
        self.is_open = self._is_noted = True
        return True

    def note_begun(self, *message_ids: int) -> bool:
        """Write that these messages are about to be begun. False: it cannot be noted any more, so they must not begin.

        True without writing anything in a slice that has no note from the start.
        """
        if not self.is_open:
            return not self._is_noted
        if self._noted.issuperset(message_ids):
            return True
        self._noted.update(message_ids)
        self._lines += [b"+%d" % message_id for message_id in message_ids]
        return self._flush()

    def note_result(self, result: Result) -> None:
        """What became of a message; written with the next line that is."""
        if self.is_open and result.message_id in self._noted:
            self._lines.append(b"%d:%d" % (result.message_id, kind_of(result)))

    def close(self) -> None:
        """Give the connection back."""
        self._unanswered = []
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None

    def _connect(self) -> Any:
        if self._connection is None:
            self._connection = self._client.connection_pool.get_connection()
        return self._connection

    def _flush(self) -> bool:
        words = (b"RPUSHX", self._key, *self._lines)
        command = b"*%d\r\n%b" % (len(words), b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words]))
        try:
            self._connection.send_packed_command([command], check_health=False)
            now = time.monotonic()
            self._unanswered.append(now)
            self._lines = []
            if now - self._unanswered[0] > LOOK_SECONDS or len(self._unanswered) >= LOOK_LINES:
                self._read_answers()
        except (redis.RedisError, OSError) as error:
            self._lose(error)
            return False
        return True

    def _read_answers(self) -> None:
        while self._unanswered and self._connection.can_read(timeout=0):
            if not self._connection.read_response():
                raise redis.DataError("the note is gone")
            self._unanswered.pop(0)
        if self._unanswered and time.monotonic() - self._unanswered[0] > LAG_SECONDS:
            raise redis.TimeoutError("no acknowledgement in time")

    def _lose(self, error: Exception) -> None:
        log.warning("no hand-over note", error=type(error).__name__)
        self.is_open = False
        self._away_until = time.monotonic() + AWAY_SECONDS
        self.close()


def kind_of(result: Result) -> int:
    """What a rescuer may take for granted: sent, refused, in doubt, or (`NOT_BEGUN`) that it is to be sent again."""
    kinds = set(map(type, result.outcomes))
    if Sent in kinds:
        return EventKind.SENT
    if InDoubt in kinds:
        return EventKind.IN_DOUBT
    return EventKind.REFUSED if kinds == {Refused} else NOT_BEGUN


@dataclass(frozen=True, slots=True)
class ReadNote:
    """The reading side: what a dead worker was doing."""

    slices: dict[int, tuple[int, int]] = field(default_factory=dict)
    begun: frozenset[int] = frozenset()
    answered: dict[int, int] = field(default_factory=dict)

    def covers(self, parcel_id: int, fence: int, slice_no: int) -> bool:
        """Whether this note was written of that very slice."""
        return self.slices.get(parcel_id) == (fence, slice_no)


def read_note(url: str, worker_id: int) -> ReadNote:
    """The note of a worker; one that covers nothing when there is none, or Redis is away."""
    client = client_for(url)
    try:
        noted: list[Any] = client.lrange(key_of(worker_id), 0, -1)
        header, *lines = noted or [b"{}"]
        slices = {int(parcel): (int(names[0]), int(names[1])) for parcel, names in json.loads(header).items()}
    except (redis.RedisError, OSError, ValueError) as error:
        log.warning("hand-over note cannot be read", error=type(error).__name__)
        return ReadNote()
    finally:
        client.close()
    begun = frozenset(int(line) for line in lines if line.startswith(b"+"))
    pairs = (line.split(b":") for line in lines if b":" in line)
    return ReadNote(slices, begun, {int(message): int(kind) for message, kind in pairs})
