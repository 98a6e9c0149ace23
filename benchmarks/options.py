"""List the cases and the arguments of `./sluice bench`, in a module that the bare system Python can import, too."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

from stack.parsers import count

DESCRIPTION = """Measure one case after the other: Sluice beside its peers and its ceilings, on this machine. The exit
code is 0 unless a case is not sound: mail was lost or sent twice, or a stop was not exact. A missed target is only
reported."""


class Case(NamedTuple):
    function: str
    """The function's name as `module.name` below benchmarks.cases; it maps a Setting to a Measured."""
    summary: str


CASES = {
    "drain": Case("waves.drain", "delivery from send_at to the sink: 20,000 messages, up to 100,000 by Sluice alone"),
    "accept": Case("waves.accept", "scheduling of these messages, by Sluice in requests of 1,000"),
    "lateness": Case("waves.lateness", "the delay of the messages of a wave of 20,000"),
    "accept-one": Case("single.measure", "scheduling in requests of one message"),
    "control": Case("control.measure", "pause, resume, cancel of 1,000 to 1,000,000 waiting messages"),
    "stop": Case("stops.measure", "stops of a batch of 1,000,000 messages while two workers deliver it"),
    "busy-web": Case("busy.measure", "pauses while 40 clients of another account keep the web server busy"),
    "slow-sink": Case("slow.slow_sink", "a peer that takes 20 ms for each reply"),
    "workers": Case("slow.workers", "1, 2 and 4 worker processes against that peer"),
    "claim": Case("claim.measure", "waves of 20,000 beside 10,000,000 waiting messages"),
    "memory": Case("space.memory", "memory of workers and Redis with 1,000,000 scheduled messages"),
    "events": Case("events.measure", "storing the events of 300,000 sent messages, packed and in a row each"),
    "webhook": Case("webhook.measure", "delivering the events of 200,000 sent messages to a local receiver"),
    "storage": Case("space.storage", "bytes per message in PostgreSQL, scheduled and delivered"),
    "campaign": Case("campaign.measure", "a campaign to 1,000,000 contacts, and its cancel in flight"),
    "statistics": Case("statistics.measure", "the statistics and engagements of a campaign to 1,000,000 contacts"),
    "templates": Case("templates.measure", "compiling, rendering and sending of a receipt of 16 KB"),
    "tracking": Case("tracking.measure", "mail with six links, and the same with clicks and opens tracked"),
    "watched": Case("watched.measure", "waves with an active webhook, tracked clicks, both, and a dead receiver"),
    "console": Case("console.measure", "the console's pages beside 10,000,000 waiting messages, and what they cost"),
    "trickle": Case("trickle.measure", "single mails beside a bulk wave of 200,000"),
}
OWN_ARGUMENTS = "stop"
"""The case that has arguments."""


def parser() -> argparse.ArgumentParser:
    cases = "; ".join(f"{name}: {case.summary}" for name, case in CASES.items())
    parser = argparse.ArgumentParser(
        prog="sluice bench",
        description=DESCRIPTION,
        epilog=f"{cases}. Further arguments are passed to the case {OWN_ARGUMENTS} (--rounds 5).",
        allow_abbrev=False,
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, one round, no peers: a check of the cases")
    parser.add_argument("--case", choices=CASES, help="run only this case")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="also draw the result")
    parser.add_argument("--contest-rounds", type=count, default=3, help="rounds of comparisons with others (default 3)")
    return parser
