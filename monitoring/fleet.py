"""Read the fleet: nodes, worker processes and their connections to the peer, queues, Redis, beat and the database.

A worker process reports about its connections while it sends mail. Its claims are in PostgreSQL, and they decide
whether its last report still counts: a process without a claim uses no connection, whatever it reported before.
"""

from __future__ import annotations

import datetime as dt
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection
from redis import Redis, RedisError

from audience import QUEUE as AUDIENCE
from batches.hints import NODE_SILENCE
from batches.states import Lane
from events import QUEUE as EVENTS
from foundation.redis_client import client_for
from foundation.statements import fetch_rows
from foundation.version import VERSION
from mailer.pipeline.slice_size import LONG_SECONDS
from mailer.sweep import BEAT_DUTY
from monitoring import fleet_queries

TRACKED_MINUTES = 10
NODES_SHOWN = 50
PROCESSES_READ = 500
CLAIMS_READ = 20_000
BATCHES_OF_PROCESS = 100
LATELY = dt.timedelta(minutes=1)
"""The age up to which a report about open connections, replies and errors says something about the present."""
FRESH = dt.timedelta(seconds=3)
"""The age up to which a report shows what its process is doing. While a process sends or waits, it reports each second.
"""
HANG = dt.timedelta(seconds=10)
"""The silence of the peer after which a process counts as hanging."""
FULL_MINUTE = 0.75
"""The share of a minute's heartbeats with which a node counts as present all the time. A round of the sweeper may
take longer than usual."""
QUEUES = ("eta", "maintenance", *(lane.label for lane in Lane), AUDIENCE, EVENTS)
REDIS_SECONDS = 0.5
LATE_BEAT_SECONDS = 30.0
"""The time without a task of beat after which it counts as away. It publishes one every second."""


@dataclass(frozen=True, slots=True)
class Process:
    """A worker process: what it has claimed, and what it reported last."""

    worker_id: int
    node: str
    is_silent: bool
    """Whether it has claims and has not looked at the gate for a lease. The rescuer is about to take them."""
    claimed: int
    """The messages that it has claimed."""
    is_sending: bool
    """Whether it is in the middle of a slice."""
    batches: tuple[int, ...]
    """The ids of the batches that it has claimed mail of."""
    reported_at: dt.datetime | None
    connections: int
    connections_used: int
    silent_since: dt.datetime | None
    """When it began to wait for the peer; None if it does not wait."""
    replied_at: dt.datetime | None
    reply_p50: float | None
    reply_p95: float | None
    slow_batches: tuple[int, ...]
    error: str
    error_at: dt.datetime | None
    now: dt.datetime

    @property
    def is_hanging(self) -> bool:
        """Return whether it has been waiting for the peer for too long."""
        return self.silent_since is not None and self.now - self.silent_since >= HANG


@dataclass(frozen=True, slots=True)
class Node:
    """A machine or container with Celery workers, and the sums of its worker processes."""

    name: str
    concurrency: int
    is_silent: bool
    started_at: dt.datetime
    seen_at: dt.datetime
    minutes: tuple[float, ...]
    """The share of the expected heartbeats in each of the last minutes, the oldest first."""
    processes: tuple[Process, ...]

    @property
    def connections(self) -> int:
        """Return the open connections."""
        return sum(process.connections for process in self.processes)

    @property
    def connections_used(self) -> int:
        """Return the connections on which a message is under way."""
        return sum(process.connections_used for process in self.processes)

    @property
    def claimed(self) -> int:
        """Return the messages that its processes have claimed."""
        return sum(process.claimed for process in self.processes)

    @property
    def reply_p50(self) -> float | None:
        """Return the median of the replies of its slowest process."""
        return max((process.reply_p50 for process in self.processes if process.reply_p50 is not None), default=None)

    @property
    def reply_p95(self) -> float | None:
        """Return the 95th percentile of the replies of its slowest process."""
        return max((process.reply_p95 for process in self.processes if process.reply_p95 is not None), default=None)

    @property
    def silent_since(self) -> dt.datetime | None:
        """Return when the first of its hanging processes began to wait for the peer."""
        return min(
            (process.silent_since for process in self.processes if process.is_hanging and process.silent_since),
            default=None,
        )

    @property
    def last_failure(self) -> Process | None:
        """Return the process that reported the latest failure of a connection."""
        failed = [process for process in self.processes if process.error_at is not None]
        return max(failed, key=lambda each: each.error_at or each.now, default=None)

    @property
    def error(self) -> str:
        """Return the last failure of a connection."""
        return self.last_failure.error if self.last_failure else ""

    @property
    def error_at(self) -> dt.datetime | None:
        """Return when a connection failed last."""
        return self.last_failure.error_at if self.last_failure else None


