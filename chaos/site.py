"""The stack as the faults see it: which process is which, how to end one and start it again."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from chaos.api import Api
from chaos.journal import Journal
from chaos.ledger import Ledger
from chaos.proxy import BrokerDoor
from chaos.rescue import RescueWatch
from stack.postgresql import start_server
from stack.processes import Child, Program, await_ready, describe_end
from stack.running import RunningStack
from stack.say import say
from stack.waiting import wait_until
from stack.watchdog import is_running

WORKERS = ("worker1", "worker2")
Window = tuple[str, float, float]
"""What was broken, from when to when."""
UNDER_WAY = "select from batches_parcel where state = 2 and slice_from is not null limit 1"


@dataclasses.dataclass
class Site:
    """Everything a fault may break, and the count of what could make a double."""

    stack: RunningStack
    ledger: Ledger
    door: BrokerDoor
    journal: Journal
    api: Api
    rescues: RescueWatch
    rng: random.Random
    started_at: float
    kills: int = 0
    """Delivering processes that were killed."""
    sessions: set[int] = dataclasses.field(default_factory=set)
    """Every process group ever started: leaders and what they may have left behind."""
    windows: list[Window] = dataclasses.field(default_factory=list)
    programs: dict[str, Program] = dataclasses.field(default_factory=dict)
    """As they were at first."""

    @property
    def database_url(self) -> str:
        """PostgreSQL's own, past every door."""
        return self.stack.environment["DATABASE_URL"]

    def say(self, text: str) -> None:
        """A line of the timeline."""
        say(f"{time.monotonic() - self.started_at:7.1f} s  {text}")

    def breach(self, text: str) -> None:
        self.journal.breaches.append(text)
        self.say(f"BREACH: {text.splitlines()[0]}")

    def child(self, name: str) -> Child:
        """The living (or last) process of a program."""
        found = [child for child in self.stack.processes.children if child.program.name == name]
        self.sessions.add(found[-1].process.pid)
        return found[-1]

    def end(self, name: str) -> None:
        """As an orderly deployment would."""
        child = self.child(name)
        child.process.terminate()
        child.process.wait(child.program.grace_seconds)

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

    def start_double(self, name: str, double: str) -> None:
        program = dataclasses.replace(self.child(name).program, name=double)
        self.sessions.add(self.stack.processes.launch(program).process.pid)

    def end_double(self, double: str) -> None:
        child = self.child(double)
        child.process.terminate()
        child.process.wait(30)
        self.stack.processes.forget(child)

    def check(self) -> None:
        """What has ended without our help is a breach, and is started again as a supervisor would."""
        for child in list(self.stack.processes.children):
            if not child.is_alive():
                self.breach(f"nobody had touched it: {describe_end(child)}")
                self.restart(child.program.name)

    def pool_of(self, name: str) -> list[int]:
        """The delivering (or web) processes below a program's main process."""
        return [pid for pid in children_of(self.child(name).process.pid) if b"mailer.node" not in command_of(pid)]

    def kill(self, pids: Iterable[int], number: signal.Signals = signal.SIGKILL) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def catch_delivering(self) -> None:
        """Return in the middle of a slice, if there is one soon."""
        until = time.monotonic() + 3
        with suppress(psycopg.Error), psycopg.connect(self.database_url, autocommit=True) as connection:
            while time.monotonic() < until and not connection.execute(UNDER_WAY).fetchone():
                time.sleep(0.002)

    def count_kill(self, processes: int) -> None:
        """To be called just before it: `processes` are about to lose what they hold."""
        self.kills += processes
        self.rescues.watch()

    @contextmanager
    def window(self, name: str) -> Iterator[None]:
        """While something is broken."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.windows.append((name, begun, time.monotonic()))

    def redis(self, *words: str) -> bytes:
        """One command, past the door."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.door.socket_path))
            parts = [b"$%d\r\n%b\r\n" % (len(word), word.encode()) for word in words]
            connection.sendall(b"*%d\r\n" % len(parts) + b"".join(parts))
            return connection.recv(4096)

    def query(self, statement: str, *parameters: object) -> list[Any]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(statement, parameters).fetchall()

    def wait_until(self, condition: Callable[[], object], *, seconds: float, what: str) -> None:
        wait_until(condition, seconds=seconds, what=what)

    def end_orphans(self) -> None:
        """What killed main processes left behind must have ended by itself; what has not is a breach."""
        leaders = {child.process.pid for child in self.stack.processes.children}
        for leader in self.sessions - leaders:
            for pid in members_of_session(leader):
                self.breach(f"left behind by a killed program: {command_of(pid)[:200]!r}")
                self.kill([pid])


def children_of(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def command_of(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    return b""


def members_of_session(leader: int) -> list[int]:
    """Living processes of a session that one of our programs began."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and is_running(int(entry.name)):
                found.append(int(entry.name))
    return found
