"""Measure single mails for now, one after the other, while a bulk wave of up to 200,000 is sent (case `trickle`).

Their lateness counts from before the request until the sink has the mail: the wait of somebody who has asked for a new
password.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.contest import alone
from benchmarks.measured import Figure, Growth, Measured, spread
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from benchmarks.sink import Sink
from benchmarks.sluice import Sluice, mail_body
from benchmarks.waves import wait_for, warm_up
from stack import StackError
from stack.say import say

BULK = 200_000
EVERY_SECONDS = 0.04
IDLE_SECONDS = 3
"""The length of the trickle without a wave beside it."""
FIRST_NUMBER = 1_000_000_000
"""The number of the first recipient of a single mail."""


def measure(setting: Setting) -> Measured:
    """Measure three sizes of the bulk wave, and no wave at all."""
    sizes = setting.sizes(BULK, quick=900)
    late: dict[int, list[float]] = {}
    seconds: dict[int, float] = {}
    with alone(setting) as (sluice, sink):
        per_second = warm_up(sluice, sink)
        for size in (0, *sizes):
            late[size], seconds[size] = beside(sluice, sink, size, per_second)
            say(f"  beside {size:,}: {len(late[size])} single messages, at most {max(late[size]) * 1000:.0f} ms")
    return Measured(
        [
            *(
                figure
                for size in late
                for figure in spread(f"beside {size:,}", (lateness * 1000 for lateness in late[size]))
            ),
            *(Figure(f"bulk wave of {size:,}, messages/s", {SLUICE: [size / seconds[size]]}, True) for size in sizes),
        ],
        [Growth("seconds of the bulk wave", sizes, [seconds[size] for size in sizes])],
    )


def beside(sluice: Sluice, sink: Sink, bulk: int, per_second: float) -> tuple[list[float], float]:
    """Return the seconds that each single mail took, and those of the bulk wave beside them (none: 0)."""
    sink.forget()
    send_at = float(int(time.time()) + 2 + 1.5 * bulk // per_second)
    if bulk:
        sluice.schedule(bulk, send_at)
    # It is sent at once when its scheduling took longer than expected.
    send_at = max(send_at, time.time())
    time.sleep(max(0, send_at - time.time() - 0.5))
    with trickling(sluice) as trickle:
        if bulk:
            while sink.count() - len(trickle.asked_at) < bulk and time.time() < send_at + 600:
                time.sleep(0.2)
        else:
            time.sleep(IDLE_SECONDS)
    wait_for(sink, bulk + len(trickle.asked_at), time.time())
    arrived = {number: at for at, number in sink.arrivals()}
    if len(arrived) != bulk + len(trickle.asked_at):
        raise StackError(f"{bulk + len(trickle.asked_at):,} messages were accepted, but {len(arrived):,} arrived")
    ended_at = max((at for number, at in arrived.items() if number < FIRST_NUMBER), default=send_at)
    # Only messages that were sent beside the wave.
    numbers = [number for number, at in trickle.asked_at.items() if not bulk or send_at <= at <= ended_at]
    return [arrived[number] - trickle.asked_at[number] for number in numbers], ended_at - send_at


@dataclass
class Trickle:
    asked_at: dict[int, float] = field(default_factory=dict)
    failure: Exception | None = None


@contextmanager
def trickling(sluice: Sluice) -> Iterator[Trickle]:
    """Send a single mail every 40 ms until the end of the block."""
    trickle, end = Trickle(), threading.Event()

    def post() -> None:
        caller = sluice.caller()
        try:
            number = FIRST_NUMBER
            while not end.wait(EVERY_SECONDS):
                at = time.time()
                caller.ask("POST", "/v3/mail/send", mail_body(number, number + 1))
                trickle.asked_at[number] = at
                number += 1
        except Exception as error:
            trickle.failure = error
        finally:
            caller.close()

    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    try:
        yield trickle
    finally:
        end.set()
        thread.join()
    if trickle.failure:
        raise trickle.failure
