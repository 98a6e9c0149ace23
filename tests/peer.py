"""Run a real SMTP server for tests that keeps a ledger: every message with its time, recipient and Message-ID."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass
from types import TracebackType

from chaos.serving import end_tasks, stop_accepting

MESSAGE_ID = re.compile(rb"^Message-ID: <([^>]*)>", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Taken:
    """One message for one recipient, as the peer took it."""

    recipient: str
    message_id: str
    at: float
    data: bytes


class CountingPeer:
    """A peer that takes mail on a loopback port, in a thread.

    `delay` seconds pass before each final reply. `replies` maps a recipient to the reply to its RCPT or, with the key
    `.`, to the reply after the final dot. While `hold` is set no reply follows the dot (`unanswered` counts these
    messages), and while `holds` is set no reply is sent to mail for recipients that begin with it. With `hold_after`,
    `hold` takes effect on a connection after that many replies; `hold_at` is "DOT" or "MAIL", the stage at which it
    waits; `held` counts the waiting connections.
    """

    def __init__(self, *, delay: float = 0.0) -> None:
        self.delay = delay
        self.replies: dict[str, str] = {}
        self.hold = False
        self.holds: str | None = None
        self.hold_after: int | None = None
        self.hold_at = "DOT"
        self.held = 0
        self.ledger: list[Taken] = []
        self.unanswered = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = threading.Event()

    @property
    def url(self) -> str:
        """Return the value of SMTP_URL for this peer."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def recipients(self) -> list[str]:
        """Return the recipients of all mail, in order of arrival."""
        return [taken.recipient for taken in self.ledger]

    @property
    def doubled(self) -> list[str]:
        """Return the Message-IDs that one recipient got more than once."""
        times = Counter((taken.message_id, taken.recipient) for taken in self.ledger)
        return [message_id for (message_id, _), count in times.items() if count > 1]

    def __enter__(self) -> CountingPeer:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Take no more mail: refuse new connections."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=2**26, backlog=200)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        await stop_accepting(server)
        await end_tasks()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._session(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            # Closing it would wait for a client that no longer reads.
            writer.transport.abort()
        finally:
            writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 peer\r\n")
        recipients: list[str] = []
        taken = 0
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == self.hold_at.encode() == b"MAIL":
                await self._wait(taken)
            if verb == b"EHLO":
                writer.write(b"250-peer\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
            elif verb == b"MAIL" or verb == b"RSET":
                recipients = []
                writer.write(b"250 ok\r\n")
            elif verb == b"RCPT":
                address = line.split(b"<", 1)[1].split(b">", 1)[0].decode()
                reply = self.replies.get(address, "250 ok")
                if reply.startswith("2"):
                    recipients.append(address)
                writer.write(f"{reply}\r\n".encode())
            elif verb == b"DATA":
                taken += await self._take(reader, writer, recipients, taken)
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250 ok\r\n")

    def _holds(self, recipients: list[str]) -> bool:
        return self.holds is not None and any(address.startswith(self.holds) for address in recipients)

    def _is_held(self, taken: int) -> bool:
        return (self.hold or (self.hold_after is not None and taken >= self.hold_after)) and not self._stop.is_set()

    async def _wait(self, taken: int) -> None:
        if self._is_held(taken):
            self.held += 1
            while self._is_held(taken):
                await asyncio.sleep(0.01)
            self.held -= 1

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, recipients: list[str], taken: int
    ) -> bool:
        """Take one message and return True; refuse it and return False without recipients."""
        if not recipients:
            writer.write(b"554 no recipients\r\n")
            return False
        writer.write(b"354 go on\r\n")
        data = await reader.readuntil(b"\r\n.\r\n")
        self.unanswered += 1
        while self._holds(recipients) and not self._stop.is_set():
            await asyncio.sleep(0.01)
        if self.hold_at == "DOT":
            await self._wait(taken)
        if self.delay:
            await asyncio.sleep(self.delay)
        reply = self.replies.get(".", "250 taken")
        if reply.startswith("2"):
            match = MESSAGE_ID.search(data)
            now = time.monotonic()
            self.ledger += [
                Taken(address, match.group(1).decode() if match else "", now, data) for address in recipients
            ]
        writer.write(f"{reply}\r\n".encode())
        self.unanswered -= 1
        return True
