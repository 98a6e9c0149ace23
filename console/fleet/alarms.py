"""Say what is wrong with the fleet, and what to do about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from foundation.admin import tell_time
from monitoring.fleet import Fleet, PeerTrouble, find_peer_trouble
from monitoring.problems import Kind

OLD_TRANSACTION_SECONDS = 60.0
"""A transaction that is open for longer keeps the database from removing old rows."""
LONG_QUEUE = 1000
REMEDIES = {
    "hangs": "See whether the peer is overloaded, or a firewall drops its replies. Messages whose final dot was sent "
    "are in doubt once the connection is given up.",
    "refuses": "See whether the peer runs, and whether SMTP_URL has its address and login. No attempt is used up: the "
    "mail is tried again every second.",
    "slow": "Ask the peer's operator for the reason, or lower SMTP_CONNECTIONS if the peer delays many connections.",
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong, and what to do about it."""

    text: str
    remedy: str
    runbook: str = ""
    """The anchor of its run book; empty if it has none."""


def list_alarms(fleet: Fleet) -> list[Alarm]:
    """Return what is wrong at this moment, the most urgent first."""
    return [*_find_silent(fleet), *map(_describe, find_peer_trouble(fleet.processes)), *_find_faults(fleet)]


def _find_silent(fleet: Fleet) -> Iterator[Alarm]:
    if not any(node.concurrency and not node.is_silent for node in fleet.nodes):
        text = "No node with delivering worker processes is alive."
        yield Alarm(text, "Start a worker: no mail is sent without one.", Kind.NO_WORKER.value)
    for node in fleet.nodes:
        if node.is_silent:
            age = tell_time(node.seen_at, fleet.now)
            claimed = f" Its processes have claimed {node.claimed:,} messages." if node.claimed else ""
            remedy = (
                "Start it again, or see whether its machine reaches the database. Other nodes take over what its "
                "processes have claimed. If you have removed the node, it is forgotten after an hour."
            )
            yield Alarm(
                f"The node {node.name} is silent. Its last heartbeat was {age}.{claimed}",
                remedy,
                Kind.NODE_SILENT.value,
            )
    silent = sum(process.is_silent for process in fleet.processes)
    if silent:
        text = f"{silent:,} worker processes have claimed mail and do not look at the gate."
        yield Alarm(
            text, "They are declared dead within seconds, and their mail is rescued. If this lasts, restart them."
        )


def _describe(trouble: PeerTrouble) -> Alarm:
    return Alarm(trouble.text, REMEDIES[trouble.kind], Kind.PEER.value)


def _find_faults(fleet: Fleet) -> Iterator[Alarm]:
    if fleet.broker.is_away:
        yield Alarm("Redis does not answer.", "Start it again. Meanwhile each node delivers with one process.")
    elif not fleet.is_beat_there:
        if fleet.beat_age is None:
            text = "No task of beat has arrived yet."
        else:
            text = f"No task of beat arrives. The last one arrived {fleet.beat_age:,.0f} s ago."
        remedy = (
            "See whether beat and the worker of the queue maintenance run. Meanwhile the nodes sweep by themselves."
        )
        yield Alarm(text, remedy)
    oldest = fleet.database.oldest_transaction
    if oldest is not None and oldest > OLD_TRANSACTION_SECONDS:
        text = f"A transaction of the database has been open for {oldest:,.0f} s."
        yield Alarm(text, "Find it in pg_stat_activity. While it is open, old rows are kept and statements get slower.")
    for queue, length in fleet.queues:
        if length > LONG_QUEUE:
            yield Alarm(
                f"{length:,} tasks wait in the queue {queue}.", f"See whether a worker takes the queue {queue}."
            )


def tell_age(moment: dt.datetime | None, now: dt.datetime) -> str:
    """Return how long ago a time was, or an empty text for None."""
    return "" if moment is None else tell_time(moment, now)
