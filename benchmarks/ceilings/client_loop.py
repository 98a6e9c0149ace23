"""Run the bare client: Sluice's SMTP transport with prepared messages and a gate that is always open.

There is no database, no note and no composing; two processes run, as in a small fleet.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import BrokenBarrierError
from time import monotonic

from benchmarks.mail import HTML, SENDER, SUBJECT, TEXT, fill, recipient
from benchmarks.sink import Sink
from mailer.transports.base import Begun, Envelope, Result, Sent, Signal
from mailer.transports.smtp import SmtpAddress, SmtpTransport
from stack import StackError

PROCESSES = 2
CONNECTIONS = 20
"""The connections of each process: the default of SMTP_CONNECTIONS."""
SLICE = 500
PATIENCE_SECONDS = 60.0
TIMES = 3
"""The number of times that each message is sent, so that it lasts a second."""


class OpenGate:
    """A guard that allows everything and stores nothing."""

    def may_begin(self) -> bool:
        return True

    def note_begun(self, *begun: Begun) -> bool:
        return True

    def note_result(self, result: Result) -> None:
        pass

    def poll(self) -> Signal:
        return Signal.GO_ON

    def wakeup_fileno(self) -> int | None:
        return None


def measure(folder: Path, sink: Sink, messages: int) -> float:
    """Return messages per second of all processes together."""
    return messages_per_second(sink, messages, processes=PROCESSES)


def messages_per_second(sink: Sink, messages: int, *, processes: int, html: str = HTML) -> float:
    """Return the messages a second from the moment when all processes are ready to the last answer of the last one.

    `html` is the HTML of the messages. Raises StackError when one of the processes fails.
    """
    context = get_context("spawn")
    barrier = context.Barrier(processes + 1)
    shares = [range(first, messages, processes) for first in range(processes)]
    children = [
        context.Process(target=send_share, args=(sink.url, share, html, barrier), daemon=True) for share in shares
    ]
    for child in children:
        child.start()
    try:
        barrier.wait(PATIENCE_SECONDS)
        began_at = monotonic()
        barrier.wait(PATIENCE_SECONDS)
        seconds = monotonic() - began_at
    except BrokenBarrierError:
        raise StackError("a process of the bare client failed; its error is above") from None
    finally:
        for child in children:
            child.join(1)
            child.kill()
            child.join()
    return messages * TIMES / seconds


def send_share(url: str, numbers: range, html: str, barrier: Barrier) -> None:
    """Make the messages, wait for the other processes, and send. Breaks the barrier on failure."""
    try:
        slices = list(make_slices(numbers, html))
        transport = SmtpTransport(SmtpAddress.parse(url), connections=CONNECTIONS, timeout_seconds=PATIENCE_SECONDS)
        barrier.wait(PATIENCE_SECONDS)
        for _ in range(TIMES):
            for envelopes in slices:
                results = transport.send_slice(envelopes, OpenGate())
                assert all(isinstance(result.outcomes[0], Sent) for result in results)
        barrier.wait(PATIENCE_SECONDS)
        transport.close()
    except BaseException:
        barrier.abort()
        raise


def make_slices(numbers: range, html: str = HTML) -> Iterator[list[Envelope]]:
    template = make_mime(html)
    for first in range(0, len(numbers), SLICE):
        yield [
            Envelope(n, SENDER, (recipient(n),), fill(template, n).replace("-to-", recipient(n)).encode())
            for n in numbers[first : first + SLICE]
        ]


def make_mime(html: str) -> str:
    """Return the mail of the benchmarks with this HTML, its placeholders, and -to-."""
    message = EmailMessage(SMTP)
    message["From"], message["To"], message["Subject"] = SENDER, "-to-", SUBJECT
    message["Message-ID"] = "<-n-@bench.example>"
    message.set_content(TEXT)
    message.add_alternative(html, subtype="html")
    return message.as_bytes().decode("ascii")
