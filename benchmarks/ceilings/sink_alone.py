"""Push prepared conversations to the sink alone, and discard its replies.

This breaks the rules of SMTP, since nothing waits for a 354. The sink takes no other client's mail faster.
"""

from __future__ import annotations

import selectors
import socket
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

from benchmarks.ceilings.client_loop import make_slices
from benchmarks.mail import SENDER
from benchmarks.sink import Sink
from stack import StackError

CONNECTIONS = 4
AT_ONCE = 256 * 1024
TIMES = 5
"""The number of times that each conversation is pushed through its connection."""
PATIENCE_SECONDS = 30.0
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Push:
    """One connection and the bytes still to be pushed through it."""

    def __init__(self, port: int, conversation: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.conversation = self.left = memoryview(conversation)
        self.times_left = TIMES - 1

    def go_on(self, events: int) -> bool:
        """Read and write as many bytes as possible. Return False once the sink has closed the connection.

        The sink closes it after it has read all bytes.
        """
        if events & WRITE:
            self.left = self.left[self.socket.send(self.left[:AT_ONCE]) :]
            if not self.left and self.times_left:
                self.left, self.times_left = self.conversation, self.times_left - 1
            elif not self.left:
                self.socket.shutdown(socket.SHUT_WR)
        return not events & READ or bool(self.socket.recv(AT_ONCE))


def measure(folder: Path, sink: Sink, messages: int) -> float:
    """Return messages per second, until the sink has closed every connection."""
    shares = [conversation(range(first, messages, CONNECTIONS)) for first in range(CONNECTIONS)]
    before = sink.count()
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for share in shares:
            push = Push(sink.port, share)
            stack.callback(push.socket.close)
            selector.register(push.socket, READ | WRITE, push)
        began_at = monotonic()
        while selector.get_map():
            drive(selector)
        seconds = monotonic() - began_at
    arrived = sink.count() - before
    if arrived != messages * TIMES:
        raise StackError(f"the sink has {arrived:,} of the {messages * TIMES:,} messages that were pushed to it")
    return arrived / seconds


def drive(selector: selectors.BaseSelector) -> None:
    """Serve every socket that is ready."""
    ready = selector.select(PATIENCE_SECONDS)
    if not ready:
        raise StackError(f"the sink made no progress for {PATIENCE_SECONDS:.0f} s")
    for key, events in ready:
        push: Push = key.data
        if not push.go_on(events):
            selector.unregister(push.socket)
        elif not push.left and key.events & WRITE:
            selector.modify(push.socket, READ, push)


def conversation(numbers: range) -> bytes:
    """Return all bytes of a client's session with these messages."""
    lines = [b"EHLO blind\r\n"]
    for envelopes in make_slices(numbers):
        for envelope in envelopes:
            commands = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{envelope.recipients[0]}>\r\nDATA\r\n"
            lines += [commands.encode(), envelope.data, b".\r\n"]
    return b"".join(lines)
