"""Write and read the hand-over note: the messages that a worker is sending now, in Redis, read only after its death.

Without it the whole unrecorded slice of a dead worker would be in doubt. With it only messages that were begun and not
answered are in doubt, at most one for each open connection. It is opened for each slice and awaited; after that every
line is written to the socket of Redis before its message is begun, and the reply is read later. A line is added only to
a note that still exists (RPUSHX), so a Redis that was emptied is noticed, and the slice ends. A note that names another
slice, or that cannot be read, counts for nothing.

Lines: the header, `{"parcel id": [fence, slice number], …}`; then `+id` (about to be begun) and `id:kind` (answered).
Lines that are written together are one element of the list, separated by LF, since Redis handles each element alone.
Where a message is sent in parts, a line is about one part and names its recipients: `+id ["…", …]` and
`id:{"kind": ["…", …], …}`. The answer to a whole message has this form, too, if its recipients had different outcomes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
import structlog

from foundation import redis_client
from mailer.models import EventKind
from mailer.transports.base import Begun, InDoubt, Outcome, Part, Refused, Result, Sent

log = structlog.get_logger(__name__)

LIFE_SECONDS = 3600
TIMEOUT_SECONDS = 0.25
LAG_SECONDS = 0.05
"""If Redis has not acknowledged lines for this long, the slice ends."""
LOOK_SECONDS = 0.005
LOOK_LINES = 32
"""The most commands before acknowledgements are read. Looking for them costs as much as writing."""
AWAY_SECONDS = 5.0
NOT_BEGUN = 0
"""The kind of an answer that shows that the message was not sent."""
KINDS: dict[type[Outcome], int] = {
    Sent: int(EventKind.SENT),
    Refused: int(EventKind.REFUSED),
    InDoubt: int(EventKind.IN_DOUBT),
}
"""The outcomes that a rescuer records. Every other outcome is `NOT_BEGUN`: the message is sent again."""


def key_of(worker_id: int) -> str:
    """Return the key of a worker's note. A worker has one note, since it has one slice at a time."""
    return f"sluice:note:{worker_id}"


def client_for(url: str) -> redis.Redis:
    """Return a client that does not wait long."""
    return redis_client.client_for(url, timeout_seconds=TIMEOUT_SECONDS)


class HandoverNote:
    """The writing side of the note of one worker process."""

    def __init__(self, url: str) -> None:
        self._client = client_for(url)
        self._connection: Any = None
        self._key = b""
        self._lines: list[str] = []
        """The lines that wait to be written."""
        self._noted: set[Begun] = set()
        self._in_parts: set[int] = set()
        """The messages of which parts were noted."""
        self._unanswered: list[float] = []
        """The time of each command whose reply has not been read.

        Replies to the last slice that are still unread must not be taken for replies to this one.
        """
        self._away_until = 0.0
        self._is_noted = False
        """The slice under way has a note, or had one until it was lost."""
        self.is_open = False

    @property
    def is_away(self) -> bool:
        """Return whether Redis did not answer lately. Slices are small then, since all of one may come into doubt."""
        return time.monotonic() < self._away_until

    def open(self, worker_id: int, slices: Mapping[int, tuple[int, int]]) -> bool:
        """Begin the note of a slice, which has the fence and the slice number by parcel id. Return once Redis has it.

        While Redis is known to be away, the slice is sent without a note. Return False if this call has detected that:
        then it is unknown whether Redis has the header, and the slice must not be sent under this number.
        """
        self.is_open = self._is_noted = False
        self._lines, self._noted, self._in_parts = [], set(), set()
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

    def note_begun(self, *begun: Begun) -> bool:
        """Write that these messages are about to be begun. Return False if that failed: then they must not be begun.

        Return True without writing in a slice that never had a note.
        """
        if not self.is_open:
            return not self._is_noted
        if self._noted.issuperset(begun):
            return True
        self._noted.update(begun)
        self._lines += [f"+{item}" if type(item) is int else self._note_part(item) for item in begun]
        return self._flush()

    def note_result(self, result: Result) -> None:
        """Add the outcome of a message or a part of one. It is written together with the next line."""
        if not self.is_open:
            return
        message_id, outcomes, recipients = result
        kind = KINDS.get(type(outcomes[0]), NOT_BEGUN)
        if message_id in self._noted:
            if len(outcomes) == 1 or all(KINDS.get(type(outcome), NOT_BEGUN) == kind for outcome in outcomes):
                self._lines.append(f"{message_id}:{kind}")
            else:
                self._lines.append(f"{message_id}:{_kinds_in_json(recipients, outcomes)}")
        elif message_id in self._in_parts:
            self._lines.append(f"{message_id}:{_kinds_in_json(recipients, outcomes)}")

    def _note_part(self, part: Begun) -> str:
        assert isinstance(part, Part)
        self._in_parts.add(part.message_id)
        return f"+{part.message_id} {json.dumps(part.recipients)}"

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
        words = (b"RPUSHX", self._key, "\n".join(self._lines).encode())
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
        log.warning("hand-over note not written", error=type(error).__name__)
        self.is_open = False
        self._away_until = time.monotonic() + AWAY_SECONDS
        self.close()


