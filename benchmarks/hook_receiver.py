"""Run a receiver of webhooks that answers 204 at once, and counts the events that it got.

`python -m benchmarks.hook_receiver` prints its port. A GET is answered with the number of events so far.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

ID: Final = b'"x_message_id":', b'"sg_event_id":'
"""A field that each event has once, in each of the dialects."""


class Receiver:
    """Count the events of all requests."""

    def __init__(self) -> None:
        self.events = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection."""
        while head := await read_head(reader):
            body = await reader.readexactly(length_of(head))
            self.events += sum(body.count(id) for id in ID)
            text = str(self.events).encode() if head.startswith(b"GET") else b""
            status = b"200 OK" if text else b"204 No Content"
            size = b"Content-Length: %d\r\n" % len(text) if text else b""
            writer.write(b"HTTP/1.1 %b\r\n%b\r\n%b" % (status, size, text))
        writer.close()

    async def run(self) -> None:
        """Serve on a port of this machine until the process is ended."""
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, limit=2**20)
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()


def length_of(head: bytes) -> int:
    """Return the length of the body that follows a head."""
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(lengths[0].partition(b":")[2]) if lengths else 0


async def read_head(reader: asyncio.StreamReader) -> bytes:
    """Return the head of the next request; nothing at the end of the connection."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


if __name__ == "__main__":
    asyncio.run(Receiver().run())
