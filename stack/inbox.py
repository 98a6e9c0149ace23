"""Run the local inbox: an SMTP server on a free loopback port that writes mail into a Maildir.

It is started by `python -m stack.inbox --port-file FILE --maildir DIR [--delay SECONDS]`. A number in the file `delay`
beside the Maildir sets the seconds before each later reply to a message, to watch a stop with a slow peer. A message is
stored just before its 250, so a client that disconnects meanwhile has delivered nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import time
from email.utils import formatdate
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

SIZE_LIMIT = 64 * 1024 * 1024
FOLDERS = ("tmp", "new", "cur")


class Inbox:
    """The handler of aiosmtpd for all connections."""

    def __init__(self, maildir: Path, delay: float) -> None:
        self.maildir = maildir
        self.delay = delay
        self.numbers = itertools.count(1)
        maildir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in FOLDERS:
            (maildir / name).mkdir(exist_ok=True)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        delay = read_delay(self.maildir, self.delay)
        if delay:
            await asyncio.sleep(delay)
        return f"250 2.0.0 Stored as {self.store(envelope)}"

    def store(self, envelope: Envelope) -> str:
        """Store a message as a mail server does, and return the name of its file.

        It is written to tmp/ and then renamed into new/.
        """
        name = f"{time.time():.6f}.P{os.getpid()}Q{next(self.numbers)}.sluice"
        draft = self.maildir / "tmp" / name
        assert isinstance(envelope.content, bytes), "aiosmtpd decodes nothing here"
        draft.write_bytes(trace_headers(envelope) + envelope.content.replace(b"\r\n", b"\n"))
        draft.rename(self.maildir / "new" / name)
        return name


def trace_headers(envelope: Envelope) -> bytes:
    """Return the headers that delivery adds: the envelope, which the message itself need not show."""
    lines = [
        f"Return-Path: <{envelope.mail_from or ''}>",
        f"X-Envelope-To: {', '.join(envelope.rcpt_tos)}",
        f"Received: by the local inbox of Sluice; {formatdate()}",
    ]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def read_delay(maildir: Path, otherwise: float) -> float:
    try:
        return float(delay_file(maildir).read_text())
    except (OSError, ValueError):
        return otherwise


def delay_file(maildir: Path) -> Path:
    return maildir.with_name("delay")


async def serve(inbox: Inbox, port_file: Path) -> None:
    """Listen, write the port to its file, and serve until killed."""

    # Without this name, aiosmtpd would look up the name of the machine in DNS at every connection.
    def connection() -> SMTP:
        return SMTP(inbox, data_size_limit=SIZE_LIMIT, enable_SMTPUTF8=True, hostname="inbox.sluice.localhost")

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    draft = port_file.with_name(port_file.name + ".new")
    draft.write_text(str(server.sockets[0].getsockname()[1]))
    draft.rename(port_file)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--maildir", type=Path, required=True)
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()
    asyncio.run(serve(Inbox(options.maildir, options.delay), options.port_file))


if __name__ == "__main__":
    main()
