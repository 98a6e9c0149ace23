"""Draw the order of faults by the seed: every fault once in each round, sometimes two at a time."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from itertools import chain

from chaos.fault import Fault
from chaos.faults import FAULTS
from chaos.site import Site


def break_things(site: Site, rng: random.Random, *, until: float, faults: list[Fault] = FAULTS) -> Counter[str]:
    """Inject one fault after the other, heal each, and return how often each was injected.

    It ends when the time is over and each fault was injected once.
    """
    counts: Counter[str] = Counter()
    order: Iterator[Fault] = endless_rounds(rng, faults)
    while time.monotonic() < until or len(counts) < len(faults):
        time.sleep(rng.uniform(*site.scale.pause_seconds))
        chosen_faults = [next(order)]
        if rng.random() < site.scale.overlap_share:
            second = next(order)
            if second.target == chosen_faults[0].target:
                order = chain([second], order)
            else:
                chosen_faults.append(second)
        with site.window(" + ".join(fault.name for fault in chosen_faults)):
            inject(site, rng, chosen_faults)
        counts.update(fault.name for fault in chosen_faults)
        site.check()
    return counts


def endless_rounds(rng: random.Random, faults: list[Fault]) -> Iterator[Fault]:
    while True:
        yield from rng.sample(faults, len(faults))


def is_of_engine(fault: Fault) -> bool:
    """Return whether a fault breaks Redis or PostgreSQL."""
    return fault.target in {"redis", "postgresql"}


def inject(site: Site, rng: random.Random, faults: list[Fault]) -> None:
    """Break all of them, engines last, wait, then heal them, engines first: programs cannot start without them."""
    running = []
    for fault in sorted(faults, key=is_of_engine):
        site.say(fault.name)
        steps = fault.steps(site)
        next(steps)
        running.append((fault, steps))
    time.sleep(max(rng.uniform(*fault.seconds) for fault in faults))
    for fault, steps in sorted(running, key=lambda each: not is_of_engine(each[0])):
        next(steps, None)
        if fault.seconds[1] > 1:
            site.say(f"{fault.name}: healed")
