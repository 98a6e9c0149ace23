"""Run a TCP proxy in front of a server, which can be slow or a black hole.

In a black hole connections stay open, or are accepted, and no data is forwarded.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chaos.serving import LoopbackServer, stop_accepting

CHUNK_BYTES = 65536
Target = Path | int
"""A unix socket or a port of this machine."""


@dataclass(frozen=True, slots=True)
class Link:
    """The delay of each piece of data, in both directions."""

    seconds: float = 0.0
    bytes_per_second: float = float("inf")

    def delay_of(self, size: int) -> float:
        """Return how long a piece of this many bytes is under way."""
        return self.seconds + size / self.bytes_per_second


FAST = Link()


class Door(LoopbackServer):
    """A proxy on a fixed loopback port that forwards to `target`, in a thread."""

    def __init__(self, target: Target = 0) -> None:
        super().__init__()
        self.target = target
        self.link = FAST
        self.delayed = 0
        """The number of pieces of data that a slow link delayed."""
        self.held = 0
        """The number of pieces of data and connections that the black hole swallowed."""
        self._is_passable = asyncio.Event()
        self._is_passable.set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def place(self) -> str:
        """Return host and port for a URL that leads through this proxy."""
        return f"127.0.0.1:{self.port}"

    def swallow(self) -> None:
        """Let nothing pass, without any sign to the connections."""
        self._loop.call_soon_threadsafe(self._is_passable.clear)

    def pass_on(self) -> None:
        """Let everything through again, also the data that was held back."""
        self._loop.call_soon_threadsafe(self._is_passable.set)

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._accept, "127.0.0.1", self.port, backlog=200, reuse_address=True
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await stop_accepting(server)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(OSError, asyncio.CancelledError):
            await self._pass()
            their_reader, their_writer = await self._reach_target()
            try:
                both = [self._pump(reader, their_writer), self._pump(their_reader, writer)]
                pumps = [asyncio.ensure_future(direction) for direction in both]
                try:
                    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for pump in pumps:
                        pump.cancel()
                    await asyncio.gather(*pumps, return_exceptions=True)
            finally:
                # The connections are not aborted: their last bytes must still be delivered, as they would be after a
                # kill -9.
                their_writer.close()
        self._tasks.discard(task)
        writer.close()

    async def _reach_target(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, Path):
            return await asyncio.open_unix_connection(str(self.target))
        return await asyncio.open_connection("127.0.0.1", self.target)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if self.link is not FAST:
                self.delayed += 1
                await asyncio.sleep(self.link.delay_of(len(data)))
            await self._pass()
            writer.write(data)
            await writer.drain()

    async def _pass(self) -> None:
        self.held += not self._is_passable.is_set()
        await self._is_passable.wait()
