"""Run a peer with Postfix's limits that counts the copies of each recipient."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

TAKEN = b"250 2.0.0 taken\r\n"


@dataclass
class StrictPeer:
    """A peer that limits errors and recipients, greylists some addresses and refuses others.

    It closes a session after `errors` errors, accepts `room` recipients per transaction and complains about more.
    """

    errors: int = 20
    room: int = 1000
    counts_excess: bool = False
    """Whether a recipient beyond the limit counts as an error, too."""
    greylisted: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    copies: Counter[str] = field(default_factory=Counter)
    """Copies by recipient."""
    transactions: list[int] = field(default_factory=list)
    """The number of recipients of each transaction."""
    sessions: int = 0

    @contextmanager
    def running(self) -> Iterator[str]:
        """Run the peer, and yield its URL."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=self._accept, args=(listener,), daemon=True)
            thread.start()
            yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)

    def judge(self, address: str, recipients: list[str]) -> tuple[bytes, bool]:
        """Return the answer to a RCPT, and whether it counts as an error."""
        if address in self.greylisted:
            return b"451 4.7.1 Greylisted\r\n", True
        if address in self.refused:
            return b"550 5.1.1 nobody\r\n", True
        if len(recipients) >= self.room:
            return b"452 4.5.3 Error: too many recipients\r\n", self.counts_excess
        return b"250 2.1.5 Ok\r\n", False

    def judge_body(self) -> bytes:
        """Return the answer to the final dot; empty: it takes the message and the line is lost."""
        return TAKEN

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                line, _ = listener.accept()
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.sessions += 1
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line, line.makefile("rb") as commands, suppress(OSError):
            line.sendall(b"220 strict\r\n")
            errors, recipients = 0, list[str]()
            for command in commands:
                if errors >= self.errors:
                    line.sendall(b"421 4.7.0 Error: too many errors\r\n")
                    return
                verb = command[:4].upper()
                reply = b"250 2.1.0 Ok\r\n"
                if verb == b"EHLO":
                    reply = b"250-strict\r\n250 PIPELINING\r\n"
                elif verb == b"MAIL" or verb == b"RSET":
                    recipients = []
                elif verb == b"RCPT":
                    (address,) = re.findall(r"<(.*)>", command.decode())
                    reply, is_error = self.judge(address, recipients)
                    errors += is_error
                    if reply.startswith(b"2"):
                        recipients.append(address)
                elif verb == b"DATA" and not recipients:
                    reply, errors = b"554 5.5.1 Error: no valid recipients\r\n", errors + 1
                elif verb == b"DATA":
                    line.sendall(b"354 go on\r\n")
                    reply, errors = self._take(commands, recipients), 0
                    recipients = []
                if not reply:
                    return
                line.sendall(reply)

    def _take(self, commands: Iterator[bytes], recipients: list[str]) -> bytes:
        for text in commands:
            if text == b".\r\n":
                break
        else:
            return b""
        reply = self.judge_body()
        if not reply or reply.startswith(b"2"):
            self.copies.update(recipients)
            self.transactions.append(len(recipients))
        return reply
