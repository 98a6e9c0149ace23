"""Measure the statistics of a campaign to a million contacts (case `statistics`).

The campaign is expanded by the product, and its delivery is written by SQL: the rows that delivering it leaves. Then
the engagements are recorded by the product, at full speed since no mail is under way, and the statistics are requested
over HTTP, in total, by day and as a page of Single Sends. They are requested again after a quarter of the contacts have
opened the campaign, and a twentieth have clicked in it; Sluice does not record these yet, so SQL writes them.
"""

from __future__ import annotations

import time
from typing import Final

from benchmarks import queries
from benchmarks.cases.campaign import add_campaign, expand_campaign
from benchmarks.contest import alone
from benchmarks.measured import Figure, Measured, spread
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from benchmarks.sluice import Sluice
from stack.say import say

LARGEST: Final = 1_000_000
LOOKS: Final = 100
"""The number of requests for each kind of statistics."""
REQUESTS: Final = {
    "total": "/v3/marketing/stats/singlesends/{uuid}",
    "by day": "/v3/marketing/stats/singlesends/{uuid}?aggregated_by=day&timezone=America/Chicago",
    "page": "/v3/marketing/stats/singlesends?page_size=50",
}


def measure(setting: Setting) -> Measured:
    contacts = setting.size(LARGEST, quick=1_000)
    with alone(setting) as (sluice, _):
        campaign_id = add_campaign(sluice, contacts)
        expand_campaign(sluice, campaign_id)
        seconds, cpu_seconds = engage(sluice, campaign_id)
        recorded = sluice.number(queries.COUNT_ENGAGED % campaign_id)
        say(f"  {recorded:,} engagements in {seconds:.1f} s, {cpu_seconds / contacts * 1e6:.1f} µs of PostgreSQL each")
        times = look_at_all(sluice, campaign_id, setting.count(LOOKS))
        sluice.database.execute(queries.FILL_RESPONSES, {"campaign": campaign_id})
        sluice.database.execute("vacuum analyze campaigns_engagement")
        opened = look_at_all(sluice, campaign_id, setting.count(LOOKS))
        times |= {f"{name}, opened by a quarter": milliseconds for name, milliseconds in opened.items()}
    return Measured(
        [
            Figure(f"{contacts:,}, engagements/s", {SLUICE: [contacts / seconds]}, is_better_high=True),
            Figure("PostgreSQL, µs/engagement", {SLUICE: [cpu_seconds / contacts * 1e6]}),
            *(figure for name, milliseconds in times.items() for figure in spread(name, milliseconds)),
        ],
        facts={"recorded": recorded},
        is_sound=recorded == contacts,
    )


def engage(sluice: Sluice, campaign_id: int) -> tuple[float, float]:
    """Write the delivery of a campaign. Return the seconds, and those of PostgreSQL, until its engagements exist."""
    began_at, before = time.monotonic(), sluice.cpu()
    with sluice.database.transaction():
        for statement in queries.FILL_DELIVERY:
            sluice.database.execute(statement.encode(), {"campaign": campaign_id})
        began_at, before = time.monotonic(), sluice.cpu()
    sluice.stack.wait_until(
        lambda: not sluice.number(queries.COUNT_NOTICES), seconds=600, what="the engagements of the campaign"
    )
    return time.monotonic() - began_at, sluice.cpu().since(before).engines


def look_at_all(sluice: Sluice, campaign_id: int, times: int) -> dict[str, list[float]]:
    """Return the milliseconds of some requests for each kind of statistics."""
    return {name: look(sluice, campaign_id, path, times) for name, path in REQUESTS.items()}


def look(sluice: Sluice, campaign_id: int, path: str, times: int) -> list[float]:
    """Return the milliseconds of each of some requests."""
    row = sluice.database.execute(queries.UUID_OF_CAMPAIGN, [campaign_id]).fetchone()
    assert row is not None
    caller, milliseconds = sluice.caller(), []
    for _ in range(times):
        asked_at = time.monotonic()
        caller.ask("GET", path.format(uuid=row[0]))
        milliseconds.append((time.monotonic() - asked_at) * 1000)
    caller.close()
    return milliseconds
