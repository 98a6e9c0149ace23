"""Find what pages show of the fleet, from its tables, from PostgreSQL and from Redis, at the moment of a comparison.

These figures change by themselves: connections are closed when they are not used, and each second tasks pass the
queues. So most of them have a range.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from redis import Redis

from chaos.expected import Connection, Range, Shown

SILENCE_SECONDS = 15
MEBIBYTE = 2**20
MINUTES_SHOWN = 10
PAGE_SECONDS = 30.0
"""The longest time between the reading of a page and the comparison."""
READ_NODES = f"""
select name, concurrency, seen_at > sluice_now() - interval '{SILENCE_SECONDS} s' from batches_node
"""
READ_REPORTS = """
select w.id, r.connections, r.reply_p50, r.reply_p95
from batches_worker w join batches_workerreport r on r.worker_id = w.id
where coalesce(r.node, w.node) = %s or %s = ''
"""
READ_MINUTES = """
select count(*) from batches_nodeminute where node = %s and beats >= 45 / greatest(1, %s)
    and minute >= date_trunc('minute', sluice_now()) - interval '10 min' and minute < date_trunc('minute', sluice_now())
"""
READ_DATABASE = """
select count(*), current_setting('max_connections')::int from pg_stat_activity where datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Watch:
    """A look at the fleet through connections to PostgreSQL and Redis. `sweep_seconds` is the time of a heartbeat."""

    connection: Connection
    broker: Redis
    sweep_seconds: float = 1.0

    def readers(self) -> dict[str, Callable[[str], Shown]]:
        """Return how to find the figures of the fleet, by the families of their keys."""
        return {
            "fleet": self.read_fleet,
            "node": self.read_node,
            "queue": self.read_queue,
            "redis": self.read_redis,
            "database": self.read_database,
            "listed": self.count_listed,
            "search": lambda key: Range(0, math.inf),
            "beat": lambda key: Range(0, PAGE_SECONDS),
        }

    def query(self, statement: str, *parameters: object) -> list[Any]:
        return self.connection.execute(statement, parameters or None).fetchall()

    def count_listed(self, key: str) -> Shown:
        """Return the rows of the table that a list shows."""
        table = sql.Identifier(key.partition(":")[2])
        number: int = self.connection.execute(sql.SQL("select count(*) from {}").format(table)).fetchall()[0][0]
        return number

    def read_fleet(self, key: str) -> Shown:
        """Return a figure of all nodes. No mail is under way, so no process has claims, and no connection is in use."""
        nodes = self.query(READ_NODES)
        living = [concurrency for _, concurrency, is_alive in nodes if is_alive]
        return {
            "nodes": len(nodes),
            "nodes_alive": len(living),
            "processes": sum(living),
            "processes_with_mail": 0,
            "connections_used": 0,
            "connections": self.connections_of(""),
        }.get(key.partition(":")[2])

    def read_node(self, key: str) -> Shown:
        """Return a figure of a node."""
        name, _, measure = key.partition(":")[2].rpartition(":")
        if measure in ("reply_p50", "reply_p95"):
            place = 2 if measure == "reply_p50" else 3
            rows = self.query(READ_REPORTS, name, name)
            return frozenset(write_seconds(row[place]) for row in rows if row[place] is not None)
        if measure == "minutes":
            full = self.query(READ_MINUTES, name, self.sweep_seconds)[0][0]
            return Range(max(0, full - 1), min(MINUTES_SHOWN, full + 1))
        concurrency = {node: number for node, number, _ in self.query(READ_NODES)}
        return {
            "processes": concurrency.get(name),
            "processes_with_mail": 0,
            "connections_used": 0,
            "connections": self.connections_of(name),
            "minutes_shown": MINUTES_SHOWN,
        }.get(measure)

    def connections_of(self, node: str) -> Range:
        """Return how many connections of a node (or all) may be open: at most those that its processes reported."""
        return Range(0, sum(row[1] for row in self.query(READ_REPORTS, node, node)))

    def read_queue(self, key: str) -> Shown:
        """Return the length of a queue, through which a few tasks pass each second."""
        length: Any = self.broker.llen(key.partition(":")[2])
        return around(length, 5)

    def read_redis(self, key: str) -> Shown:
        """Return a figure of Redis."""
        info: Any = self.broker.info()
        memory, limit = info["used_memory"] / MEBIBYTE, info.get("maxmemory", 0) / MEBIBYTE
        taken: Any = self.broker.hlen("unacked")
        return {
            "memory": Range(memory * 0.5, memory * 2),
            "memory_limit": round(limit),
            "clients": around(info["connected_clients"], 20),
            "taken": around(taken, 10),
        }.get(key.partition(":")[2])

    def read_database(self, key: str) -> Shown:
        """Return a figure of the sessions of PostgreSQL."""
        sessions, limit = self.query(READ_DATABASE)[0]
        return {
            "sessions": around(sessions, 20),
            "limit": limit,
            "oldest_transaction": Range(0, PAGE_SECONDS),
        }.get(key.partition(":")[2])


def around(number: int, deviation: int) -> Range:
    """Return the numbers that differ by no more than this."""
    return Range(max(0, number - deviation), number + deviation)


def write_seconds(seconds: float) -> str:
    """Return a time as pages show it: in milliseconds below a second."""
    return f"{1000 * seconds:,.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"
