"""Provide the stack to the faults: its processes, and functions that end and start them."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from chaos.api import Api
from chaos.journal import Journal
from chaos.ledger import Ledger
from chaos.proxy import Door
from chaos.receiver import Keys, Receiver
from chaos.rescue import RescueWatch
from chaos.scale import Scale
from stack import StackError
from stack.postgresql import start_server
from stack.processes import Child, Program, await_ready, describe_end
from stack.programs import INBOX
from stack.running import RunningStack
from stack.say import say
from stack.stored_numbers import ParcelState
from stack.waiting import wait_until
from stack.watchdog import is_running

Window = tuple[str, float, float]
"""The name of a fault, its start and its end."""
DELIVERING = f"select 1 from batches_parcel where state = {ParcelState.CLAIMED} and slice_from is not null limit 1"
MANY_DUE = f"select 1 from batches_parcel where state = {ParcelState.DUE} limit %s"
ACCEPTING = """
select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'copy mailer_message%' limit 1
"""
"""Moments to strike: in the middle of a slice, and of an accept."""
SWAMPED = 150
"""The number of parcels that keeps the fleet busy."""


@dataclasses.dataclass(frozen=True, slots=True)
class Doors:
    """The proxies between the programs of the product and the engines."""

    redis: Door
    postgresql: Door
    peer: Door


@dataclasses.dataclass
class Site:
    """Everything that a fault can break, and the count of events that can cause a duplicate."""

    stack: RunningStack
    scale: Scale
    ledger: Ledger
    receiver: Receiver
    keys: Keys
    doors: Doors
    journal: Journal
    api: Api
    rescues: RescueWatch
    rng: random.Random
    started_at: float
    kills: int = 0
    """The number of delivering processes that were killed."""
    sessions: set[int] = dataclasses.field(default_factory=set)
    """Every process group that was ever started, since children may survive their leaders."""
    windows: list[Window] = dataclasses.field(default_factory=list)
    programs: dict[str, Program] = dataclasses.field(default_factory=dict)
    """The programs as they were at the start."""

    @property
    def database_url(self) -> str:
        """Return the URL of PostgreSQL itself, without a proxy."""
        return self.stack.environment["DATABASE_URL"]

    def say(self, text: str) -> None:
        """Print a line of the timeline."""
        say(f"{time.monotonic() - self.started_at:7.1f} s  {text}")

    def breach(self, text: str) -> None:
        self.journal.breaches.append(text)
        self.say(f"BREACH: {text.splitlines()[0]}")

    def child(self, name: str) -> Child:
        """Return the living (or last) process of a program."""
        children = [child for child in self.stack.processes.children if child.program.name == name]
        self.sessions.add(children[-1].process.pid)
        return children[-1]

    def end(self, name: str) -> None:
        """End a program as an orderly deployment does."""
        self.end_child(self.child(name))

    def end_child(self, child: Child) -> None:
        """Send a child its signal, and kill it after its grace, as a supervisor does."""
        child.process.terminate()
        try:
            child.process.wait(child.program.grace_seconds)
        except subprocess.TimeoutExpired:
            self.say(f"{child.program.name} did not end within {child.program.grace_seconds:.0f} s and is killed")
            self.count_kill(2)
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait(30)

    def restart(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a program again that has ended, and wait until it does its work."""
        child = self.child(name)
        child.process.wait(30)
        program = self.programs.setdefault(name, child.program)
        if "SLUICE_READY_FILE" in (child.program.environment or {}):
            Path((child.program.environment or {})["SLUICE_READY_FILE"]).unlink(missing_ok=True)
        self.stack.processes.forget(child)
        if environment:
            program = dataclasses.replace(program, environment={**(program.environment or {}), **environment})
        await_ready(self.stack.processes.launch(program))
        self.child(name)

    def restart_postgresql(self, number: signal.Signals) -> None:
        child = self.child("postgresql")
        child.process.send_signal(number)
        child.process.wait(60)
        self.stack.processes.forget(child)
        command = list(child.program.command)
        start_server(self.stack.processes, child.program, Path(command[command.index("-D") + 1]))

    def start_double(self, name: str, double: str, *, sign: str) -> None:
        """Start a second process of a program and wait until `sign` is in its log."""
        log = self.stack.processes.logs / f"{double}.log"
        log.unlink(missing_ok=True)
        program = self.child(name).program
        environment = {**(program.environment or {}), "LOG_LEVEL": "DEBUG"}
        child = self.stack.processes.launch(dataclasses.replace(program, name=double, environment=environment))
        self.sessions.add(child.process.pid)
        self.await_effect(lambda: sign in log.read_text(errors="replace"), f"{double} runs", seconds=30)

    def end_double(self, double: str) -> None:
        child = self.child(double)
        self.end_child(child)
        self.stack.processes.forget(child)

    def is_swamped(self) -> bool:
        """Return whether so much is due already that more would only measure this machine."""
        with suppress(psycopg.Error):
            return len(self.query(MANY_DUE, SWAMPED)) == SWAMPED
        return False

    def expect(self, happened: object, effect: str) -> None:
        """Require that a fault had its effect: if it did nothing, the promises were not put to the test."""
        if not happened:
            self.breach(f"a fault had no effect: {effect}")

    def await_effect(self, condition: Callable[[], object], effect: str, *, seconds: float = 10) -> None:
        with suppress(StackError):
            wait_until(condition, seconds=seconds, what=effect)
        self.expect(condition(), f"expected that {effect}")

    def end_all(self) -> None:
        """Kill everything at once, since all facts are known."""
        for child in self.stack.processes.children:
            if child.program.rank >= INBOX:
                os.killpg(child.process.pid, signal.SIGKILL)

    def check(self) -> None:
        """Count each process that ended without our help as a breach, and start it again as a supervisor would."""
        for child in list(self.stack.processes.children):
            if not child.is_alive():
                self.breach(f"a program ended without a fault: {describe_end(child)}")
                self.restart(child.program.name)

    def pool_of(self, name: str) -> list[int]:
        """Return the delivering (or web) processes below a program's main process."""
        return [pid for pid in children_of(self.child(name).process.pid) if b"mailer.node" not in command_of(pid)]

    def kill(self, pids: Iterable[int], number: signal.Signals = signal.SIGKILL) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    @contextmanager
    def holding_up_accepts(self) -> Iterator[None]:
        """Keep accepts waiting before they write their messages. While the database is away there are no accepts."""
        with ExitStack() as exits:
            with suppress(psycopg.Error):
                connection = psycopg.connect(self.database_url)
                exits.callback(connection.close)
                connection.execute("lock table mailer_message in share mode")
            yield

    def catch(self, moment: str, *, seconds: float = 3) -> bool:
        """Return True as soon as this query returns a row, and False if it does not within a short time."""
        until = time.monotonic() + seconds
        with suppress(psycopg.Error), psycopg.connect(self.database_url, autocommit=True) as connection:
            while time.monotonic() < until:
                if connection.execute(moment).fetchone():
                    return True
                time.sleep(0.002)
        return False

    def count_kill(self, processes: int) -> None:
        """Count a kill just before it: `processes` are about to lose their claims."""
        self.kills += processes
        self.rescues.watch()

    @contextmanager
    def window(self, name: str) -> Iterator[None]:
        """Record that a part is broken until the end of the block."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.windows.append((name, start, time.monotonic()))

    def redis(self, *words: str) -> bytes:
        """Execute one Redis command without the proxy."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.doors.redis.target))
            parts = [b"$%d\r\n%b\r\n" % (len(word), word.encode()) for word in words]
            connection.sendall(b"*%d\r\n" % len(parts) + b"".join(parts))
            return connection.recv(4096)

    def query(self, statement: str, *parameters: object) -> list[Any]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(statement, parameters).fetchall()

    def wait_until(self, condition: Callable[[], object], *, seconds: float, what: str) -> None:
        wait_until(condition, seconds=seconds, what=what)

    def end_orphans(self) -> None:
        """Check that the children of killed main processes have ended by themselves; the others are a breach."""
        leaders = {child.process.pid for child in self.stack.processes.children}
        for leader in self.sessions - leaders:
            for pid in members_of_session(leader):
                self.breach(f"a child has survived its killed program: {command_of(pid)[:200]!r}")
                self.kill([pid])


def children_of(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def command_of(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    return b""


def state_of(pid: int) -> str:
    """Return the letter of a process's state in /proc (T: stopped, Z: zombie); empty when it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def members_of_session(leader: int) -> list[int]:
    """Return the living processes of a session that one of our programs began."""
    members = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and is_running(int(entry.name)):
                members.append(int(entry.name))
    return members
