"""Run a server on a loopback port, in a thread, that can be closed and opened again on the same port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self


class LoopbackServer:
    """A server whose subclasses define in `_open` and `_close` what it serves."""

    def __init__(self) -> None:
        self.port = 0
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.open()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()
        self._run(end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def open(self) -> None:
        """Take connections."""
        self._run(self._open())

    def close(self) -> None:
        """Refuse connections and break open ones."""
        self._run(self._close())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _open(self) -> None:
        raise NotImplementedError

    async def _close(self) -> None:
        raise NotImplementedError


class SessionServer(LoopbackServer):
    """A server whose subclasses define in `_session` what happens on a connection."""

    def __init__(self) -> None:
        super().__init__()
        self._sessions: set[asyncio.Task[None]] = set()

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._accept, "127.0.0.1", self.port, limit=2**24, backlog=200, reuse_address=True
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await stop_accepting(server)
        sessions = list(self._sessions)
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._session(reader, writer)
        self._sessions.discard(task)
        writer.transport.abort()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


async def stop_accepting(server: asyncio.Server) -> None:
    """Close it. A connection that it has just accepted has its session by then, to be ended like any other."""
    for listener in server.sockets:
        asyncio.get_running_loop().remove_reader(listener)
    # In the first round accepted connections get a transport, since otherwise a closed server would leave their sockets
    # open; in the second its protocol is notified; in the third its session begins.
    for _ in range(3):
        await asyncio.sleep(0)
    server.close()


async def end_tasks() -> None:
    """End all other tasks of a server's loop, and with them their connections."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in others:
            task.cancel()
        await asyncio.wait(others)
