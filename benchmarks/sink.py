"""Run the SMTP peer of a benchmark, which takes all mail, and records when each message arrived and for whom.

It is in C where there is a compiler, and in Python otherwise. Its records are in a file that the sink and its reader
both map; sink.c describes it.
"""

from __future__ import annotations

import asyncio
import mmap
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.processes import die_with_parent
from stack.say import say
from stack.waiting import undisturbed, wait_until

SOURCE = Path(__file__).with_name("sink.c")
HEAD, TAKEN = struct.Struct("=q8x"), struct.Struct("=dq")
REMEMBERED = 16_000_000
"""The number of messages that are recorded; further ones are only counted. Unwritten parts of the file are holes."""


class Sink:
    """A running sink, as its reader uses it. Counts and arrivals start at the last `forget()`."""

    def __init__(self, port: int, pid: int, kind: str, record: mmap.mmap) -> None:
        self.port, self.pid, self.kind = port, pid, kind
        """`kind` is "C" or "Python"."""
        self._record = record
        self._forgotten = 0

    @property
    def url(self) -> str:
        """Return its SMTP_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def count(self) -> int:
        """Return the number of messages whose final dot the sink has read."""
        return self._taken() - self._forgotten

    def arrivals(self) -> list[tuple[float, int]]:
        """Return the arrivals in their order: seconds since 1970, and the number N of the recipient rN@… or -1."""
        first, end = (HEAD.size + number * TAKEN.size for number in (self._forgotten, self._taken()))
        return list(TAKEN.iter_unpack(self._record[first : min(end, len(self._record))]))

    def forget(self) -> None:
        """Start from nothing."""
        self._forgotten = self._taken()

    def _taken(self) -> int:
        return int(HEAD.unpack_from(self._record)[0])


@contextmanager
def running_sink(folder: Path, *, delay_ms: float = 0) -> Iterator[Sink]:
    """Run a sink in another process, with its files in `folder`; `delay_ms` pass before each batch of replies."""
    port_file, record_file = folder / "sink-port", folder / "sink-record"
    port_file.unlink(missing_ok=True)
    kind, program = command(folder)
    with mapped(record_file, size=HEAD.size + REMEMBERED * TAKEN.size) as record:
        with undisturbed():
            process = subprocess.Popen(
                [*program, str(port_file), str(record_file), str(delay_ms)],
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        try:
            wait_until(lambda: port_file.exists() and port_file.read_text().strip(), seconds=20, what="the sink")
            yield Sink(int(port_file.read_text()), process.pid, kind, record)
        finally:
            process.kill()
            process.wait(10)


@contextmanager
def mapped(path: Path, *, size: int | None = None) -> Iterator[mmap.mmap]:
    """Map the file into memory, shared; with a `size` it is created again and empty."""
    with path.open("r+b" if size is None else "w+b") as file:
        if size is not None:
            file.truncate(size)
        with mmap.mmap(file.fileno(), 0) as memory:
            yield memory


def command(folder: Path) -> tuple[str, list[str]]:
    """Return its kind, and the command that starts it."""
    if shutil.which("cc"):
        program = folder / "sink"
        built = subprocess.run(["cc", "-O2", "-o", str(program), str(SOURCE)], capture_output=True)
        if built.returncode == 0:
            return "C", [str(program)]
    say("The sink cannot be compiled (cc). It runs in Python, and may be the bottleneck.")
    return "Python", [sys.executable, "-m", "benchmarks.sink"]


class Session(asyncio.Protocol):
    """One connection of the sink in Python."""

    def __init__(self, record: mmap.mmap, delay: float) -> None:
        self.record, self.delay = record, delay
        self.rest = b""
        self.in_data = False
        self.number: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.reply(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        have, replies = self.rest + data, []
        while have:
            head, mark, tail = have.partition(b"\r\n.\r\n" if self.in_data else b"\r\n")
            if not mark:
                break
            replies.append(self.take() if self.in_data else self.answer(head))
            # The line end of DATA may begin the final dot.
            have = b"\r\n" + tail if self.in_data else tail
        self.rest = have[-4:] if self.in_data else have
        if replies:
            self.reply(b"".join(replies))

    def reply(self, text: bytes) -> None:
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self.transport.write, text)
        else:
            self.transport.write(text)

    def answer(self, line: bytes) -> bytes:
        match line[:4].upper():
            case b"EHLO":
                return b"250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n"
            case b"MAIL":
                self.number = None
            case b"RCPT":
                self.number = number_of(line) if self.number is None else self.number
            case b"DATA":
                self.in_data = True
                return b"354 go on\r\n"
            case b"QUIT":
                return b"221 bye\r\n"
        return b"250 ok\r\n"

    def take(self) -> bytes:
        count = HEAD.unpack_from(self.record)[0]
        at = HEAD.size + count * TAKEN.size
        if at < len(self.record):
            TAKEN.pack_into(self.record, at, time.time(), -1 if self.number is None else self.number)
        HEAD.pack_into(self.record, 0, count + 1)
        self.in_data = False
        return b"250 taken\r\n"


def number_of(line: bytes) -> int:
    """Return N of `RCPT TO:<rN@…>`, or -1."""
    name = line.partition(b"<")[2].partition(b"@")[0].lstrip(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return int(name) if name.isdigit() else -1


async def serve(port_file: Path, record_file: Path, delay: float) -> None:
    """Serve until killed, with `delay` in seconds."""
    with mapped(record_file) as record:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Session(record, delay), "127.0.0.1", 0, backlog=4096)
        port_file.write_text(f"{server.sockets[0].getsockname()[1]}\n")
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]) / 1000))
