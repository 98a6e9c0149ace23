"""The SMTP peer of a benchmark: it takes everything and counts. In C where there is a compiler, else in Python."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.processes import die_with_parent
from stack.say import say
from stack.waiting import undisturbed, wait_until

SOURCE = Path(__file__).with_name("sink.c")


class Sink:
    """A running one, as its reader sees it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._connection = socket.create_connection(("127.0.0.1", port))
        self._lines = self._connection.makefile("rb")
        self._lines.readline()

    @property
    def url(self) -> str:
        """Its SMTP_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def count(self) -> int:
        """Messages whose final dot it has read."""
        self._connection.sendall(b"STAT\r\n")
        return int(self._lines.readline().split()[1])

    def close(self) -> None:
        self._lines.close()
        self._connection.close()


@contextmanager
def running_sink(folder: Path) -> Iterator[Sink]:
    """A process of its own; `folder` takes what it needs."""
    port_file = folder / "sink-port"
    with undisturbed():
        process = subprocess.Popen([*command(folder), str(port_file)], preexec_fn=die_with_parent(signal.SIGTERM))
    try:
        wait_until(lambda: port_file.exists() and port_file.read_text().strip(), seconds=20, what="the sink")
        sink = Sink(int(port_file.read_text()))
        try:
            yield sink
        finally:
            sink.close()
    finally:
        process.kill()
        process.wait(10)


def command(folder: Path) -> list[str]:
    """How to start it."""
    if shutil.which("cc"):
        program = folder / "sink"
        subprocess.run(["cc", "-O2", "-o", str(program), str(SOURCE)], check=True)
        return [str(program)]
    say("There is no C compiler (cc): the sink is in Python, and may be what is slow.")
    return [sys.executable, "-m", "benchmarks.sink"]


async def serve(port_file: Path) -> None:
    """The same in Python."""
    count = 0

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n")
            elif verb == b"STAT":
                writer.write(b"250 %d\r\n" % count)
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                count += 1
                writer.write(b"250 taken\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()

    server = await asyncio.start_server(session, "127.0.0.1", 0, limit=2**24)
    port_file.write_text(f"{server.sockets[0].getsockname()[1]}\n")
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