@dataclass(frozen=True, slots=True)
class Broker:
    """The state of Redis, and the tasks that wait in its queues. A broker that is away has no figures."""

    is_away: bool
    version: str = ""
    memory_bytes: int = 0
    memory_limit_bytes: int = 0
    """The limit of the memory in bytes; 0: no limit."""
    clients: int = 0
    queues: tuple[tuple[str, int], ...] = ()
    taken: int = 0
    """Tasks that a worker has taken and not finished, such as those for a later time."""


@dataclass(frozen=True, slots=True)
class Database:
    """The sessions of PostgreSQL, and the age in seconds of the oldest transaction (None: none is open)."""

    oldest_transaction: float | None
    sessions: int
    session_limit: int
    version: str


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of the parts of an installation."""

    product: str
    postgresql: str
    redis: str
    python: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """The state of everything that carries mail, at one moment."""

    now: dt.datetime
    nodes: tuple[Node, ...]
    others: tuple[Process, ...]
    """The processes of nodes that are not listed."""
    broker: Broker
    database: Database
    beat_age: float | None
    """Seconds since a task of beat was carried out; None: never."""

    @property
    def is_beat_there(self) -> bool:
        """Return whether a task of beat has arrived lately."""
        return self.beat_age is not None and self.beat_age < LATE_BEAT_SECONDS

    @property
    def queues(self) -> tuple[tuple[str, int], ...]:
        """Return the queues with the number of tasks that wait in each."""
        return self.broker.queues

    @property
    def versions(self) -> Versions:
        """Return the versions of the parts."""
        return Versions(VERSION, self.database.version, self.broker.version, platform.python_version())

    @property
    def processes(self) -> tuple[Process, ...]:
        """Return the processes of all nodes."""
        return (*(process for node in self.nodes for process in node.processes), *self.others)


@dataclass(frozen=True, slots=True)
class PeerTrouble:
    """A trouble with the peer: it `hangs`, `refuses` or is `slow`."""

    kind: str
    text: str
    since: dt.datetime | None
    nodes: tuple[str, ...]


TIMES_OF_PROCESS = ("at", "silent_since", "replied_at", "error_at", "now")


def read_fleet() -> Fleet:
    """Read everything about the fleet, in three statements and one round trip to Redis."""
    processes = read_processes()
    nodes = _read_nodes(processes)
    names = {node.name for node in nodes}
    database, beat_age, now = _read_database()
    return Fleet(
        now=now,
        nodes=tuple(nodes),
        others=tuple(process for process in processes if process.node not in names),
        broker=read_broker(),
        database=database,
        beat_age=beat_age,
    )


def read_processes() -> list[Process]:
    """Return the worker processes that have a claim, or that have looked at the gate in the last minutes."""
    return [_process_from(row) for row in fetch_rows(fleet_queries.PROCESSES, parameters_of_processes())]


def parameters_of_processes() -> dict[str, float]:
    """Return the parameters of the statement `PROCESSES`, which is also a part of another one."""
    return {
        "lease": settings.LEASE_SECONDS,
        "claims": CLAIMS_READ,
        "batches": BATCHES_OF_PROCESS,
        "minutes": TRACKED_MINUTES,
        "processes": PROCESSES_READ,
    }


def process_from_json(text: str) -> Process:
    """Return a process from its row of `PROCESSES` as JSON."""
    row = json.loads(text)
    times = {name: row[name] and dt.datetime.fromisoformat(row[name]) for name in TIMES_OF_PROCESS}
    return _process_from(row | times)


def connections_in_use() -> int:
    """Return the number of connections on which a message is under way at this moment."""
    return sum(process.connections_used for process in read_processes())


def find_peer_trouble(processes: Sequence[Process] | None = None) -> list[PeerTrouble]:
    """Return the troubles with the peer at this moment; at most one of each kind."""
    processes = read_processes() if processes is None else processes
    troubles = [_find_hanging(processes), _find_refusing(processes), _find_slow(processes)]
    return [trouble for trouble in troubles if trouble is not None]


def read_broker() -> Broker:
    """Return the state of Redis and the lengths of the queues, in one round trip."""
    try:
        pipeline = _redis().pipeline(transaction=False)
        pipeline.info()
        pipeline.hlen("unacked")
        for queue in QUEUES:
            pipeline.llen(queue)
        info, unacknowledged, *lengths = pipeline.execute()
    except RedisError:
        return Broker(is_away=True)
    name = "Valkey" if "valkey_version" in info else "Redis"
    return Broker(
        is_away=False,
        version=f"{name} {info.get('valkey_version') or info['redis_version']}",
        memory_bytes=int(info["used_memory"]),
        memory_limit_bytes=int(info.get("maxmemory", 0)),
        clients=int(info["connected_clients"]),
        queues=tuple(zip(QUEUES, map(int, lengths), strict=True)),
        taken=int(unacknowledged),
    )


@cache
def _redis() -> Redis:
    return client_for(settings.REDIS_URL, timeout_seconds=REDIS_SECONDS)


def _find_hanging(processes: Sequence[Process]) -> PeerTrouble | None:
    hanging = [process for process in processes if process.is_hanging]
    if not hanging:
        return None
    since = min(process.silent_since or process.now for process in hanging)
    seconds = int((hanging[0].now - since).total_seconds())
    waiting = "One process waits" if len(hanging) == 1 else f"{len(hanging):,} processes wait"
    text = f"The peer has not answered for {seconds:,} s. {waiting} for it."
    return PeerTrouble("hangs", text, since, _nodes_of(hanging))


def _find_refusing(processes: Sequence[Process]) -> PeerTrouble | None:
    """Return that the peer takes no connection, if the latest report of any process about it is a failure."""
    failed = [
        process for process in processes if process.error_at is not None and process.now - process.error_at < LATELY
    ]
    if not failed:
        return None
    last = max(failed, key=lambda process: process.error_at or process.now)
    replied_at = max((process.replied_at for process in processes if process.replied_at), default=None)
    if last.error_at is None or last.connections or (replied_at is not None and replied_at >= last.error_at):
        return None
    return PeerTrouble("refuses", f"No connection to the peer: {last.error}.", replied_at, _nodes_of(failed))


def _find_slow(processes: Sequence[Process]) -> PeerTrouble | None:
    slow = [process for process in processes if process.reply_p50 is not None and process.reply_p50 >= LONG_SECONDS]
    if not slow:
        return None
    slowest = max(process.reply_p50 or 0.0 for process in slow)
    text = f"Half of the peer's replies take {slowest:.1f} s or longer, which is longer than a slice may take."
    return PeerTrouble("slow", text, None, _nodes_of(slow))


def _nodes_of(processes: Sequence[Process]) -> tuple[str, ...]:
    return tuple(sorted({process.node for process in processes}))


def _read_nodes(processes: Sequence[Process]) -> list[Node]:
    expected = 60 / max(1.0, settings.SWEEP_INTERVAL_SECONDS)
    return [
        Node(
            name=row["name"],
            concurrency=row["concurrency"],
            is_silent=row["now"] - row["seen_at"] > NODE_SILENCE,
            started_at=row["started_at"],
            seen_at=row["seen_at"],
            minutes=tuple(min(1.0, beats / expected) for beats in row["beats"]),
            processes=tuple(process for process in processes if process.node == row["name"]),
        )
        for row in fetch_rows(fleet_queries.NODES, {"minutes": TRACKED_MINUTES, "nodes": NODES_SHOWN})
    ]


def _process_from(row: dict[str, Any]) -> Process:
    """Return a process. Its report says something about this moment only if it is new, and the process has a claim."""
    has_claim = bool(row["batches"])
    is_silent = has_claim and not row["has_looked"]
    age = row["now"] - row["at"] if row["at"] is not None else dt.timedelta.max
    is_at_work = has_claim and not is_silent and age < FRESH
    is_recent = age < LATELY
    return Process(
        worker_id=row["worker_id"],
        node=row["node"],
        is_silent=is_silent,
        claimed=row["claimed"],
        is_sending=row["is_sending"],
        batches=tuple(row["batches"]),
        reported_at=row["at"],
        connections=row["connections"] if is_recent and not is_silent else 0,
        connections_used=row["connections_used"] if is_at_work else 0,
        silent_since=row["silent_since"] if is_at_work and row["is_sending"] else None,
        replied_at=row["replied_at"],
        reply_p50=row["reply_p50"] if is_recent else None,
        reply_p95=row["reply_p95"] if is_recent else None,
        slow_batches=tuple(row["slow_batches"]),
        error=row["error"],
        error_at=row["error_at"],
        now=row["now"],
    )


def _read_database() -> tuple[Database, float | None, dt.datetime]:
    with connection.cursor() as cursor:
        cursor.execute(fleet_queries.DATABASE, {"beat": BEAT_DUTY})
        oldest, sessions, limit, version, beat_age, now = cursor.fetchone()
    return Database(oldest, sessions, limit, version.partition(" ")[0]), beat_age, now
