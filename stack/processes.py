"""Start child processes that cannot outlive the launcher.

Each runs in a separate session, so that a terminal's Ctrl-C reaches the launcher alone and the stop keeps its order. If
the launcher dies without stopping its children, two guards act: the watchdog (on any system, in order), and on Linux
the kernel's parent-death signal, which needs no living process.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from stack import ROOT, StackError
from stack.say import say
from stack.waiting import ignoring_signals, undisturbed, wait_until
from stack.watchdog import Member, send, stop_in_order

MOST_ENDS = 5
ENDS_SECONDS = 60.0
"""A program that ends this often in this time is not started again."""
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program: how to start it and how to stop it.

    Programs are stopped from the highest rank to the lowest, and those of equal rank together.
    """

    name: str
    command: Sequence[str]
    rank: int
    ready: Callable[[], object] | None = None
    """A function that returns a true value once the program is ready; None: it is ready as soon as it runs."""
    ready_seconds: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM
    """The signal that the kernel sends it when the launcher is killed (Linux)."""
    grace_seconds: float = 30.0
    environment: Mapping[str, str] | None = None
    folder: Path = ROOT
    run_as: Mapping[str, Any] = field(default_factory=dict)
    """Popen's user, group and extra_groups, where the program must not be root."""
    starts_again: bool = False
    """Whether it is started again if it ends unasked."""


@dataclass(frozen=True)
class Child:
    program: Program
    process: subprocess.Popen[bytes]
    log: Path

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def tail(self, lines: int = 20) -> str:
        """Return the end of its log, for a person."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def member(self) -> Member:
        program = self.program
        return Member(self.process.pid, program.rank, program.stop_signal, program.grace_seconds)


class Processes:
    """The children of one stack and their watchdog. `stop()` returns when all of them have ended."""

    def __init__(self, *, logs: Path, lock: IO[str] | None = None) -> None:
        self.logs = logs
        self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.children: list[Child] = []
        self._ends: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=MOST_ENDS))
        """When each program has ended, by its name."""
        self.watchdog = start_watchdog(logs, lock)

    def start(self, program: Program) -> Child:
        """Start it and wait until it is ready."""
        child = self.launch(program)
        await_ready(child)
        return child

    def launch(self, program: Program) -> Child:
        log = self.logs / f"{program.name}.log"
        with undisturbed(), log.open("ab") as output:
            process = subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=program.folder,
                env=program.environment,
                start_new_session=True,
                preexec_fn=die_with_parent(program.orphan_signal),
                **program.run_as,
            )
            child = Child(program, process, log)
            self.children.append(child)
            self.tell(child.member().line())
        return child

    def forget(self, child: Child) -> None:
        """Remove a child that has ended from the list, either for good or before another try."""
        child.process.wait()
        self.children.remove(child)
        self.tell(f"- {child.process.pid}\n")

    def tell(self, line: str) -> None:
        assert self.watchdog.stdin is not None
        with contextlib.suppress(OSError):
            self.watchdog.stdin.write(line.encode())
            self.watchdog.stdin.flush()

    def check(self) -> None:
        """Raise StackError when a child has ended unasked."""
        for child in self.children:
            if not child.is_alive():
                raise StackError(describe_failure(child))

    def start_ended(self) -> None:
        """Start programs again that have ended unasked, and say so.

        Raises StackError if a program may not be started again, or ends again and again.
        """
        for child in [candidate for candidate in self.children if not candidate.is_alive()]:
            program, ends = child.program, self._ends[child.program.name]
            ends.append(time.monotonic())
            if not program.starts_again or (len(ends) == MOST_ENDS and ends[-1] - ends[0] < ENDS_SECONDS):
                raise StackError(describe_failure(child))
            # Processes of its pool, or web workers, may still run.
            send(os.killpg, child.process.pid, signal.SIGKILL)
            self.forget(child)
            self.launch(program)
            say(f"{describe_end(child)} and was started again. Its log: {child.log}")

    def stop(self) -> None:
        """Stop all programs in order; then the watchdog, which finds nothing left to do."""
        with ignoring_signals():
            by_pid = {child.process.pid: child for child in self.children}
            stop_in_order([child.member() for child in self.children], lambda member: by_pid[member.pid].is_alive())
            for child in list(self.children):
                self.forget(child)
            assert self.watchdog.stdin is not None
            with contextlib.suppress(OSError):
                self.watchdog.stdin.close()
            self.watchdog.wait()


def await_ready(child: Child) -> None:
    """Wait until a child is ready.

    Raises StackError with the end of its log when it ends instead.
    """
    ready = child.program.ready or (lambda: True)
    wait_until(
        lambda: not child.is_alive() or ready(),
        seconds=child.program.ready_seconds,
        what=f"{child.program.name} to become ready (its log: {child.log})",
    )
    if not child.is_alive():
        raise StackError(describe_failure(child))


def start_watchdog(logs: Path, lock: IO[str] | None) -> subprocess.Popen[bytes]:
    """Start a watchdog. Its argument shows people who read `ps` whose watchdog it is."""
    with undisturbed():
        return subprocess.Popen(
            [sys.executable, "-I", str(ROOT / "stack" / "watchdog.py"), str(logs.parent)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[lock.fileno()] if lock else [],
        )


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Return a function for a new child on Linux that asks the kernel for `number` when the launcher dies.

    The child exits if the launcher is dead already.
    """
    if LIBC is None:
        return None
    prctl, launcher = LIBC.prctl, os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != launcher:
            os._exit(1)

    return ask


def describe_end(child: Child) -> str:
    code = child.process.returncode
    how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    return f"{child.program.name} ended {how}"


def describe_failure(child: Child) -> str:
    """Return how a program has ended, and the end of its log."""
    return f"{describe_end(child)}. The end of {child.log}:\n{child.tail()}"


def run_to_end(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    run_as: Mapping[str, Any] | None = None,
    folder: Path = ROOT,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """Return a short command's standard output. Raises StackError with all it wrote if it fails.

    `on_line` gets each line as it is written. The lines then include those of the standard error.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if on_line else subprocess.PIPE,
        cwd=folder,
        env=environment,
        text=True,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGKILL),
        **(run_as or {}),
    )
    with process:
        try:
            lines = follow(process, on_line) if on_line else ""
            output, errors = process.communicate()
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise StackError(f"{' '.join(command)} failed:\n{lines}{output}{errors or ''}".rstrip())
    return lines + str(output)


def follow(process: subprocess.Popen[str], on_line: Callable[[str], None]) -> str:
    """Pass on each line that a process writes, and return all of them."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        on_line(line)
        lines.append(line)
    return "".join(lines)
