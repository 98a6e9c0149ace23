"""Stop a stack whose launcher was killed: a separate process that waits for the end of its standard input.

The launcher holds the other end of that pipe and writes a line for each process that it starts ("+" and a member) or
that has ended ("-" and a pid). End of file means that the launcher is gone, however it died, on any system: the
processes still listed are stopped in the usual order. The watchdog also holds the lock of the state folder, so that no
second stack starts before the first one is stopped. It runs alone (`python -I stack/watchdog.py`) and imports only the
standard library.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Member(NamedTuple):
    """A process to stop, which leads a process group. Higher ranks stop first, equal ones together."""

    pid: int
    rank: int
    stop_signal: int
    grace_seconds: float

    def line(self) -> str:
        return f"+ {self.pid} {self.rank} {self.stop_signal} {self.grace_seconds}\n"


def stop_in_order(members: Iterable[Member], is_alive: Callable[[Member], bool]) -> None:
    """Send each member its signal, wait for its grace, and kill it; then kill its children (pool, web workers)."""
    remaining = list(members)
    for rank in sorted({member.rank for member in remaining}, reverse=True):
        group = [member for member in remaining if member.rank == rank]
        for member in group:
            send(os.kill, member.pid, member.stop_signal)
        deadline = time.monotonic() + max(member.grace_seconds for member in group)
        while any(is_alive(member) for member in group) and time.monotonic() < deadline:
            time.sleep(0.02)
        for member in group:
            send(os.killpg, member.pid, signal.SIGKILL)


def send(how: Callable[[int, int], None], pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        how(pid, number)


def is_running(pid: int) -> bool:
    """Return False for a zombie, too: in a container, where nobody reaps orphans, it would look alive for ever."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return not os.path.isdir("/proc/self")


def read_members(lines: Iterable[str]) -> list[Member]:
    """Return the processes that are still listed when the input ends."""
    members: dict[int, Member] = {}
    for line in lines:
        sign, pid, *numbers = line.split()
        if sign == "+":
            members[int(pid)] = Member(int(pid), int(numbers[0]), int(numbers[1]), float(numbers[2]))
        else:
            members.pop(int(pid), None)
    return list(members.values())


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    stop_in_order(read_members(sys.stdin), lambda member: is_running(member.pid))


if __name__ == "__main__":
    main()
