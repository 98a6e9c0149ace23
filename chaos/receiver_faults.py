"""Define the faults of webhooks: receivers that fail in every way, and the death of the worker that delivers events.

When a receiver works again, an operator enables its endpoint, so that what failed is tried at once and not minutes
later.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator

from chaos.endpoints import LANES, await_felt, enable_again, is_failing
from chaos.fault import Fault, Steps
from chaos.receiver import ENDPOINTS, REDIRECTED, WELL, Manner
from chaos.scale import EVENTS_WORKER
from chaos.site import Site

TARGET = "receiver"
BUSY = (429, 503)
HOUR = 3_600
SLOW_SECONDS = 4.0


def in_a_manner(manner: Manner) -> Steps:
    """Let the receiver answer in this manner until that was felt at least once."""

    def change(site: Site) -> Iterator[None]:
        before = site.receiver.ill_treated
        site.receiver.manner = manner
        yield
        await_felt(site, lambda: site.receiver.ill_treated > before, "the receiver misbehaves")
        site.receiver.manner = WELL
        enable_again(site)

    return change


def ask_to_wait(site: Site) -> Iterator[None]:
    """Answer 429 or 503 with a long Retry-After: each lane makes no second attempt."""
    before, ill_treated = len(site.receiver.bodies), site.receiver.ill_treated
    site.receiver.manner = Manner(site.rng.choice(BUSY), {"Retry-After": str(HOUR)})
    yield
    await_felt(site, lambda: site.receiver.ill_treated > ill_treated, "the receiver asks to wait")
    refused = Counter(body.endpoint for body in site.receiver.bodies[before:] if not body.is_accepted)
    if refused and max(refused.values()) > LANES:
        site.breach(f"Retry-After was not obeyed: {LANES} lanes made {dict(refused)} attempts")
    site.receiver.manner = WELL
    enable_again(site)


def hang(site: Site) -> Iterator[None]:
    """Answer nothing until the sender gives up; then the receiver is started again."""
    before = site.receiver.given_up
    site.receiver.manner = Manner(hangs=True)
    yield
    await_felt(site, lambda: site.receiver.given_up > before, "the sender gives up")
    site.receiver.close()
    site.receiver.manner = WELL
    site.receiver.open()
    enable_again(site)


def close_receiver(site: Site) -> Iterator[None]:
    """Kill the receiver: connections are refused until it is started again."""
    site.receiver.close()
    yield
    await_felt(site, lambda: is_failing(site), "the receiver is away")
    site.receiver.open()
    enable_again(site)


def kill_events_worker(site: Site) -> Iterator[None]:
    """Kill the worker that delivers events while a receiver has a body and has not answered.

    Its lanes wait for their lease, so only one of the endpoints is answered late.
    """
    site.receiver.manner = Manner(seconds=2 * SLOW_SECONDS, endpoints=(site.rng.choice(ENDPOINTS),))
    await_felt(site, lambda: site.receiver.waiting, "a delivery is under way")
    os.killpg(site.child(EVENTS_WORKER).process.pid, signal.SIGKILL)
    site.receiver.manner = WELL
    yield
    site.restart(EVENTS_WORKER)


RECEIVER_FAULTS = [
    Fault("receiver answers 500", TARGET, (2.0, 7.0), in_a_manner(Manner(500))),
    Fault("receiver asks to wait", TARGET, (3.0, 7.0), ask_to_wait),
    Fault("receiver slow", TARGET, (3.0, 8.0), in_a_manner(Manner(seconds=SLOW_SECONDS))),
    Fault("receiver hangs", TARGET, (3.0, 8.0), hang),
    Fault("receiver redirects", TARGET, (1.0, 5.0), in_a_manner(Manner(307, {"Location": REDIRECTED}))),
    Fault("receiver resets in its answer", TARGET, (1.0, 5.0), in_a_manner(Manner(cuts=True))),
    Fault("receiver gone (410)", TARGET, (1.0, 5.0), in_a_manner(Manner(410))),
    Fault("receiver away", TARGET, (2.0, 6.0), close_receiver),
    Fault("events worker killed", TARGET, (1.0, 5.0), kill_events_worker),
]
