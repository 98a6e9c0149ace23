"""Run the counting SMTP peer, which records every message that reaches it, and misbehaves in moods.

A message counts as arrived when its final dot was read, whatever the peer replies afterwards: that is the latest moment
at which the sender could not have known better. A message that gets a 4xx has not arrived.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import defaultdict
from dataclasses import dataclass

from chaos.serving import SessionServer

MESSAGE_ID = re.compile(rb"^Message-ID: <([^>]*)>", re.MULTILINE)
END = b"\r\n.\r\n"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message for one recipient."""

    recipient: str
    message_id: str
    at: float
    """The time on the monotonic clock of this process."""
    connection: int


@dataclass(frozen=True, slots=True)
class Mood:
    """The way in which the peer replies to the final dot."""

    seconds: tuple[float, float] = (0.0, 0.03)
    dropped_share: float = 0.0
    """The share of messages after whose final dot the connection is closed; half of these were taken."""
    storm_share: float = 0.0
    """The share of messages that get a 451."""


class Ledger(SessionServer):
    """The peer, on a fixed loopback port, in a thread."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.mood = Mood()
        self.arrivals: list[Arrival] = []
        self.ill_treated = 0
        """The number of messages whose connection was closed, or that were deferred or replied to a second late."""
        self._rng = rng
        self._connections = 0

    @property
    def url(self) -> str:
        """Return its SMTP_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def by_recipient(self) -> dict[str, list[Arrival]]:
        """Return all arrivals until now."""
        arrivals: dict[str, list[Arrival]] = defaultdict(list)
        for arrival in list(self.arrivals):
            arrivals[arrival.recipient].append(arrival)
        return arrivals

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        number = self._connections
        writer.write(b"220 ledger\r\n")
        recipient = ""
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-ledger\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
            elif verb == b"RCPT":
                recipient = line.split(b"<", 1)[1].split(b">", 1)[0].decode()
                writer.write(b"250 ok\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                if not await self._take(reader, writer, recipient, number):
                    return
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250 ok\r\n")

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, recipient: str, number: int
    ) -> bool:
        """Take one message; return False when the connection is closed instead of a reply."""
        data = await reader.readuntil(END)
        mood, fate = self.mood, self._rng.random()
        is_dropped = fate < mood.dropped_share
        is_stormy = not is_dropped and fate < mood.dropped_share + mood.storm_share
        if not is_stormy and not (is_dropped and fate < mood.dropped_share / 2):
            match = MESSAGE_ID.search(data)
            message_id = match.group(1).decode() if match else ""
            self.arrivals.append(Arrival(recipient, message_id, time.monotonic(), number))
        self.ill_treated += is_dropped or is_stormy or mood.seconds[0] >= 1
        if is_dropped:
            return False
        await asyncio.sleep(self._rng.uniform(*mood.seconds))
        writer.write(b"451 4.3.0 not now\r\n" if is_stormy else b"250 taken\r\n")
        return True
