"""Forward connections between ports and unix sockets: `relay.py LISTEN=TARGET …`, each a port or a path.

It runs in a container as well, so it imports nothing but the standard library. The containers have an isolated network;
the sockets in a mounted folder lead out of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from functools import partial

CHUNK_BYTES = 65536
HOST = "127.0.0.1"


async def relay(target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one connection to the target until both sides have closed it."""
    try:
        if target.isdigit():
            far_reader, far_writer = await asyncio.open_connection(HOST, int(target))
        else:
            far_reader, far_writer = await asyncio.open_unix_connection(target)
    except OSError:
        writer.close()
        return
    await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction to its end."""
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def serve(pairs: list[str]) -> None:
    """Listen at the left side of each pair, for ever."""
    for pair in pairs:
        place, _, target = pair.partition("=")
        if place.isdigit():
            await asyncio.start_server(partial(relay, target), HOST, int(place))
        else:
            await asyncio.start_unix_server(partial(relay, target), place)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
