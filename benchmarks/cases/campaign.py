"""Measure campaigns to up to a million contacts, from the launch to the cancel (case `campaign`).

Each size is first scheduled a little ahead, so that the expansion has the machine to itself, and unscheduled again; the
largest is repeated some rounds. Then the campaign is sent now. The figures are the time until the first message
arrives, the time for its statistics meanwhile, and the answer of a cancel in flight against the sink's count.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks import queries
from benchmarks.cases.space import memory_of
from benchmarks.contest import alone
from benchmarks.measured import Figure, Growth, Measured, spread
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from benchmarks.sink import Sink
from benchmarks.sluice import Sluice
from stack.say import say

LARGEST = 1_000_000
AHEAD_SECONDS = 110
"""The time until a campaign begins: less than the two minutes for its preparation, which takes less than this."""
LOOKS = 20
"""The number of requests for the statistics."""
WATCH_SECONDS = 1.0
"""The time for which the sink is watched after the cancel."""

HTML = "<p>Dear [%first_name | friend%],</p>" + "<p>there is news in our house, as every month.</p>" * 20
TAG = "<p><a href='[unsubscribe]'>No more of these</a></p>"


@dataclass(frozen=True, slots=True)
class Flight:
    """A campaign that was sent now and cancelled."""

    first_seconds: float
    looks_ms: list[float]
    cancel_ms: float
    is_settled: bool
    is_exact: bool


def measure(setting: Setting) -> Measured:
    sizes = setting.sizes(LARGEST, quick=900)
    seconds: list[list[float]] = []
    memory: list[float] = []
    with alone(setting) as (sluice, sink):
        worker = sluice.pids("audience") or sluice.pids("worker")
        for size in sizes:
            campaign_id = add_campaign(sluice, size)
            before = memory_of(worker)
            rounds = setting.rounds if size == sizes[-1] else 1
            seconds.append([expansion_seconds(sluice, campaign_id) for _ in range(rounds)])
            memory.append((memory_of(worker) - before) / 1e6)
            times = ", ".join(f"{duration:.2f}" for duration in seconds[-1])
            say(f"  {size:,} contacts: expanded in {times} s, the worker grew by {memory[-1]:.1f} MB")
        flight = fly(sluice, sink, campaign_id)
    return Measured(
        [
            Figure(
                f"{sizes[-1]:,}, contacts/s",
                {SLUICE: [sizes[-1] / duration for duration in seconds[-1]]},
                is_better_high=True,
            ),
            Figure("first message after, s", {SLUICE: [flight.first_seconds]}),
            *spread("statistics", flight.looks_ms),
            Figure("cancel in flight, ms", {SLUICE: [flight.cancel_ms]}),
            Figure(f"{sizes[-1]:,}, worker grew by, MB", {SLUICE: [memory[-1]]}),
        ],
        [Growth("expansion, s", sizes, [median(duration) for duration in seconds])],
        facts={"settled": flight.is_settled, "exact": flight.is_exact},
        is_sound=flight.is_settled and flight.is_exact,
    )


def add_campaign(sluice: Sluice, contacts: int) -> int:
    """Add a campaign to a number of new contacts on a new list, by SQL, and return its id."""
    say(f"Adding {contacts:,} contacts …")
    row = sluice.database.execute(queries.FILL_AUDIENCE, {"contacts": contacts, "name": str(contacts)}).fetchone()
    assert row is not None
    list_id, sender_id, group_id = row
    sluice.database.execute("analyze")
    content = {"html_content": HTML + TAG, "plain_content": "Dear [%first_name | friend%], news. [unsubscribe]"}
    body: dict[str, Any] = {
        "title": f"To {contacts:,}",
        "subject": "News for [%first_name | you%]",
        "sender_id": sender_id,
        "list_ids": [list_id],
        "suppression_group_id": group_id,
        **content,
    }
    return int(sluice.ask("POST", "/v3/campaigns", body)[1]["id"])


def expansion_seconds(sluice: Sluice, campaign_id: int) -> float:
    """Return the seconds from the launch to its last message, while nothing is sent."""
    seconds = expand_campaign(sluice, campaign_id)
    sluice.ask("DELETE", f"/v3/campaigns/{campaign_id}/schedules")
    return seconds


def expand_campaign(sluice: Sluice, campaign_id: int) -> float:
    """Schedule a campaign, and return the seconds from the launch to its last message, before anything is sent."""
    sluice.ask("POST", f"/v3/campaigns/{campaign_id}/schedules", {"send_at": int(time.time()) + AHEAD_SECONDS})
    sluice.stack.wait_until(
        lambda: sluice.number(queries.IS_LAUNCHED % campaign_id), seconds=30, what="the campaign's launch"
    )
    began_at = time.monotonic()
    sluice.stack.wait_until(
        lambda: sluice.number(queries.IS_EXPANDED % campaign_id), seconds=AHEAD_SECONDS, what="the expansion"
    )
    return time.monotonic() - began_at


def fly(sluice: Sluice, sink: Sink, campaign_id: int) -> Flight:
    """Send it now, look at its statistics, and delete it while it is sent."""
    path = f"/v3/campaigns/{campaign_id}"
    before = sink.count()
    began_at = time.monotonic()
    sluice.ask("POST", f"{path}/schedules/now")
    sluice.stack.wait_until(lambda: sink.count() > before, seconds=60, what="the first message")
    first_seconds = time.monotonic() - began_at
    caller = sluice.caller()
    uuid = sluice.database.execute(queries.UUID_OF_CAMPAIGN, [campaign_id]).fetchone()
    assert uuid is not None
    looks_ms = []
    for _ in range(LOOKS):
        asked_at = time.monotonic()
        caller.ask("GET", f"/v3/marketing/stats/singlesends/{uuid[0]}")
        looks_ms.append((time.monotonic() - asked_at) * 1000)
    asked_at = time.monotonic()
    headers, _ = caller.ask("DELETE", path)
    cancel_ms = (time.monotonic() - asked_at) * 1000
    arrived = sink.count() - before
    time.sleep(WATCH_SECONDS)
    later = sink.count() - before
    caller.close()
    sent, is_settled = int(headers["X-Sluice-Sent"]), headers["X-Sluice-Settled"] == "true"
    counts = json.dumps({"sent": sent, "taken": arrived, "later": later})
    say(f"  first message after {first_seconds:.2f} s; cancel in {cancel_ms:.0f} ms: {counts}")
    return Flight(first_seconds, looks_ms, cancel_ms, is_settled, sent == arrived == later)