def _kinds_in_json(recipients: Sequence[str], outcomes: Sequence[Outcome]) -> str:
    by_kind: dict[int, list[str]] = {}
    for recipient, outcome in zip(recipients, outcomes, strict=True):
        by_kind.setdefault(KINDS.get(type(outcome), NOT_BEGUN), []).append(recipient)
    return json.dumps(by_kind)


@dataclass(frozen=True, slots=True)
class ReadNote:
    """The reading side of the note: the messages that a dead worker was sending.

    The kinds are those of events, or `NOT_BEGUN`. Messages that were begun and not answered are in doubt.
    """

    slices: dict[int, tuple[int, int]] = field(default_factory=dict)
    whole: dict[int, int] = field(default_factory=dict)
    """The kinds by message id, of messages whose recipients had the same outcome."""
    in_parts: dict[int, dict[str, int]] = field(default_factory=dict)
    """The kind for each recipient by message id, of the other messages. A recipient who is missing was not begun."""

    def covers(self, parcel_id: int, fence: int, slice_no: int) -> bool:
        """Return whether this note describes exactly this slice."""
        return self.slices.get(parcel_id) == (fence, slice_no)


def read_note(url: str, worker_id: int) -> ReadNote:
    """Return the note of a worker. It covers nothing if it does not exist or Redis is away."""
    client = client_for(url)
    try:
        noted: list[Any] = client.lrange(key_of(worker_id), 0, -1)
        header, *lines = b"\n".join(noted or [b"{}"]).split(b"\n")
        slices = {int(parcel): (int(names[0]), int(names[1])) for parcel, names in json.loads(header).items()}
        note = ReadNote(slices)
        for line in lines:
            _read_line(line, note)
    except (redis.RedisError, OSError, ValueError) as error:
        log.warning("hand-over note cannot be read", error=type(error).__name__)
        return ReadNote()
    finally:
        client.close()
    return note


def _read_line(line: bytes, note: ReadNote) -> None:
    """Add a line to the note. It replaces what earlier lines say about the message."""
    if line.startswith(b"+"):
        name, _, part = line[1:].partition(b" ")
        if part:
            doubtful = dict.fromkeys(json.loads(part), int(EventKind.IN_DOUBT))
            note.in_parts.setdefault(int(name), {}).update(doubtful)
        else:
            note.whole[int(name)] = int(EventKind.IN_DOUBT)
        return
    name, _, answer = line.partition(b":")
    if not answer.startswith(b"{"):
        note.whole[int(name)] = int(answer)
        return
    note.whole.pop(int(name), None)
    for kind, recipients in json.loads(answer).items():
        note.in_parts.setdefault(int(name), {}).update(dict.fromkeys(recipients, int(kind)))
